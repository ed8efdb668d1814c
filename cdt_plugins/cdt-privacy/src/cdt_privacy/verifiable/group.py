"""The subgroup of prime order of edwards25519 (RFC 8032), by libsodium through PyNaCl.

PyNaCl has no Ristretto; every point that others send is therefore checked to lie in the subgroup of prime order, which excludes
what Ristretto would exclude by its encoding. Scalars are integers modulo :data:`ORDER`. Python's integers do not run in
constant time: a prover should not be timed by those from whom it hides.
"""

from __future__ import annotations

import hashlib
import operator
import secrets
from functools import cache
from typing import TYPE_CHECKING, Any, NewType

from cdt_core.errors import PrivacyError, ProtocolError

if TYPE_CHECKING:
    from cdt_core.model.fields import FieldReader

__all__ = [
    "IDENTITY",
    "ORDER",
    "POINT_BYTES",
    "Point",
    "add",
    "base_times",
    "hashed_point",
    "random_scalar",
    "read_point",
    "read_scalar",
    "scalar_bytes",
    "subtract",
    "times",
    "whole",
]

#: A point in its encoding of 32 bytes. Two points are equal when their bytes are.
Point = NewType("Point", bytes)

#: Number of elements of the group, a prime.
ORDER = 2**252 + 27742317777372353535851937790883648493

POINT_BYTES = 32

#: The neutral element.
IDENTITY = Point(b"\x01" + bytes(31))


@cache
def _sodium() -> Any:
    try:
        from nacl import bindings
    except ImportError as error:
        raise PrivacyError(
            "verifiable sums need PyNaCl, which is not installed: pip install 'cdt-privacy[verifiable]'"
        ) from error
    if not (bindings.has_crypto_core_ed25519 and bindings.has_crypto_scalarmult_ed25519):
        raise PrivacyError(
            "verifiable sums need the Ed25519 group of libsodium, and this PyNaCl is built without it (a minimal libsodium);"
            " install its wheel: pip install --force-reinstall 'cdt-privacy[verifiable]'"
        )
    return bindings


def _point(function: str, *arguments: bytes) -> Point:
    """What a function of libsodium gives; ``ProtocolError`` for bytes that are no point of the group."""
    try:
        return Point(getattr(_sodium(), function)(*arguments))
    except PrivacyError:
        raise
    except Exception as error:  # PyNaCl has several, for lengths and for points
        raise ProtocolError(
            f"bytes that should be a point of the group are none: {error}; read them by read_point"
        ) from error


def whole(value: Any, what: str) -> int:
    """A whole number of any type as Python's own, which never wraps around; else ``PrivacyError`` naming ``what``."""
    try:
        return operator.index(value)
    except TypeError as error:
        raise PrivacyError(f"{what} is {value!r}; it must be a whole number") from error


def random_scalar() -> int:
    """A uniform scalar from the operating system's generator, 1 to ORDER - 1."""
    return 1 + secrets.randbelow(ORDER - 1)


def scalar_bytes(scalar: int) -> bytes:
    """32 bytes, little-endian, of the scalar modulo :data:`ORDER`."""
    return (whole(scalar, "a scalar") % ORDER).to_bytes(32, "little")


def times(scalar: int, point: Point) -> Point:
    """The multiple of a point; about 90 microseconds."""
    reduced = whole(scalar, "a scalar") % ORDER
    if reduced == 0 or point == IDENTITY:
        return IDENTITY
    return _point("crypto_scalarmult_ed25519_noclamp", scalar_bytes(reduced), point)


def base_times(scalar: int) -> Point:
    """The multiple of the group's generator; about 20 microseconds."""
    reduced = whole(scalar, "a scalar") % ORDER
    if reduced == 0:
        return IDENTITY
    return _point("crypto_scalarmult_ed25519_base_noclamp", scalar_bytes(reduced))


def add(left: Point, right: Point) -> Point:
    """The sum of two points."""
    return _point("crypto_core_ed25519_add", left, right)


def subtract(left: Point, right: Point) -> Point:
    """The difference of two points."""
    return _point("crypto_core_ed25519_sub", left, right)


def hashed_point(label: bytes) -> Point:
    """A point whose logarithm nobody knows: SHA-512 of the label, mapped by Elligator 2, times the cofactor."""
    point = Point(_sodium().crypto_core_ed25519_from_uniform(hashlib.sha512(label).digest()[:32]))
    if point == IDENTITY or not _sodium().crypto_core_ed25519_is_valid_point(point):
        raise PrivacyError(f"the label {label!r} gives no generator; take another")
    return point


def read_point(reader: FieldReader, what: str) -> Point:
    """A point that somebody sent: canonical, in the subgroup, and not neutral; else ``ProtocolError`` naming ``what``."""
    point = Point(reader.fixed(POINT_BYTES))
    if not _sodium().crypto_core_ed25519_is_valid_point(point):
        raise reader.error(f"{what} is no point of the group of prime order")
    return point


def read_scalar(reader: FieldReader, what: str) -> int:
    """A scalar that somebody sent, below :data:`ORDER`; else ``ProtocolError`` naming ``what``."""
    value = reader.number(32)
    if value >= ORDER:
        raise reader.error(f"{what} is no scalar: it is not below the order of the group")
    return value
