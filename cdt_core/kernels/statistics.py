"""Mergeable statistics of arrays: what :mod:`cdt_core.kernels.stats` returns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from attrs import frozen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_core.model import Bound

__all__ = ["Comparison", "Description"]

#: Sums of squares below may have lost some of them.
_LEAST_SQUARES = 1e-290


def _lower(left: float | None, right: float | None) -> float | None:
    return right if left is None else left if right is None else min(left, right)


def _upper(left: float | None, right: float | None) -> float | None:
    return right if left is None else left if right is None else max(left, right)


@frozen
class Description:
    """Counts of all values and moments of the finite ones that are not missing.

    ``minimum`` and ``maximum`` are exact Python integers for integer types, ``None`` without a finite value. ``m2`` is the sum
    of squared deviations from ``mean``; ``total`` the sum.
    """

    count: int = 0
    missing: int = 0
    nan: int = 0
    positive_infinite: int = 0
    negative_infinite: int = 0
    zeros: int = 0
    minimum: float | int | None = None
    maximum: float | int | None = None
    total: float = 0.0
    mean: float = 0.0
    m2: float = 0.0

    @property
    def finite(self) -> int:
        """Number of values that the moments are of."""
        return self.count - self.missing - self.nan - self.positive_infinite - self.negative_infinite

    def merge(self, other: Description) -> Description:
        """Both together (Chan, Golub & LeVeque 1979, updating formulas for the mean and the sum of squares)."""
        left, right = self.finite, other.finite
        mean, m2 = self.mean, self.m2
        if right:
            shift = other.mean - self.mean
            mean = self.mean + shift * right / (left + right) if left else other.mean
            m2 = self.m2 + other.m2 + (shift * shift * left * right / (left + right) if left else 0.0)
        return Description(
            count=self.count + other.count,
            missing=self.missing + other.missing,
            nan=self.nan + other.nan,
            positive_infinite=self.positive_infinite + other.positive_infinite,
            negative_infinite=self.negative_infinite + other.negative_infinite,
            zeros=self.zeros + other.zeros,
            minimum=_lower(self.minimum, other.minimum),
            maximum=_upper(self.maximum, other.maximum),
            total=self.total + other.total,
            mean=mean,
            m2=m2,
        )


@frozen(eq=False)
class Comparison:
    """Two arrays of one shape: each described, and their differences over the values finite and not missing on both sides.

    ``mismatched`` counts positions whose NaN, infinity or missing code changed; ``max_relative_error`` is the largest
    ``|x - y| / |x|`` over ``x != 0``; ``over_bound`` counts values outside the bound, decided exactly; ``co_moment`` is the
    sum of ``(x - mean x) (y - mean y)``. Histograms are over the edges given, last bin closed; the error histogram has
    ``y - x`` over ``-bound .. bound``, or ``(y - x) / |x|`` for ``pw_rel``.
    """

    original: Description
    treated: Description
    finite: int
    mismatched: int
    max_error: float
    max_relative_error: float
    over_bound: int
    sum_error: float
    sum_squared_error: float
    co_moment: float
    histogram_original: NDArray[np.int64]
    histogram_treated: NDArray[np.int64]
    error_histogram: NDArray[np.int64]

    @property
    def rms_error(self) -> float:
        """The root mean square of the errors; 0 without a pair of finite values, and the largest where squares vanish."""
        if self.sum_squared_error < _LEAST_SQUARES:
            return self.max_error
        return math.sqrt(self.sum_squared_error / self.finite)

    def keeps(self, bound: Bound | None) -> bool:
        """Whether what was compared under ``bound`` keeps it, and no missing or non-finite value changed."""
        is_near = bound is None or bound.kind != "rmse" or self.rms_error <= bound.value
        return is_near and not self.over_bound and not self.mismatched

    def merge(self, other: Comparison) -> Comparison:
        """Both together; the co-moment by the pairwise formula of Chan et al."""
        left, right = self.finite, other.finite
        co_moment = self.co_moment + other.co_moment
        if left and right:
            shift_x = other.original.mean - self.original.mean
            shift_y = other.treated.mean - self.treated.mean
            co_moment += shift_x * shift_y * left * right / (left + right)
        return Comparison(
            original=self.original.merge(other.original),
            treated=self.treated.merge(other.treated),
            finite=left + right,
            mismatched=self.mismatched + other.mismatched,
            max_error=max(self.max_error, other.max_error),
            max_relative_error=max(self.max_relative_error, other.max_relative_error),
            over_bound=self.over_bound + other.over_bound,
            sum_error=self.sum_error + other.sum_error,
            sum_squared_error=self.sum_squared_error + other.sum_squared_error,
            co_moment=co_moment,
            histogram_original=self.histogram_original + other.histogram_original,
            histogram_treated=self.histogram_treated + other.histogram_treated,
            error_histogram=self.error_histogram + other.error_histogram,
        )
