"""A site's place in a round, encrypted, so that its process may end between two stages and another one go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
from numpy.typing import NDArray

from cdt_core.model.fields import FieldWriter
from cdt_privacy.secure.identity import Identity
from cdt_privacy.secure.messages import STAGES
from cdt_privacy.secure.seal import Seal
from cdt_privacy.secure.terms import Terms

__all__ = ["State"]

_SEAL = Seal(b"cdt secure sum site 1", "", "a secure sum")
_SEED_BYTES = 32


@attrs.frozen
class State:
    """All of a site's round but its identity: what it was, what it made up, and what it was asked.

    Everything else follows from these by answering again, so that nothing in the state can contradict itself.
    """

    terms: Terms
    seed: bytes = attrs.field(repr=False)
    update: NDArray[Any] = attrs.field(repr=False)
    requests: Sequence[bytes] = attrs.field(repr=False)

    def to_bytes(self, identity: Identity) -> bytes:
        """Sealed; ``FederatedError`` for more than 2 GiB."""
        writer = FieldWriter().counted(self.terms.to_bytes()).fixed(self.seed).array(self.update, self.terms.dtype)
        writer.number(len(self.requests), 1)
        for request in self.requests:
            writer.number(len(request), 8).fixed(request)
        return _SEAL.closed(writer.end(), identity, self.terms.round)

    @classmethod
    def from_bytes(cls, saved: bytes, identity: Identity) -> State:
        """The state of :meth:`to_bytes`; ``ProtocolError`` when it was changed or is of another identity."""
        reader = _SEAL.opened(saved, identity)
        terms = Terms.from_bytes(reader.counted(len(saved)))
        seed, update = reader.fixed(_SEED_BYTES), reader.array(terms.dtype, terms.length)
        count = reader.number(1)
        if count > len(STAGES):
            raise reader.error(f"{count} stages answered, there are {len(STAGES)}")
        requests = [reader.fixed(reader.number(8)) for _ in range(count)]
        reader.end()
        return cls(terms, seed, update, requests)
