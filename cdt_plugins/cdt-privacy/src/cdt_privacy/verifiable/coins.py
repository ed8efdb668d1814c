"""One random seed that nobody chose: coins sealed before the sum is published, and opened after it.

As long as one site is honest, its coin is unknown to all others until it has seen the published sum, and then it is too late:
the seed depends on that sum, on all seals and on all coins. (M. Blum, Coin flipping by telephone, CRYPTO 1981. Who opens last
may refuse to; the round then fails, and can be run again without that site.)
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.errors import ProtocolError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_privacy.verifiable.terms import Terms

__all__ = ["COIN_BYTES", "check_published", "common_seed", "seal_of"]

COIN_BYTES = 32

#: Sites whose limbs of 16 bits add up within a ring of 32 bits.
_MOST_SITES = 1 << 15


def seal_of(terms: Terms, site: str, coin: bytes) -> bytes:
    """What binds a site to its coin without telling it: 32 bytes."""
    return _hash(b"seal", terms.round.encode(), _name(site), coin)


def common_seed(
    terms: Terms, published: NDArray[np.int64], seals: Mapping[str, bytes], coins: Mapping[str, bytes]
) -> bytes:
    """The seed of the round's coefficients, 32 bytes.

    Raises
    ------
    ProtocolError
        A coin is missing, was not sealed, or is of a site that sealed none; names the site.
    """
    sites = sorted(seals)
    if not 1 <= len(sites) <= _MOST_SITES:
        raise ProtocolError(f"round {terms.round!r}: {len(sites)} seals, where 1 to {_MOST_SITES} sites can take part")
    strangers = sorted(set(coins) - set(seals))
    if strangers:
        raise ProtocolError(f"round {terms.round!r}: {strangers[0]} opens a coin that it never sealed; leave it out")
    for site in sites:
        coin = coins.get(site, b"")
        sealed = isinstance(coin, bytes) and isinstance(seals[site], bytes) and len(coin) == COIN_BYTES
        if not sealed or not hmac.compare_digest(seal_of(terms, site, coin), seals[site]):
            raise ProtocolError(
                f"round {terms.round!r}: the coin of {site} is {'not the sealed one' if coin else 'missing'};"
                " run the round again without that site"
            )
    numbers = [number.to_bytes(16 if number < 1 << 127 else 64, "little")
               for number in (terms.length, terms.projections, terms.square_limit)]  # fmt: skip
    fields = [field for site in sites for field in (_name(site), seals[site], coins[site])]
    return _hash(b"seed", terms.round.encode(), *numbers, _published_hash(published), *fields)


def check_published(terms: Terms, published: Any) -> NDArray[np.int64]:
    """The published sum as 64-bit integers; ``ProtocolError`` when it is no such vector."""
    try:
        vector = np.asarray(published)
    except (ValueError, TypeError, OverflowError) as error:
        raise ProtocolError(f"round {terms.round!r}: the published sum has no shape: {error}") from error
    if vector.ndim != 1 or vector.dtype.kind not in "iu" or len(vector) != terms.carried_length:
        raise ProtocolError(
            f"round {terms.round!r}: the published sum has shape {vector.shape} and type {vector.dtype}, where "
            f"{terms.carried_length} integers are expected: {terms.length} of the update and "
            f"{terms.carried_length - terms.length} of the blindings"
        )
    if vector.dtype == np.uint64 and vector.max() > np.iinfo(np.int64).max:
        raise ProtocolError(f"round {terms.round!r}: the published sum has numbers of 2^63 and more; centre it first")
    return np.ascontiguousarray(vector.astype(np.int64))


def _name(site: str) -> bytes:
    return site.encode("utf-8", "surrogatepass")  # as in a transcript


def _published_hash(published: NDArray[np.int64]) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(published, "<i8").data).digest()


def _hash(*fields: bytes) -> bytes:
    whole = hashlib.sha256(b"cdt verifiable sums, version 1: coins")
    for field in fields:
        whole.update(len(field).to_bytes(8, "little"))
        whole.update(field)
    return whole.digest()
