"""Ed25519 public keys that somebody else wrote down: which of them can be trusted to tell anything."""

from __future__ import annotations

__all__ = ["is_public_key"]

#: The curve of Ed25519 (RFC 8032, section 5.1): -x^2 + y^2 = 1 + d x^2 y^2 modulo a prime.
_PRIME = 2**255 - 19
_D = -121665 * pow(121666, -1, _PRIME) % _PRIME
_KEY_BYTES = 32


def is_public_key(key: bytes) -> bool:
    """Whether it is a point of the curve, and none of the eight of small order, for which anyone can make signatures.

    A key is y and a bit of x. With s = y^2, x^2 = (s - 1) / (d s + 1) has to be a square. A double or quadruple of the point
    is the neutral element where y is 0, 1 or -1, its eightfold where the double has y = 0: d s^2 + 2 s - 1 = 0.

    Examples
    --------
    >>> is_public_key(bytes(32)), is_public_key(b"too short")
    (False, False)
    """
    if not isinstance(key, bytes) or len(key) != _KEY_BYTES:
        return False
    y = int.from_bytes(key, "little") & (2**255 - 1)
    square = y * y % _PRIME
    small = y * (square - 1) * (_D * square * square + 2 * square - 1) % _PRIME == 0
    return y < _PRIME and not small and pow((square - 1) * (_D * square + 1), (_PRIME - 1) // 2, _PRIME) == 1
