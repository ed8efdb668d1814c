"""The t-test of two groups."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import FederatedError
from cdt_federated.statistics.fitted import refuse_rounded
from cdt_federated.statistics.groups import GroupSums, levels_of
from cdt_federated.statistics.rows import Missing
from cdt_federated.statistics.small import checked_count, refuse_few
from cdt_federated.statistics.summary import Steps

__all__ = ["TTest", "TTestFound"]

#: A deviation below this part of the mean is rounding.
_ROUNDING = 1e-15


@attrs.frozen(eq=False)
class TTestFound:
    """The difference of two means.

    Parameters
    ----------
    statistic, freedom, p_value
        t, its degrees of freedom, and the two-sided chance of a larger one.
    standard_error
        Of the difference of the means.
    means, deviations, counts
        Shape (2,): of the groups, in the order of the levels.
    left_out
        Rows that were left out for a missing value.
    """

    statistic: float
    freedom: float
    p_value: float
    standard_error: float
    means: NDArray[np.float64]
    deviations: NDArray[np.float64]
    counts: NDArray[np.float64]
    left_out: int

    @property
    def difference(self) -> float:
        """Mean of the first group minus that of the second."""
        return float(self.means[0] - self.means[1])

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Confidence interval of the difference."""
        from scipy import stats

        half = float(stats.t.ppf(0.5 + confidence / 2, self.freedom)) * self.standard_error
        return self.difference - half, self.difference + half

    def __str__(self) -> str:
        return f"t = {self.statistic:.4f} with {self.freedom:.1f} degrees of freedom, p = {self.p_value:.3g}"


@attrs.frozen(eq=False)
class TTest:
    """Whether two groups have one mean, by Welch's test (1947, Biometrika 34:28) or by Student's.

    Parameters
    ----------
    name
        Column of numbers.
    group, levels
        Column of the groups, and its two levels.
    equal_variances
        Student's test, of one variance for both.
    min_count
        Groups of fewer rows are refused.

    Examples
    --------
    >>> from cdt_federated.statistics import TTest, run
    >>> sites = {"a": {"x": [1.0, 2.0, 4.0], "arm": ["p", "p", "q"]}, "b": {"x": [3.0, 6.0], "arm": ["p", "q"]}}
    >>> print(run(TTest("x", "arm", ("p", "q")), sites))
    t = -2.5981 with 1.7 degrees of freedom, p = 0.144
    """

    name: str
    group: str
    levels: tuple[Any, ...] = attrs.field(converter=levels_of)
    equal_variances: bool = attrs.field(default=False, kw_only=True)
    min_count: int = attrs.field(default=1, kw_only=True, validator=checked_count)
    missing: Missing = attrs.field(default="refuse", kw_only=True)

    def __attrs_post_init__(self) -> None:
        if len(self.levels) != 2:
            raise FederatedError(f"a t-test is of two groups, not of {len(self.levels)}")

    def steps(self) -> Steps[TTestFound]:
        """Sums by group, then squares about the mean of each."""
        shared: dict[str, Any] = {"group": self.group, "levels": self.levels, "missing": self.missing}
        state = yield GroupSums(name=self.name, origins=np.zeros(2), **shared)
        refuse_few(state["counts"], self.min_count, f"the t-test of {self.name!r}")
        if state["counts"].min() < 2:
            raise FederatedError(f"a group of {self.group!r} has fewer than two rows, and so no variance")
        origins = state["sums"] / state["counts"]
        state = yield GroupSums(name=self.name, origins=origins, **shared)
        counts, shifts = state["counts"], state["sums"] / state["counts"]
        means = origins + shifts
        squares = state["squares"] - counts * shifts**2
        refuse_rounded(squares, state.get("rounding", 0.0), [self.name] * 2)
        variances = np.maximum(0, squares) / (counts - 1)
        variances[np.sqrt(variances) <= _ROUNDING * np.abs(means)] = 0
        return self._found(counts, means, variances, int(state["left_out"]))

    def _found(
        self, counts: NDArray[np.float64], means: NDArray[np.float64], variances: NDArray[np.float64], left_out: int
    ) -> TTestFound:
        from scipy import stats

        if self.equal_variances:
            freedom = float(counts.sum() - 2)
            square = float((variances * (counts - 1)).sum() / freedom * (1 / counts).sum())
        else:
            parts = variances / counts
            square = float(parts.sum())
            freedom = square**2 / float((parts**2 / (counts - 1)).sum()) if square else float("nan")
        if not square > 0:
            raise FederatedError(f"column {self.name!r} does not vary within the groups; no test is of use")
        error = square**0.5
        statistic = float(means[0] - means[1]) / error
        p_value = float(2 * stats.t.sf(abs(statistic), freedom))
        return TTestFound(statistic, freedom, p_value, error, means, np.sqrt(variances), counts, left_out)
