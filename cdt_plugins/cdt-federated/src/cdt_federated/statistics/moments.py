"""Counts, means, variances and covariances of columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import FederatedError
from cdt_federated.statistics.fitted import refuse_rounded
from cdt_federated.statistics.rows import Missing, Rows
from cdt_federated.statistics.summary import State, Steps, Sums

__all__ = ["Moments", "MomentsFound", "Products", "Totals", "names_of"]

Vector = NDArray[np.float64]


def names_of(columns: Iterable[str]) -> tuple[str, ...]:
    """Names of columns, each once.

    Raises
    ------
    FederatedError
        One text instead of several, none, or a name twice.
    """
    names = (columns,) if isinstance(columns, str) else tuple(columns)
    if not names or not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise FederatedError(f"columns {names}: name at least one, by text, and each once")
    return names


@attrs.frozen(eq=False, kw_only=True)
class Totals(Sums):
    """Sums of columns, of weights and of squared weights."""

    names: tuple[str, ...] = attrs.field(converter=names_of)
    weights: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, and the weights' one."""
        return self.names if self.weights is None else (*self.names, self.weights)

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Two numbers, and one for each column."""
        return {"weight": (), "sums": (len(self.names),)}

    def of(self, rows: Rows) -> Mapping[str, Vector]:
        """Sums over rows."""
        weights = np.ones(rows.count) if self.weights is None else rows.positive(self.weights)
        return {"weight": weights.sum(), "sums": weights @ rows.matrix(self.names)}

    def mean(self, state: State) -> Vector:
        """Means of all rows.

        Raises
        ------
        FederatedError
            No site has a row that counts.
        """
        if not state["weight"] > 0:
            raise FederatedError(f"no site has a row with {', '.join(self.names)}; there is nothing to take a mean of")
        return np.asarray(state["sums"] / state["weight"])


@attrs.frozen(eq=False, kw_only=True)
class Products(Sums):
    """Sums of products of deviations from an origin that all sites were told: about the mean, nothing cancels."""

    names: tuple[str, ...] = attrs.field(converter=names_of)
    origin: Vector
    weights: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.origin.shape != (len(self.names),):
            raise FederatedError(f"an origin of shape {self.origin.shape} for {len(self.names)} columns")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, and the weights' one."""
        return self.names if self.weights is None else (*self.names, self.weights)

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Deviations, and products of pairs."""
        return {"weight": (), "deviations": (len(self.names),), "products": (len(self.names),) * 2}

    def of(self, rows: Rows) -> Mapping[str, Vector]:
        """Sums over rows."""
        weights = np.ones(rows.count) if self.weights is None else rows.positive(self.weights)
        deviations = rows.matrix(self.names) - self.origin
        weighted = deviations * weights[:, np.newaxis]
        return {"weight": weights.sum(), "deviations": weighted.sum(axis=0), "products": weighted.T @ deviations}

    def centred(self, state: State) -> tuple[Vector, Vector]:
        """Mean, and products of deviations from it; refuses what the carrier rounded away."""
        shift = state["deviations"] / state["weight"]
        about = state["products"] - state["weight"] * np.outer(shift, shift)
        refuse_rounded(about.diagonal(), state.get("rounding", 0.0), self.names)
        np.fill_diagonal(about, np.maximum(0, about.diagonal()))  # rounding alone makes a square negative
        return self.origin + shift, about


@attrs.frozen(eq=False)
class MomentsFound:
    """Moments of all rows of all sites.

    Parameters
    ----------
    names
        Of the columns.
    rows, left_out
        Rows that counted, and that were left out for a missing value.
    weight
        Sum of the weights; the number of rows without any.
    mean
        Shape (columns,), in the columns' units.
    covariance
        Shape (columns, columns), divided by ``weight - 1``; NaN where that is not above 0.
    """

    names: tuple[str, ...]
    rows: int
    left_out: int
    weight: float
    mean: Vector
    covariance: Vector

    @property
    def variance(self) -> Vector:
        """Shape (columns,)."""
        return self.covariance.diagonal().copy()

    @property
    def deviation(self) -> Vector:
        """Standard deviations, shape (columns,)."""
        return np.sqrt(self.variance)

    @property
    def correlation(self) -> Vector:
        """Pearson's, shape (columns, columns); NaN for a column that does not vary."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.covariance / np.outer(self.deviation, self.deviation))

    def __str__(self) -> str:
        lines = [f"{'':20s}{'mean':>14s}{'deviation':>14s}"]
        rows = zip(self.names, self.mean, self.deviation, strict=True)
        lines += [f"{name:20s}{mean:14.6g}{deviation:14.6g}" for name, mean, deviation in rows]
        return "\n".join([*lines, f"{self.rows} rows, {self.left_out} left out"])


@attrs.frozen(eq=False)
class Moments:
    """Count, mean, variance, covariance and correlation of columns of numbers, in two questions.

    The second one is asked about the mean that the first one found, so that nothing cancels: values of 1e8 with deviations
    of 1 lose no digit. Both are sums (Chan, Golub, LeVeque 1983, The American Statistician 37:242, equation 1.3b).

    Parameters
    ----------
    names
        Of the columns.
    weights
        Column of how often each row counts.
    missing
        As for :class:`~cdt_federated.statistics.summary.Sums`.

    Examples
    --------
    >>> from cdt_federated.statistics import Moments, run
    >>> sites = {"a": {"x": [1.0, 2.0], "y": [2.0, 1.0]}, "b": {"x": [3.0], "y": [3.0]}}
    >>> found = run(Moments(["x", "y"]), sites)
    >>> found.mean, found.covariance
    (array([2., 2.]), array([[1. , 0.5],
           [0.5, 1. ]]))
    """

    names: tuple[str, ...] = attrs.field(converter=names_of)
    weights: str | None = attrs.field(default=None, kw_only=True)
    missing: Missing = attrs.field(default="refuse", kw_only=True)

    def steps(self) -> Steps[MomentsFound]:
        """Sums, then products about the mean."""
        shared: dict[str, Any] = {"names": self.names, "weights": self.weights, "missing": self.missing}
        totals = Totals(**shared)
        state = yield totals
        products = Products(origin=totals.mean(state), **shared)
        state = yield products
        mean, about = products.centred(state)
        freedom = float(state["weight"]) - 1
        covariance = about / freedom if freedom > 0 else np.full_like(about, np.nan)
        return MomentsFound(
            self.names, state["rows"], state["left_out"], float(state["weight"]), mean, np.asarray(covariance)
        )
