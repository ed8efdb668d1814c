"""How much one encoded vector can weigh: exact bounds, rounded upwards."""

from __future__ import annotations

import math
from fractions import Fraction

from attrs import frozen

__all__ = ["Sensitivity", "float_above", "of_rounded", "sqrt_above"]

#: Bits after the point of square roots before they become floats.
_ROOT_BITS = 80


@frozen
class Sensitivity:
    """Largest norms that one encoded vector can have, in steps of the lattice.

    This is what a sum changes by when one vector is added or removed; replaced by another vector it changes by up to twice as
    much. Each is an upper bound as a real number: floats are rounded upwards.

    Attributes
    ----------
    l1, l2
        Sum of absolute values, and Euclidean norm.
    linf
        Largest absolute value of one number.
    """

    l1: float
    l2: float
    linf: float


def of_rounded(clipped: Fraction, length: int, l2_bound: float | None) -> Sensitivity:
    """Norms of a vector of norm ``clipped`` (in steps) after each number went to one of its two neighbours.

    A number of size a becomes at most ceil(a) < a + 1, so by the triangle inequality the Euclidean norm grows by at most
    sqrt(length), the sum of sizes by length; the sum of sizes before is at most sqrt(length) times the norm.
    """
    root = sqrt_above(Fraction(length))
    l2 = clipped + root if l2_bound is None else min(clipped + root, Fraction(l2_bound))
    largest = min(Fraction(math.ceil(clipped)), l2)
    l1 = min(root * clipped + length, root * l2)
    return Sensitivity(l1=float_above(l1), l2=float_above(l2), linf=float_above(largest))


def sqrt_above(value: Fraction) -> Fraction:
    """At least the square root, by less than 2^-80 relative to the larger of it and 1."""
    shifted = math.ceil(value * 4**_ROOT_BITS)
    root = math.isqrt(shifted)
    return Fraction(root + (root * root < shifted), 2**_ROOT_BITS)


def float_above(value: Fraction) -> float:
    """The smallest float that is not below the value."""
    nearest = float(value)
    return nearest if Fraction(nearest) >= value else math.nextafter(nearest, math.inf)
