"""A site's place in a verified sum, encrypted, so that its process may end between two stages and another one go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from cdt_core.model.fields import FieldReader, FieldWriter
from cdt_privacy import secure
from cdt_privacy.secure.seal import Seal
from cdt_privacy.verifiable.coins import COIN_BYTES
from cdt_privacy.verifiable.contributor import Secrets
from cdt_privacy.verifiable.group import read_scalar, scalar_bytes
from cdt_privacy.verifiable.terms import Terms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["State"]

_SEAL = Seal(b"cdt verified sum site 1", " in a verified sum", "a verified sum")
_LIMIT_BYTES = 32


@attrs.frozen(kw_only=True)
class State:
    """All of a site's round but its identity.

    ``masked`` is the place in the secure sum, ``done`` the number of stages that were answered, ``requests`` what was asked in
    those that are not the secure sum's, and ``answer`` the answer to the last of these: a proof made again would be another.
    """

    terms: Terms
    sums: secure.Terms
    secrets: Secrets = attrs.field(repr=False)
    update: NDArray[np.int64] = attrs.field(repr=False)
    masked: bytes = attrs.field(repr=False)
    done: int
    requests: Sequence[bytes] = attrs.field(repr=False)
    answer: bytes = attrs.field(repr=False)

    def to_bytes(self, identity: secure.Identity) -> bytes:
        """Sealed; ``FederatedError`` for more than 2 GiB."""
        terms = self.terms
        writer = FieldWriter().text(terms.round).number(terms.length, 8).number(terms.projections, 2)
        writer.number(terms.square_limit, _LIMIT_BYTES).fixed(self.secrets.coin)
        for scalar in self.secrets.blindings:
            writer.fixed(scalar_bytes(scalar))
        writer.array(self.update, "int64").number(self.done, 1).number(len(self.requests), 1)
        for field in (self.sums.to_bytes(), self.masked, self.answer, *self.requests):
            writer.number(len(field), 8).fixed(field)
        return _SEAL.closed(writer.end(), identity, terms.round)

    @classmethod
    def from_bytes(cls, saved: bytes, identity: secure.Identity) -> State:
        """The state of :meth:`to_bytes`; ``ProtocolError`` when it was changed or is of another identity."""
        return cls._parsed(_SEAL.opened(saved, identity), len(saved))

    @classmethod
    def _parsed(cls, reader: FieldReader, size: int) -> State:
        round_, length, projections = reader.text(size), reader.number(8), reader.number(2)
        limit = reader.number(_LIMIT_BYTES)
        terms = Terms(round=round_, length=length, projections=projections, square_limit=limit)
        coin = reader.fixed(COIN_BYTES)
        blindings = tuple(read_scalar(reader, "a blinding") for _ in range(terms.rows))
        update, done, count = reader.array("int64", terms.length), reader.number(1), reader.number(1)
        sums, masked, answer, *requests = (reader.fixed(reader.number(8)) for _ in range(3 + count))
        reader.end()
        return cls(
            terms=terms,
            sums=secure.Terms.from_bytes(sums),
            secrets=Secrets(blindings, coin),
            update=update,
            masked=masked,
            done=done,
            requests=requests,
            answer=answer,
        )
