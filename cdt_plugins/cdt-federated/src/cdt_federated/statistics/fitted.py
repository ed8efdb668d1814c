"""What regressions have in common: coefficients with their covariance, and columns brought to one scale."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import FederatedError

__all__ = ["Fitted", "Scale", "refuse_rounded", "scale_of", "solved"]

Array = NDArray[np.float64]

#: Below this part of its size, what varies is rounding.
_ROUNDING = 1e-15
#: A matrix of correlations of a larger condition number is singular.
_MOST_CONDITION = 1e14
#: What is left of sums after a carrier's rounding.
_DIGITS = 1e8


def refuse_rounded(squares: Array, rounding: float, names: Sequence[str]) -> None:
    """Refuse squares of deviations that a carrier's rounding leaves fewer than 8 digits of.

    Raises
    ------
    FederatedError
        Names the first such column.
    """
    small = squares < _DIGITS * rounding
    if small.any():
        raise FederatedError(
            f"{names[int(np.argmax(small))]!r} varies too little to be told from the carrier's rounding of sums, up to "
            f"{rounding:.2g}; give it in larger units, or agree on a smaller clip"
        )


@attrs.frozen(eq=False)
class Fitted:
    """Coefficients of a model that was fitted to all rows of all sites.

    Parameters
    ----------
    names
        Of the coefficients; the first is ``"intercept"`` where there is one.
    coefficients, covariance
        Shapes (k,) and (k, k), in units of the outcome's scale per unit of the column.
    freedom
        Degrees of freedom of t; infinite where estimates are taken as normal.
    rows, left_out
        Rows that counted, and that were left out for a missing value.
    """

    names: tuple[str, ...]
    coefficients: Array
    covariance: Array
    freedom: float
    rows: int
    left_out: int

    @property
    def standard_errors(self) -> Array:
        """Shape (k,)."""
        return np.sqrt(self.covariance.diagonal())

    @property
    def statistics(self) -> Array:
        """Coefficients over their errors, shape (k,): z, or t where degrees of freedom are finite."""
        with np.errstate(divide="ignore", invalid="ignore"):  # of an exact fit errors are 0
            return np.asarray(self.coefficients / self.standard_errors)

    @property
    def p_values(self) -> Array:
        """Two-sided, shape (k,)."""
        from scipy import stats

        return np.asarray(2 * stats.t.sf(np.abs(self.statistics), self.freedom))

    def intervals(self, confidence: float = 0.95) -> Array:
        """Confidence intervals, shape (k, 2)."""
        from scipy import stats

        half = stats.t.ppf(0.5 + confidence / 2, self.freedom) * self.standard_errors
        return np.stack([self.coefficients - half, self.coefficients + half], axis=1)

    def __str__(self) -> str:
        kind = "t" if np.isfinite(self.freedom) else "z"
        lines = [f"{'':20s}{'coefficient':>14s}{'error':>12s}{kind:>9s}{'p':>11s}"]
        columns = (self.coefficients, self.standard_errors, self.statistics, self.p_values)
        for name, value, error, statistic, p in zip(self.names, *columns, strict=True):
            lines.append(f"{name:20s}{value:14.6g}{error:12.4g}{statistic:9.3f}{p:11.3g}")
        return "\n".join([*lines, f"{self.rows} rows, {self.left_out} left out"])


@attrs.frozen(eq=False)
class Scale:
    """Columns of mean 0 and deviation 1, in which equations are solved; columns of any units lose no digits so.

    Parameters
    ----------
    names
        Of the columns.
    mean, deviation
        Shape (columns,); of all sites.
    """

    names: tuple[str, ...]
    mean: Array
    deviation: Array

    def __attrs_post_init__(self) -> None:
        size = len(self.names)
        if len(set(self.names)) != size or (self.mean.shape, self.deviation.shape) != ((size,), (size,)):
            raise FederatedError(
                f"a scale of columns {self.names}: give one mean and one deviation for each, each once"
            )

    def of(self, values: Array) -> Array:
        """Columns (rows, columns) in this scale."""
        return np.asarray((values - self.mean) / self.deviation)

    def back(self, coefficients: Array, covariance: Array, *, intercept: bool) -> tuple[Array, Array]:
        """Coefficients of scaled columns, the intercept's first if there is one, as those of the columns themselves."""
        size = len(coefficients)
        turn = np.eye(size)
        first = size - len(self.names)
        turn[first:, first:] = np.diag(1 / self.deviation)
        if intercept:
            turn[0, first:] = -self.mean / self.deviation
        return turn @ coefficients, turn @ covariance @ turn.T


def scale_of(names: Sequence[str], mean: Array, variance: Array) -> Scale:
    """The scale of columns.

    Raises
    ------
    FederatedError
        A column does not vary over all sites, so that nothing can be said of it.
    """
    deviation = np.sqrt(variance)
    still = ~(deviation > _ROUNDING * np.abs(mean))
    if still.any():
        raise FederatedError(f"column {names[int(np.argmax(still))]!r} has one value in all rows; leave it out")
    return Scale(tuple(names), mean, deviation)


def solved(matrix: Array, names: Sequence[str]) -> Array:
    """The inverse of a matrix of information about these coefficients.

    Raises
    ------
    FederatedError
        It is singular: some columns are combinations of others; names those.
    """
    size = np.sqrt(np.abs(matrix.diagonal()))
    size[size == 0] = 1
    alike = matrix / np.outer(size, size)
    values, vectors = np.linalg.eigh(alike) if np.isfinite(alike).all() else (np.zeros(len(size)), np.eye(len(size)))
    if not values[0] * _MOST_CONDITION > values[-1]:
        part = [name for name, share in zip(names, np.abs(vectors[:, 0]), strict=True) if share > 0.1]
        raise FederatedError(
            f"{', '.join(part)} cannot be told apart: they are combinations of each other; leave some out"
        )
    return np.asarray((vectors / values) @ vectors.T / np.outer(size, size))
