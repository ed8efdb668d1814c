"""The messages of a secure sum, as bytes: what sites answer in each stage, signed, and lists of sites."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping

import attrs

from cdt_core.errors import ProtocolError
from cdt_core.kernels.lattice.shamir import SHARE_BYTES
from cdt_core.model.fields import FieldReader, FieldWriter
from cdt_privacy.secure.agreement import TAG_BYTES
from cdt_privacy.secure.identity import SIGNATURE_BYTES, Identity, Roster
from cdt_privacy.secure.terms import Terms

__all__ = ["STAGES", "Dealt", "Keys", "Signed", "read_members", "signed", "signed_by", "write_members"]

KEYS, SHARES, MASKED, CONSISTENCY, UNMASK = STAGES = ("keys", "shares", "masked", "consistency", "unmask")

KEY_BYTES = 32
DIGEST_BYTES = 32
#: A sealed pair of shares: of the self mask's seed and of the mask key.
SEALED_BYTES = 2 * SHARE_BYTES + TAG_BYTES


def signed_text(terms: Terms, stage: str, site: str, body: bytes | memoryview) -> bytes:
    """What a site signs: round, terms, stage, its name and the answer."""
    writer = FieldWriter().text("answer in a secure sum 1").text(terms.round).fixed(terms.digest)
    return writer.text(stage).text(site).fixed(hashlib.sha256(body).digest()).end()


def signed(identity: Identity, terms: Terms, stage: str, body: bytes) -> bytes:
    """An answer as it is sent: the signature, then what it is of."""
    return identity.sign(signed_text(terms, stage, identity.site, body)) + body


@attrs.frozen
class Signed:
    """An answer and its signature."""

    signature: bytes
    body: bytes | memoryview

    def reader(self, what: str) -> FieldReader:
        """Reads the body."""
        return FieldReader(bytes(self.body), what)


def signed_by(roster: Roster, terms: Terms, stage: str, site: str, payload: bytes) -> Signed:
    """Take an answer apart; ``ProtocolError`` when the site has not signed it for this stage of this round."""
    if not isinstance(payload, (bytes, bytearray, memoryview)):
        raise ProtocolError(f"{where(terms, stage, site)}: {type(payload).__name__} in place of bytes; refuse it")
    if len(payload) < SIGNATURE_BYTES:
        raise ProtocolError(
            f"{where(terms, stage, site)}: {len(payload)} bytes are too short for a signature; refuse it"
        )
    answer = Signed(bytes(payload[:SIGNATURE_BYTES]), memoryview(payload)[SIGNATURE_BYTES:])
    verify(roster, terms, stage, site, answer)
    return answer


def verify(roster: Roster, terms: Terms, stage: str, site: str, answer: Signed) -> None:
    """Check an answer's signature; ``ProtocolError`` says of which message it is none."""
    try:
        roster.verify(site, answer.signature, signed_text(terms, stage, site, answer.body))
    except ProtocolError as error:
        raise ProtocolError(f"{where(terms, stage, site)}: {error}") from error


def where(terms: Terms, stage: str, site: str = "") -> str:
    """How errors say which message they are about."""
    return f"round {terms.round!r}, stage {stage}" + (f", site {site!r}" if site else "")


def write_members(writer: FieldWriter, members: Iterable[int], sites: int) -> FieldWriter:
    """A set of sites: one bit for each that was asked."""
    bits = sum(1 << member for member in set(members))
    return writer.number(bits, (sites + 7) // 8)


def read_members(reader: FieldReader, sites: int) -> tuple[int, ...]:
    """Indices of a set of sites, rising."""
    bits = reader.number((sites + 7) // 8)
    if bits >> sites:
        raise reader.error(f"a site beyond the {sites} that were asked")
    return tuple(index for index in range(sites) if bits >> index & 1)


@attrs.frozen
class Keys:
    """What a site advertises for one round, with its signature: public keys and a commitment to its self mask's seed."""

    share_key: bytes
    mask_key: bytes
    self_mask: bytes
    signature: bytes = b""

    def to_bytes(self) -> bytes:
        """The part that is signed."""
        return self.share_key + self.mask_key + self.self_mask

    @classmethod
    def read(cls, reader: FieldReader, signature: bytes) -> Keys:
        """Off the bytes of somebody else."""
        return cls(reader.fixed(KEY_BYTES), reader.fixed(KEY_BYTES), reader.fixed(DIGEST_BYTES), signature)


def write_keys(terms: Terms, keys: Mapping[int, Keys]) -> bytes:
    """The list of keys that every site is given, with everyone's signature."""
    writer = write_members(FieldWriter(), keys, len(terms.sites))
    for index in sorted(keys):
        writer.fixed(keys[index].signature).fixed(keys[index].to_bytes())
    return writer.end()


def read_keys(terms: Terms, roster: Roster, reader: FieldReader) -> dict[int, Keys]:
    """The list of keys, each signed by its site."""
    found = {}
    for index in read_members(reader, len(terms.sites)):
        signature = reader.fixed(SIGNATURE_BYTES)
        found[index] = keys = Keys.read(reader, signature)
        verify(roster, terms, KEYS, terms.sites[index], Signed(signature, keys.to_bytes()))
    reader.end()
    return found


@attrs.frozen
class Dealt:
    """One site's secrets in shares, as it sent them: a sealed pair for each other holder, then two commitments for each holder.

    The commitments are to the share of the self mask's seed and to that of the mask key: with them the coordinator tells a
    share that a holder has changed from the one that was dealt.
    """

    dealer: int
    holders: tuple[int, ...]
    body: bytes

    @classmethod
    def read(cls, reader: FieldReader, holders: tuple[int, ...], dealer: int) -> Dealt:
        """Off the bytes of somebody else; ``holders`` are sorted and have the dealer among them."""
        body = reader.fixed(SEALED_BYTES * (len(holders) - 1) + 2 * DIGEST_BYTES * len(holders))
        reader.end()
        return cls(dealer, holders, body)

    def sealed(self, holder: int) -> bytes:
        """What is for one holder's eyes, another than the dealer's."""
        place = self.holders.index(holder) - (holder > self.dealer)
        return self.body[place * SEALED_BYTES : (place + 1) * SEALED_BYTES]

    def commitment(self, holder: int, of_mask_key: bool) -> bytes:
        """The commitment to one of a holder's two shares."""
        place = SEALED_BYTES * (len(self.holders) - 1) + DIGEST_BYTES * (2 * self.holders.index(holder) + of_mask_key)
        return self.body[place : place + DIGEST_BYTES]


def transcript(keys_digest: bytes, dealers: Collection[int], survivors: Collection[int], sites: int) -> bytes:
    """Digest of all that the coordinator told everyone: the keys, who dealt shares, whose updates are in the sum."""
    writer = write_members(FieldWriter().fixed(keys_digest), dealers, sites)
    return hashlib.sha256(write_members(writer, survivors, sites).end()).digest()
