"""Linear regression from sums of products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import FederatedError
from cdt_federated.statistics.fitted import Fitted, Scale, scale_of, solved
from cdt_federated.statistics.moments import Products, Totals, names_of
from cdt_federated.statistics.rows import Missing, Rows
from cdt_federated.statistics.summary import Steps, Sums

__all__ = ["LinearFound", "LinearRegression", "ResidualSquares"]

#: Where less than this part of the outcome's squares is left, the difference has lost digits: it is asked for.
_EXACT = 1e-6


@attrs.frozen(eq=False, kw_only=True)
class ResidualSquares(Sums):
    """Squares of what a fit leaves of the outcome, in units of its deviation."""

    outcome: str
    scale: Scale
    origin: float
    unit: float
    at: NDArray[np.float64]
    weights: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return (self.outcome, *self.scale.names, *(() if self.weights is None else (self.weights,)))

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """One number."""
        return {"squares": ()}

    def of(self, rows: Rows) -> Mapping[str, NDArray[np.float64]]:
        """The sum over some rows."""
        weights = np.ones(rows.count) if self.weights is None else rows.positive(self.weights)
        outcome = (rows.numbers(self.outcome) - self.origin) / self.unit
        left = outcome - self.scale.of(rows.matrix(self.scale.names)) @ self.at
        return {"squares": np.asarray(weights @ (left * left))}


@attrs.frozen(eq=False)
class LinearFound(Fitted):
    """Coefficients by least squares.

    Parameters
    ----------
    residual_variance
        In squared units of the outcome.
    r_squared
        The share of the outcome's variance that is explained.
    """

    residual_variance: float
    r_squared: float


@attrs.frozen(eq=False)
class LinearRegression:
    """Least squares, equal to the pooled fit: two questions, of ``k + 2`` and about ``(k + 1) ** 2`` sums; a third one, of
    the residuals' squares, where the fit is nearly exact.

    Parameters
    ----------
    outcome, covariates
        Columns of numbers.
    weights
        Column of weights, as of weighted least squares.

    Examples
    --------
    >>> from cdt_federated.statistics import LinearRegression, run
    >>> sites = {"a": {"x": [0.0, 1.0], "y": [1.0, 3.1]}, "b": {"x": [2.0, 3.0], "y": [5.0, 6.9]}}
    >>> run(LinearRegression("y", ["x"]), sites).coefficients.round(3)
    array([1.06, 1.96])
    """

    outcome: str
    covariates: tuple[str, ...] = attrs.field(converter=names_of)
    weights: str | None = attrs.field(default=None, kw_only=True)
    missing: Missing = attrs.field(default="refuse", kw_only=True)

    def steps(self) -> Steps[LinearFound]:
        """Sums, then products about the means."""
        names = (*self.covariates, self.outcome)
        if len(set(names)) != len(names):
            raise FederatedError(f"the outcome {self.outcome!r} is among the covariates; leave it out there")
        shared: dict[str, Any] = {"names": names, "weights": self.weights, "missing": self.missing}
        totals = Totals(**shared)
        state = yield totals
        products = Products(origin=totals.mean(state), **shared)
        state = yield products
        mean, about = products.centred(state)
        weight, rows, size = float(state["weight"]), int(state["rows"]), len(self.covariates)
        freedom = rows - size - 1
        if freedom < 1:
            raise FederatedError(f"{rows} rows are too few for {size + 1} coefficients; there must be more rows")
        scale = scale_of(self.covariates, mean[:size], about.diagonal()[:size] / weight)
        inner = about[:size, :size] / np.outer(scale.deviation, scale.deviation)
        cross = about[:size, size] / scale.deviation
        inverse = solved(inner, self.covariates)
        slopes = inverse @ cross
        total = float(about[size, size])
        left = max(0.0, total - float(slopes @ cross))
        if left < _EXACT * total:
            left = yield from self._left(scale, float(mean[size]), (total / weight) ** 0.5, slopes)
        variance = left / freedom
        covariance = np.zeros((size + 1, size + 1))
        covariance[0, 0], covariance[1:, 1:] = variance / weight, variance * inverse
        whole = np.concatenate([[mean[size]], slopes])
        coefficients, covariance = scale.back(whole, covariance, intercept=True)
        return LinearFound(
            names=("intercept", *self.covariates),
            coefficients=coefficients,
            covariance=covariance,
            freedom=float(freedom),
            rows=rows,
            left_out=int(state["left_out"]),
            residual_variance=variance,
            r_squared=1 - left / total if total > 0 else float("nan"),
        )

    def _left(self, scale: Scale, origin: float, unit: float, slopes: NDArray[np.float64]) -> Steps[float]:
        """The squares of residuals, from the rows themselves."""
        shared: dict[str, Any] = {"outcome": self.outcome, "weights": self.weights, "missing": self.missing}
        state = yield ResidualSquares(scale=scale, origin=origin, unit=unit, at=slopes / unit, **shared)
        return float(state["squares"]) * unit**2
