"""Tables of two columns of levels, and whether these are independent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import FederatedError
from cdt_federated.statistics.groups import levels_of
from cdt_federated.statistics.rows import Missing, Rows
from cdt_federated.statistics.small import checked_count, few, refuse_few
from cdt_federated.statistics.summary import Steps, Sums

__all__ = ["ChiSquare", "ChiSquareFound", "Contingency", "ContingencyFound"]


@attrs.frozen(eq=False, kw_only=True)
class CellCounts(Sums):
    """Rows of each pair of levels."""

    first: str
    second: str
    first_levels: tuple[Any, ...]
    second_levels: tuple[Any, ...]

    whole: ClassVar[frozenset[str]] = frozenset({"counts"})

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return (self.first, self.second)

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Name -> shape of each array of sums."""
        return {"counts": (len(self.first_levels), len(self.second_levels))}

    def of(self, rows: Rows) -> Mapping[str, NDArray[np.float64]]:
        """The sums over some rows."""
        shape = self.shapes["counts"]
        cells = rows.codes(self.first, self.first_levels) * shape[1] + rows.codes(self.second, self.second_levels)
        return {"counts": np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)}


@attrs.frozen(eq=False)
class ContingencyFound:
    """Rows of every pair of levels.

    Parameters
    ----------
    counts
        Shape (first levels, second levels); NaN where a count of few is held back.
    rows, left_out
        As for all analyses.
    """

    first_levels: tuple[Any, ...]
    second_levels: tuple[Any, ...]
    counts: NDArray[np.float64]
    rows: int
    left_out: int

    def __str__(self) -> str:
        lines = ["".join([" " * 16, *(f"{level!s:>12s}" for level in self.second_levels)])]
        for level, counts in zip(self.first_levels, self.counts, strict=True):
            cells = (f"{'few' if np.isnan(count) else int(count)!s:>12}" for count in counts)
            lines.append("".join([f"{level!s:16s}", *cells]))
        return "\n".join(lines)


@attrs.frozen(eq=False)
class ChiSquareFound:
    """Pearson's test of independence.

    Parameters
    ----------
    statistic, freedom, p_value
        Chi-square, its degrees of freedom, and the chance of a larger one.
    counts, expected
        Shape (first levels, second levels); expected ones under independence.
    left_out
        Rows that were left out for a missing value.
    """

    statistic: float
    freedom: int
    p_value: float
    counts: NDArray[np.float64]
    expected: NDArray[np.float64]
    left_out: int

    def __str__(self) -> str:
        return f"chi-square = {self.statistic:.4f} with {self.freedom} degrees of freedom, p = {self.p_value:.3g}"


@attrs.frozen(eq=False)
class Contingency:
    """How many rows have each pair of levels of two columns.

    Parameters
    ----------
    first, first_levels, second, second_levels
        Columns, and the levels that all sites agreed on.
    min_count
        Cells of fewer rows are held back.

    Examples
    --------
    >>> from cdt_federated.statistics import Contingency, run
    >>> sites = {"a": {"arm": ["p", "q"], "ill": [0, 1]}, "b": {"arm": ["q"], "ill": [1]}}
    >>> run(Contingency("arm", ("p", "q"), "ill", (0, 1)), sites).counts
    array([[1., 0.],
           [0., 2.]])
    """

    first: str
    first_levels: tuple[Any, ...] = attrs.field(converter=levels_of)
    second: str
    second_levels: tuple[Any, ...] = attrs.field(converter=levels_of)
    min_count: int = attrs.field(default=1, kw_only=True, validator=checked_count)
    missing: Missing = attrs.field(default="refuse", kw_only=True)

    def cells(self) -> Sums:
        """The question."""
        return CellCounts(
            first=self.first,
            second=self.second,
            first_levels=self.first_levels,
            second_levels=self.second_levels,
            missing=self.missing,
        )

    def steps(self) -> Steps[ContingencyFound]:
        """One question."""
        state = yield self.cells()
        counts = few(state["counts"], self.min_count)
        return ContingencyFound(self.first_levels, self.second_levels, counts, state["rows"], state["left_out"])


@attrs.frozen(eq=False)
class ChiSquare(Contingency):
    """Whether two columns of levels are independent (Pearson 1900), from the counts of their pairs.

    Parameters
    ----------
    correction
        Yates' correction, of tables of two by two.

    Examples
    --------
    >>> from cdt_federated.statistics import ChiSquare, run
    >>> sites = {"a": {"arm": ["p"] * 9 + ["q"], "ill": [0] * 9 + [1]}, "b": {"arm": ["q"] * 9, "ill": [1] * 6 + [0] * 3}}
    >>> print(run(ChiSquare("arm", ("p", "q"), "ill", (0, 1), correction=False), sites))
    chi-square = 9.9750 with 1 degrees of freedom, p = 0.00159
    """

    correction: bool = attrs.field(default=True, kw_only=True)

    def steps(self) -> Steps[ChiSquareFound]:  # type: ignore[override]  # another finding of the same cells
        """One question."""
        from scipy import stats

        state = yield self.cells()
        counts = state["counts"]
        what = f"the test of {self.first!r} and {self.second!r}"
        refuse_few(counts, self.min_count, what)
        if not (counts.sum(axis=0).all() and counts.sum(axis=1).all()):
            raise FederatedError(f"{what} has a level that no row has; leave it out")
        found = stats.chi2_contingency(counts, correction=self.correction)
        return ChiSquareFound(
            float(found.statistic), int(found.dof), float(found.pvalue), counts, found.expected_freq, state["left_out"]
        )
