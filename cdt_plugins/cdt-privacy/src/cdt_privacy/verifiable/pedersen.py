"""Pedersen commitments: ``C = v G + r H`` hides v perfectly and binds to it while nobody knows the logarithm of H.

T. P. Pedersen, Non-interactive and information-theoretic secure verifiable secret sharing, CRYPTO 1991, section 3. H is hashed
from a label (:func:`hashed_point`), so that nobody has chosen it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from cdt_privacy.verifiable.group import IDENTITY, Point, add, base_times, hashed_point, times

__all__ = ["blinding_point", "commit", "total"]

_LABEL = b"cdt verifiable sums, version 1: the second generator of Pedersen commitments"


@cache
def blinding_point() -> Point:
    """The second generator, H."""
    return hashed_point(_LABEL)


def commit(value: int, blinding: int) -> Point:
    """``value G + blinding H``; both modulo the order of the group. About 130 microseconds.

    Examples
    --------
    >>> from cdt_privacy.verifiable.group import add
    >>> add(commit(3, 10), commit(-5, 20)) == commit(-2, 30)
    True
    """
    return add(base_times(value), times(blinding, blinding_point()))


def total(points: Iterable[Point]) -> Point:
    """The sum of points: of commitments, a commitment to the sum, under the sum of blindings."""
    result = IDENTITY
    for point in points:
        result = add(result, point)
    return result
