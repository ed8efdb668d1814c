"""Shamir's secret sharing of a key: some of the shares give it back, fewer say nothing about it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from cdt_core.errors import PrivacyError, ProtocolError
from cdt_core.kernels import _lattice
from cdt_core.kernels.lattice.checks import must_be_count
from cdt_core.kernels.lattice.stream import Stream, must_be_stream
from cdt_core.kernels.stopping import heed

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MOST_SHARES", "PRIME", "SECRET_BYTES", "SHARE_BYTES", "combine", "share"]

#: The order of the field.
PRIME = (1 << 61) - 1
#: Bytes of a secret: a key of AES-256, X25519 or HKDF.
SECRET_BYTES = 32
#: Bytes of its SHA-256 that are shared with it, so that a wrong combination shows.
_CHECK_BYTES = 5
#: Field elements that hold both, and bits in each.
_LIMBS, _LIMB_BITS = 5, 60
#: Bytes of a share: a field element of 8 bytes, little-endian, for each limb.
SHARE_BYTES = 8 * _LIMBS
#: Shares of one secret, at most.
MOST_SHARES = 1 << 20
#: Products between two looks at Ctrl-C: about a twentieth of a second.
_PRODUCTS = 1 << 24


def share(secret: bytes, threshold: int, count: int, stream: Stream) -> list[bytes]:
    """Divide a secret so that any ``threshold`` of ``count`` shares give it back.

    The secret and the first 5 bytes of its SHA-256 are five limbs of 60 bits, each the constant term of a polynomial of
    degree ``threshold - 1`` over the field of 2^61 - 1 with all other coefficients uniform; share i has their values at
    ``i + 1``. Fewer shares than ``threshold`` are independent of the secret. The check finds accidents, not forgers, who can
    give a share that makes another secret: sign what is sent.

    Parameters
    ----------
    secret
        32 bytes.
    threshold, count
        ``1 <= threshold <= count <= 2^20``.
    stream
        Gives the coefficients; nobody else may know it.

    Returns
    -------
    list of bytes
        ``count`` shares of 40 bytes. 5 * threshold * count multiplications: about 0.1 ms for 51 of 100, some hours for half of
        2^20. Their time does not depend on the secret.

    Raises
    ------
    PrivacyError
        A secret of another length, or a threshold that cannot be.

    References
    ----------
    A. Shamir: How to share a secret, Communications of the ACM 22(11), 1979.

    Examples
    --------
    >>> from cdt_core.kernels.lattice import Stream
    >>> shares = share(bytes(range(32)), 3, 5, Stream.fresh())
    >>> combine({4: shares[4], 0: shares[0], 2: shares[2]}) == bytes(range(32))
    True
    """
    if not isinstance(secret, (bytes, bytearray)) or len(secret) != SECRET_BYTES:
        raise PrivacyError(
            f"a secret to share is {SECRET_BYTES} bytes; share a key, and encrypt with it what is longer"
        )
    must_be_stream(stream)
    threshold, count = must_be_count("threshold", threshold), must_be_count("count", count)
    if not 1 <= threshold <= count <= MOST_SHARES:
        raise PrivacyError(f"{threshold} of {count} shares: give 1 <= threshold <= count <= {MOST_SHARES}")
    polynomials = np.empty((threshold, _LIMBS), np.uint64)
    polynomials[0] = _limbs_of(bytes(secret))
    polynomials[1:] = _field_elements(stream, (threshold - 1) * _LIMBS).reshape(-1, _LIMBS)
    shares = np.empty((count, _LIMBS), np.uint64)
    for piece in _pieces(count, _LIMBS * threshold):
        _lattice.share(polynomials, piece.start + 1, shares[piece])
    octets = shares.astype("<u8", copy=False).tobytes()
    return [octets[start : start + SHARE_BYTES] for start in range(0, len(octets), SHARE_BYTES)]


def combine(shares: Mapping[int, bytes]) -> bytes:
    """The secret from shares, by their index (the place in the list that :func:`share` gave).

    All shares given are used. With fewer than the threshold, or with one that was changed, the check fails but once in
    2^40 times. Of n shares, n^2 multiplications: about 0.07 ms for 51.

    Raises
    ------
    ProtocolError
        No shares, an index that no share has, a share that is not 40 bytes of field elements, or shares that do not belong
        to one secret of 32 bytes.
    """
    if not isinstance(shares, Mapping) or not shares:
        raise ProtocolError("no shares to combine; at least the threshold is needed")
    for index, each in shares.items():
        _must_be_share(index, each)
    places = np.fromiter((int(index) + 1 for index in shares), np.uint64, len(shares))
    values = np.frombuffer(b"".join(shares.values()), "<u8").astype(np.uint64).reshape(len(shares), _LIMBS)
    beyond = np.flatnonzero((values >= PRIME).any(axis=1))
    if beyond.size:
        raise ProtocolError(
            f"share {int(places[beyond[0]]) - 1} holds a number outside the field; ask its holder again"
        )
    weights, limbs = np.empty(len(places), np.uint64), np.empty(_LIMBS, np.uint64)
    for piece in _pieces(len(places), len(places)):
        _lattice.weights(places, piece.start, weights[piece])
    _lattice.combine(weights, values, limbs)
    whole = sum(int(limb) << (_LIMB_BITS * k) for k, limb in enumerate(limbs))
    payload = whole.to_bytes(SHARE_BYTES, "little")
    secret = payload[:SECRET_BYTES]
    if payload != (secret + _check(secret)).ljust(SHARE_BYTES, b"\0"):
        raise ProtocolError(
            f"{len(shares)} shares do not belong to one secret: one was changed, or fewer than the threshold were given"
        )
    return secret


def _pieces(count: int, products: int) -> Iterator[slice]:
    """So many results, of so many products each, in pieces between which an interrupt is heard."""
    step = max(1, _PRODUCTS // products)
    for start in range(0, count, step):
        heed()
        yield slice(start, start + step)


def _must_be_share(index: int, each: bytes) -> None:
    if not isinstance(index, (int, np.integer)) or not 0 <= index < MOST_SHARES:
        raise ProtocolError(f"no share has index {index!r}; they count from 0 to at most {MOST_SHARES - 1}")
    if not isinstance(each, (bytes, bytearray)) or len(each) != SHARE_BYTES:
        what = f"{len(each)} bytes" if isinstance(each, (bytes, bytearray)) else type(each).__name__
        raise ProtocolError(f"share {index} is {what}, not {SHARE_BYTES} bytes; ask its holder again")


def _limbs_of(secret: bytes) -> list[int]:
    payload = int.from_bytes(secret + _check(secret), "little")
    return [payload >> (_LIMB_BITS * k) & ((1 << _LIMB_BITS) - 1) for k in range(_LIMBS)]


def _check(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()[:_CHECK_BYTES]


def _field_elements(stream: Stream, count: int) -> NDArray[np.uint64]:
    """Uniform numbers below the prime: 61 bits each, drawn again where they are the prime itself."""
    numbers = stream.words(count, np.uint64) & np.uint64(PRIME)
    while (again := np.flatnonzero(numbers == PRIME)).size:
        numbers[again] = stream.words(again.size, np.uint64) & np.uint64(PRIME)
    return numbers
