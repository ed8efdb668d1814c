"""Weights of rows: checked, as shares that sum up to one, and as whole numbers of votes, which are added without rounding."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cdt_core.errors import AggregationError
from cdt_core.kernels.robust.rows import as_array

__all__ = ["checked_weights", "is_number", "shares", "votes"]

#: Votes of all rows together are fewer than this: sums of them are exact in float64.
_MOST_VOTES_BITS = 53


def is_number(value: object) -> bool:
    """Whether a value is one real number (and not True or False)."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def checked_weights(weights: ArrayLike, rows: int) -> NDArray[np.float64]:
    """One finite number >= 0 for each row, not all of them 0.

    Raises
    ------
    AggregationError
        Anything else; names the row.
    """
    given = as_array(weights, "the list of weights")
    if given.dtype.kind not in "iuf" or given.shape != (rows,):
        raise AggregationError(
            f"weights have dtype {given.dtype} and shape {given.shape}; give one number for each of the {rows} updates"
        )
    checked = given.astype(np.float64)
    wrong = np.flatnonzero(~(np.isfinite(checked) & (checked >= 0)))
    if wrong.size:
        raise AggregationError(f"the weight of update {wrong[0]} is {given[wrong[0]]}; give a finite number >= 0")
    if not checked.any():
        raise AggregationError("all weights are 0, so no update counts; give at least one update a weight above 0")
    return checked


def shares(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each weight over the sum of all."""
    # Divided by the largest first: the sum of weights such as 1e308 would overflow.
    scaled = weights / weights.max()
    return np.asarray(scaled / scaled.sum())


def votes(weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Weights above 0 as whole numbers of at least 1 in the same proportions, fewer than 2**53 in all.

    Exact where the weights, as multiples of the largest number of which all are multiples, add up to less than that: counts
    always do, and counts times any power of two. Else each is rounded by no more than 2**-51 of their sum.

    Examples
    --------
    >>> votes(np.array([10.0, 30.0, 5.0])), votes(np.array([0.5, 0.25]))
    (array([2, 6, 1]), array([2, 1]))
    """
    mantissas, exponents = np.frexp(weights)
    least = int(exponents.min())
    whole = [
        int(mantissa) << (int(exponent) - least)
        for mantissa, exponent in zip(mantissas * 2.0**53, exponents, strict=True)
    ]
    unit = math.gcd(*whole)
    whole = [weight // unit for weight in whole]
    if (surplus := sum(whole).bit_length() - _MOST_VOTES_BITS) > 0:
        # One bit more than needs be leaves room for what rounding adds.
        whole = [max(1, (weight + (1 << surplus)) >> (surplus + 1)) for weight in whole]
    return np.array(whole, np.int64)
