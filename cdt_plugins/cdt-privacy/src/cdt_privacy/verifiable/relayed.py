"""What sites of a verified sum send each other through the coordinator, signed: it cannot say anything in their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cdt_core.errors import FederatedError
from cdt_core.model.fields import FieldReader, FieldWriter
from cdt_privacy.secure.messages import read_members, signed_by, write_members

if TYPE_CHECKING:
    from cdt_privacy import secure
    from cdt_privacy.verifiable.terms import Terms

__all__ = ["AFTER", "SEALS", "STAGES_BEFORE", "agreed_bytes", "check_terms", "read_relayed", "write_relayed"]

#: Before the stages of the secure sum, and after them.
SEALS = "seals"
STAGES_BEFORE = (SEALS,)
COINS, CLAIMS, VERDICTS = AFTER = ("coins", "claims", "verdicts")

_MAGIC = "cdt verified sum 1"

#: Bytes of an answer; a claim of 256 projections has 2 MB.
_LARGEST = 1 << 24


def agreed_bytes(sums: secure.Terms, terms: Terms) -> bytes:
    """Both terms: the request of the first stage, equal to what each site has."""
    writer = FieldWriter().text(_MAGIC).counted(sums.to_bytes()).text(terms.round)
    return writer.number(terms.length, 8).number(terms.projections, 2).number(terms.square_limit, 32).end()


def check_terms(sums: secure.Terms, terms: Terms) -> None:
    """``FederatedError`` when the two are not of one round, or the vector has no room for the blindings."""
    if sums.round != terms.round or sums.length != terms.carried_length:
        raise FederatedError(
            f"the secure sum is {sums.round!r} of {sums.length} numbers, the proofs are of {terms.round!r} and carry "
            f"{terms.carried_length} numbers; make both for the same round, with length=terms.carried_length"
        )


def write_relayed(sums: secure.Terms, payloads: Mapping[str, bytes]) -> bytes:
    """Sites' signed answers of one stage, for every site."""
    by_index = {sums.sites.index(site): payload for site, payload in payloads.items()}
    writer = write_members(FieldWriter(), by_index, len(sums.sites))
    for index in sorted(by_index):
        writer.counted(by_index[index])
    return writer.end()


def read_relayed(sums: secure.Terms, roster: secure.Roster, stage: str, reader: FieldReader) -> dict[str, bytes]:
    """What each site answered in that stage; ``ProtocolError`` when one of them has not signed it. Nothing may follow."""
    bodies = {}
    for index in read_members(reader, len(sums.sites)):
        site = sums.sites[index]
        bodies[site] = bytes(signed_by(roster, sums, stage, site, reader.counted(_LARGEST)).body)
    reader.end()
    return bodies
