"""Logistic and Poisson regression, fitted over sites."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import FederatedError
from cdt_federated.statistics.fitted import Fitted, Scale, scale_of
from cdt_federated.statistics.moments import Moments, names_of
from cdt_federated.statistics.newton import kept_finite, maximised
from cdt_federated.statistics.rows import Missing, Rows
from cdt_federated.statistics.summary import Steps, Summary, Sums

__all__ = ["LogisticRegression", "PoissonRegression", "RegressionFound", "logistic"]

Array = NDArray[np.float64]


@attrs.frozen(eq=False)
class RegressionFound(Fitted):
    """Coefficients of highest likelihood.

    Parameters
    ----------
    log_likelihood, deviance
        Of all rows at the coefficients.
    questions
        That were asked, each an exchange with every site.
    """

    log_likelihood: float
    deviance: float
    questions: int


@attrs.frozen(eq=False, kw_only=True)
class _Likelihood(Sums, ABC):
    """Log likelihood, its gradient, its information and the deviance at some coefficients."""

    outcome: str
    scale: Scale
    at: Array
    weights: str | None
    exposure: str | None = None

    whole: ClassVar[frozenset[str]] = frozenset({"beyond"})

    @property
    def columns(self) -> tuple[str, ...]:
        others = (name for name in (self.weights, self.exposure) if name is not None)
        return (self.outcome, *self.scale.names, *others)

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        size = len(self.at)
        return {"likelihood": (), "gradient": (size,), "information": (size, size), "deviance": (), "beyond": ()}

    def of(self, rows: Rows) -> Mapping[str, Array]:
        weights = np.ones(rows.count) if self.weights is None else rows.positive(self.weights)
        design = np.column_stack([np.ones(rows.count), self.scale.of(rows.matrix(self.scale.names))])
        found = self.terms(rows, design @ self.at)
        likelihood, slope, curvature, deviance = (np.asarray(term) * weights for term in found)
        return kept_finite(
            {
                "likelihood": likelihood.sum(),
                "gradient": slope @ design,
                "information": (design * curvature[:, np.newaxis]).T @ design,
                "deviance": deviance.sum(),
            }
        )

    @abstractmethod
    def terms(self, rows: Rows, predictor: Array) -> tuple[Array, Array, Array, Array]:
        """For each row: log likelihood, its first and negated second derivative by the predictor, and the deviance."""


class LogisticSums(_Likelihood):
    """The likelihood of outcomes 0 and 1 at coefficients."""

    def terms(self, rows: Rows, predictor: Array) -> tuple[Array, Array, Array, Array]:
        """For each row: log likelihood, its first and negated second derivative by the predictor, and the deviance."""
        outcome = rows.truths(self.outcome)
        chance = 1 / (1 + np.exp(-predictor))
        likelihood = outcome * predictor - np.logaddexp(0, predictor)
        return likelihood, outcome - chance, chance * (1 - chance), -2 * likelihood


def logistic(outcome: str, scale: Scale, missing: Missing) -> Callable[[Array], Summary]:
    """What asks for the likelihood of a logistic regression at coefficients of scaled columns."""
    shared: dict[str, Any] = {"outcome": outcome, "scale": scale, "weights": None, "missing": missing}
    return lambda at: LogisticSums(at=at, **shared)


class PoissonSums(_Likelihood):
    """The likelihood of counts at coefficients."""

    def terms(self, rows: Rows, predictor: Array) -> tuple[Array, Array, Array, Array]:
        """For each row: log likelihood, its first and negated second derivative by the predictor, and the deviance."""
        from scipy.special import gammaln, xlogy

        outcome = rows.positive(self.outcome)
        exposed = np.ones(rows.count) if self.exposure is None else rows.positive(self.exposure)
        if not exposed.all():
            raise FederatedError(
                f"exposure {self.exposure!r} is 0 in row {int(np.argmin(exposed))}; it must be above 0"
            )
        expected = exposed * np.exp(predictor)
        predictor = predictor + np.log(exposed)
        likelihood = outcome * predictor - expected - gammaln(outcome + 1)
        deviance = 2 * (xlogy(outcome, outcome) - outcome * predictor - (outcome - expected))
        return likelihood, outcome - expected, expected, deviance


@attrs.frozen(eq=False)
class _Regression(ABC):
    """Newton's method from coefficients of 0, on columns of one scale.

    Parameters
    ----------
    outcome, covariates
        Columns.
    weights
        Column of how often each row counts.
    """

    outcome: str
    covariates: tuple[str, ...] = attrs.field(converter=names_of)
    weights: str | None = attrs.field(default=None, kw_only=True)
    missing: Missing = attrs.field(default="refuse", kw_only=True)

    _kind: ClassVar[type[_Likelihood]]

    @abstractmethod
    def _first(self, mean: float) -> float:
        """The intercept to begin at, for an outcome of that mean (for each unit of exposure)."""

    def _more(self) -> dict[str, str]:
        """Other columns, by what they are for."""
        return {}

    def steps(self) -> Steps[RegressionFound]:
        """Means and deviations; then gradients, until the likelihood is highest."""
        if self.outcome in self.covariates:
            raise FederatedError(f"the outcome {self.outcome!r} is among the covariates; leave it out there")
        size = len(self.covariates)
        used = (self.outcome, *self.covariates, *self._more().values())
        moments = yield from Moments(used, weights=self.weights, missing=self.missing).steps()
        scale = scale_of(self.covariates, moments.mean[1 : size + 1], moments.variance[1 : size + 1])
        names = ("intercept", *self.covariates)
        start = np.zeros(len(names))
        start[0] = self._first(float(moments.mean[0] / moments.mean[size + 1 :].prod()))
        asked = 0

        def ask(at: Array) -> Summary:
            nonlocal asked
            asked += 1
            shared: dict[str, Any] = {"outcome": self.outcome, "scale": scale, "at": at, "weights": self.weights}
            return self._kind(**shared, missing=self.missing, **dict[str, Any](self._more()))

        best = yield from maximised(ask, start, names)
        coefficients, covariance = scale.back(best.coefficients, best.inverse, intercept=True)
        return RegressionFound(
            names=names,
            coefficients=coefficients,
            covariance=covariance,
            freedom=float("inf"),
            rows=int(best.state["rows"]),
            left_out=int(best.state["left_out"]),
            log_likelihood=float(best.state["likelihood"]),
            deviance=float(best.state["deviance"]),
            questions=asked + 2,
        )


@attrs.frozen(eq=False)
class LogisticRegression(_Regression):
    """Logistic regression of highest likelihood, equal to the pooled fit.

    Each question is one step of Newton's method (McCullagh, Nelder 1989, Generalized Linear Models, 2.5): sums of ``k``
    gradients and ``k ** 2`` products leave a site. Some 6 questions are usual.

    Parameters
    ----------
    outcome
        Column of 0 and 1.
    covariates
        Columns of numbers.
    weights
        Column of how often each row counts.

    Examples
    --------
    >>> from cdt_federated.statistics import LogisticRegression, run
    >>> sites = {"a": {"x": [0, 1, 2, 3], "y": [0, 0, 1, 0]}, "b": {"x": [2, 3, 4], "y": [1, 1, 1]}}
    >>> run(LogisticRegression("y", ["x"]), sites).coefficients.round(3)
    array([-2.208,  1.202])
    """

    _kind: ClassVar[type[_Likelihood]] = LogisticSums

    def _first(self, mean: float) -> float:
        if not 0 <= mean <= 1:
            raise FederatedError(f"the outcome {self.outcome!r} has values other than 0 and 1; code it so")
        if mean in (0, 1):
            raise FederatedError(f"the outcome {self.outcome!r} is the same in all rows; there is nothing to regress")
        return float(np.log(mean / (1 - mean)))


@attrs.frozen(eq=False)
class PoissonRegression(_Regression):
    """Poisson regression of counts, with the logarithm as its link.

    Parameters
    ----------
    outcome
        Column of counts.
    covariates
        Columns of numbers.
    exposure
        Column of times or sizes to which expected counts are proportional.
    weights
        Column of how often each row counts.

    Examples
    --------
    >>> from cdt_federated.statistics import PoissonRegression, run
    >>> sites = {"a": {"x": [0, 1, 2], "n": [1, 2, 6]}, "b": {"x": [3], "n": [15]}}
    >>> run(PoissonRegression("n", ["x"]), sites).coefficients.round(3)
    array([-0.129,  0.946])
    """

    exposure: str | None = attrs.field(default=None, kw_only=True)

    _kind: ClassVar[type[_Likelihood]] = PoissonSums

    def _first(self, mean: float) -> float:
        if mean < 0:
            raise FederatedError(f"the outcome {self.outcome!r} is negative in some rows; counts are 0 or more")
        if not mean > 0:
            raise FederatedError(f"the outcome {self.outcome!r} is 0 in all rows; there is nothing to regress")
        return float(np.log(mean))

    def _more(self) -> dict[str, str]:
        return {} if self.exposure is None else {"exposure": self.exposure}
