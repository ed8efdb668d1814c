"""Linear regression from sums of products."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from cdt_core.errors import FederatedError
from cdt_federated.statistics.fitted import Fitted, scale_of, solved
from cdt_federated.statistics.moments import Products, Totals, names_of
from cdt_federated.statistics.rows import Missing
from cdt_federated.statistics.summary import Steps

__all__ = ["LinearFound", "LinearRegression"]


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
    """Least squares, equal to the pooled fit: two questions, of ``k + 2`` and about ``(k + 1) ** 2`` sums.

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
        left = max(0.0, float(about[size, size] - slopes @ cross))
        variance = left / freedom
        covariance = np.zeros((size + 1, size + 1))
        covariance[0, 0], covariance[1:, 1:] = variance / weight, variance * inverse
        whole = np.concatenate([[mean[size]], slopes])
        coefficients, covariance = scale.back(whole, covariance, intercept=True)
        total = float(about[size, size])
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
