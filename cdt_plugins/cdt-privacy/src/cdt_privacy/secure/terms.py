"""What all sites of a round agree on before it begins; every message of the round is bound to it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import attrs
import numpy as np

from cdt_core.errors import FederatedError, PrivacyError
from cdt_core.model.fields import FieldReader, FieldWriter
from cdt_privacy.secure.identity import NAME_BYTES, is_name
from cdt_privacy.secure.sparse import Sparse, neighbours

__all__ = ["ACTIVE", "SEMI_HONEST", "Terms"]

#: The coordinator may do anything, together with fewer than a third of the sites.
ACTIVE = "active"
#: The coordinator keeps to the protocol and is curious, together with fewer sites than the threshold.
SEMI_HONEST = "semi-honest"

_MAGIC = "cdt secure sum 1"
_FEWEST_SITES = 3
_MOST_SITES = 100_000
#: The masks of 64-bit numbers are half of what one GCM stream may be.
_LONGEST_VECTOR = 2**32


def _sites(sites: Iterable[str]) -> tuple[str, ...]:
    names = () if isinstance(sites, str) or not isinstance(sites, Iterable) else tuple(sites)
    if not names or not all(isinstance(name, str) for name in names):
        raise FederatedError(f"{sites!r} are not names of sites; give several texts")
    return tuple(sorted(names))


def _whole(value: Any) -> Any:
    """A NumPy integer as Python's; anything else as it is, for the checks to refuse."""
    return int(value) if isinstance(value, np.integer) else value


def _graph(value: Any) -> Any:
    if value is not None and not isinstance(value, Sparse):
        raise FederatedError(f"sparse is {value!r}; give what Sparse.for_sites finds, or None for all pairs")
    return value


def least_threshold(sites: int, adversary: str, sparse: Sparse | None = None) -> int:
    """Least number of survivors that protects each of them, of ``sites`` that are asked.

    A sparse graph hides a site among its neighbours as long as no more drop out than it was made for.
    """
    least = 2 * sites // 3 + 1 if adversary == ACTIVE else sites // 2 + 1
    return max(least, sites - sparse.dropped) if sparse else least


@attrs.frozen
class Terms:
    """What one round of secure sums is about, and whom it protects from.

    Parameters
    ----------
    round
        Name of the round, at most 255 bytes; never used twice by a federation.
    sites
        Names of the sites that are asked, 3 or more, each on the roster; kept sorted.
    length
        Number of ring integers in each site's vector.
    bits
        32 or 64: the ring of integers modulo ``2**bits``, ``uint32`` or ``uint64``.
    adversary
        ``"active"`` (the default): the coordinator may lie, forge and drop messages at will, with fewer than a third of the
        sites on its side; needs a threshold of ``floor(2 n / 3) + 1`` of n sites. ``"semi-honest"``: it keeps to the protocol;
        needs more than half of the sites.
    sparse
        Neighbours of :class:`Sparse` in place of all pairs, for hundreds of sites; semi-honest only.
    threshold
        So many sites must stay to the end, and so many shares give a secret back (of a sparse graph its own threshold does);
        the least that is safe unless given. A higher one protects from more corrupted sites; a round with fewer survivors
        fails. What the sum itself shows it does not hide: of two survivors each knows the other's update.

    Raises
    ------
    PrivacyError
        A threshold or graph with which the promise of ``adversary`` does not hold, with the least that does.
    FederatedError
        Other arguments without meaning.

    Examples
    --------
    >>> terms = Terms("round 7", ["north", "south", "east", "west"], length=1000)
    >>> terms.threshold, terms.sites[0], Terms.from_bytes(terms.to_bytes()) == terms
    (3, 'east', True)
    """

    round: str
    sites: tuple[str, ...] = attrs.field(converter=_sites)
    length: int = attrs.field(converter=_whole)
    bits: int = attrs.field(default=32, converter=_whole)
    adversary: str = ACTIVE
    sparse: Sparse | None = attrs.field(default=None, converter=_graph)
    threshold: int = attrs.field(
        default=attrs.Factory(
            lambda self: least_threshold(len(self.sites), self.adversary, self.sparse), takes_self=True
        ),
        converter=_whole,
    )
    digest: bytes = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        self._check_names()
        if not (isinstance(self.length, int) and 0 < self.length <= _LONGEST_VECTOR):
            raise FederatedError(f"round {self.round!r}: a vector of length {self.length!r}; give an integer from 1")
        if not (isinstance(self.bits, int) and self.bits in (32, 64)):
            raise FederatedError(f"round {self.round!r}: a ring of {self.bits!r} bits; give 32 or 64")
        if self.adversary not in (ACTIVE, SEMI_HONEST):
            raise FederatedError(
                f"round {self.round!r}: adversary {self.adversary!r}; give {ACTIVE!r} or {SEMI_HONEST!r}"
            )
        self._check_sparse()
        self._check_threshold()
        object.__setattr__(self, "digest", hashlib.sha256(self.to_bytes()).digest())

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of ring vectors, in the machine's byte order."""
        return np.dtype(np.uint32 if self.bits == 32 else np.uint64)

    @property
    def share_threshold(self) -> int:
        """Shares of a secret that give it back."""
        return self.sparse.threshold if self.sparse else self.threshold

    def neighbours(self, seed: bytes) -> tuple[tuple[int, ...], ...]:
        """Indices into ``sites`` of each site's neighbours."""
        return neighbours(len(self.sites), self.sparse.neighbours if self.sparse else len(self.sites) - 1, seed)

    def to_bytes(self) -> bytes:
        """The terms as bytes; equal terms have equal bytes."""
        writer = FieldWriter().text(_MAGIC).text(self.round).texts(self.sites).number(self.length, 8)
        writer.number(self.bits, 1).text(self.adversary).number(self.threshold, 4)
        parts = attrs.astuple(self.sparse) if self.sparse else (0, 0, 0, 0)
        for part in parts:
            writer.number(part, 4)
        return writer.end()

    @classmethod
    def from_bytes(cls, sent: bytes) -> Terms:
        """The terms that a coordinator asks for: what the request of the first stage is.

        They keep their promise by construction. Whether these sites, this length and this adversary are what the site has
        agreed to is for the site to decide.

        Raises
        ------
        ProtocolError
            Malformed, or terms that nobody could safely take.
        """
        reader = FieldReader(sent, "terms of a round")
        if reader.text(len(_MAGIC)) != _MAGIC:
            raise reader.error("not the terms of a secure sum of this version")
        name, sites = reader.text(NAME_BYTES), reader.texts(_MOST_SITES, NAME_BYTES)
        length, bits = reader.number(8), reader.number(1)
        adversary, threshold = reader.text(NAME_BYTES), reader.number(4)
        parts = [reader.number(4) for _ in range(4)]
        reader.end()
        try:
            found = cls(name, sites, length, bits, adversary, Sparse(*parts) if any(parts) else None, threshold)
        except (FederatedError, PrivacyError) as error:
            raise reader.error(str(error)) from error
        if found.to_bytes() != sent:
            raise reader.error("sites that are not in order")
        return found

    def _check_names(self) -> None:
        texts = (self.round, *self.sites)
        if not all(is_name(text) for text in texts):
            raise FederatedError(
                f"round {self.round!r}: names of the round and the sites are 1 to {NAME_BYTES} bytes long"
            )
        if not _FEWEST_SITES <= len(self.sites) <= _MOST_SITES:
            raise PrivacyError(
                f"round {self.round!r}: {len(self.sites)} sites; give {_FEWEST_SITES} to {_MOST_SITES}, of two sites each "
                "reads the other's update off the sum"
            )
        for one, other in zip(self.sites, self.sites[1:], strict=False):
            if one == other:
                raise FederatedError(f"round {self.round!r}: site {one!r} is asked twice; name each site once")

    def _check_threshold(self) -> None:
        sites, least = len(self.sites), least_threshold(len(self.sites), self.adversary, self.sparse)
        if not (isinstance(self.threshold, int) and least <= self.threshold <= sites):
            planned = f" and {self.sparse.dropped} drop-outs" if self.sparse else ""
            raise PrivacyError(
                f"round {self.round!r}: threshold {self.threshold!r} of {sites} sites; {least} to {sites} keep the promise "
                f"against a coordinator that is {self.adversary}{planned}"
            )

    def _check_sparse(self) -> None:
        if self.sparse is None:
            return
        if self.adversary == ACTIVE:
            raise PrivacyError(
                f"round {self.round!r}: an active coordinator could drop all neighbours of one site and read its update; "
                f"use all pairs (sparse=None), or adversary={SEMI_HONEST!r} where it is trusted to keep to the protocol"
            )
        if reason := self.sparse.broken(len(self.sites)):
            raise PrivacyError(f"round {self.round!r}: {reason}")
