"""Association of single variants with a trait: linear regression, or the score test of logistic regression."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import FederatedError
from cdt_federated.statistics.alleles import genotypes, parts_of
from cdt_federated.statistics.fitted import Scale, scale_of
from cdt_federated.statistics.moments import Moments
from cdt_federated.statistics.newton import maximised
from cdt_federated.statistics.regression import logistic
from cdt_federated.statistics.rows import Missing, Rows
from cdt_federated.statistics.small import checked_count
from cdt_federated.statistics.summary import State, Steps, Sums

__all__ = ["Association", "AssociationFound"]

Array = NDArray[np.float64]

#: A variant that varies by less than this part of its size beside the covariates does not vary.
_ROUNDING = 1e-9


def _covariates(names: Iterable[str]) -> tuple[str, ...]:
    found = (names,) if isinstance(names, str) else tuple(names)
    if len(set(found)) != len(found):
        raise FederatedError(f"covariates {found}: name each once")
    return found


@attrs.frozen(eq=False, kw_only=True)
class _Products(Sums):
    """For each variant, weighted sums of products over the rows where it was called: of the design (intercept and scaled
    covariates), the variant and what is left of the trait.
    """

    trait: str
    genotypes: str
    variants: int
    scale: Scale

    whole: ClassVar[frozenset[str]] = frozenset({"called"})

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.trait, self.genotypes, *self.scale.names)

    @property
    def may_miss(self) -> tuple[str, ...]:
        return (self.genotypes,)

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        size = len(self.scale.names) + 1
        sizes = {"design": (size, size), "crossed": (size,), "left": (size,), "squares": (), "gained": (), "rest": ()}
        return {name: (self.variants, *shape) for name, shape in (("called", ()), *sizes.items())}

    @abstractmethod
    def residuals(self, rows: Rows, design: Array) -> tuple[Array, Array]:
        """For each row, what is left of the trait, and the weight of products."""

    def of(self, rows: Rows) -> Mapping[str, Array]:
        design = np.column_stack([np.ones(rows.count), self.scale.of(rows.matrix(self.scale.names))])
        left, weights = self.residuals(rows, design)
        found = {name: np.empty(shape) for name, shape in self.shapes.items()}
        for part in parts_of(self.variants):
            counts = genotypes(rows, self.genotypes, self.variants, part).astype(np.float64)
            for name, sums in self._of_some(counts, design, left, weights).items():
                found[name][part] = sums
        return found

    def _of_some(self, counts: Array, design: Array, left: Array, weights: Array) -> Mapping[str, Array]:
        called = np.isfinite(counts)
        counts = np.where(called, counts, 0.0)
        weighted, rows, size = design * weights[:, np.newaxis], *design.shape
        pairs = (weighted[:, :, np.newaxis] * design[:, np.newaxis, :]).reshape(rows, -1)
        if called.all():  # all variants have the same rows
            everywhere = (pairs.sum(axis=0), design.T @ left, left @ left)
            inner, crossed, rest = (np.broadcast_to(each, (counts.shape[1], *np.shape(each))) for each in everywhere)
        else:
            mask = called.astype(np.float64).T
            inner, crossed, rest = mask @ pairs, mask @ (design * left[:, np.newaxis]), mask @ (left * left)
        return {
            "called": called.sum(axis=0).astype(np.float64),
            "design": inner.reshape(-1, size, size),
            "crossed": counts.T @ weighted,
            "left": crossed,
            "squares": (counts * counts).T @ weights,
            "gained": counts.T @ left,
            "rest": rest,
        }


@attrs.frozen(eq=False, kw_only=True)
class LinearProducts(_Products):
    """Products with a trait in units of its deviation."""

    origin: float
    unit: float

    def residuals(self, rows: Rows, design: Array) -> tuple[Array, Array]:
        """For each row, what is left of the trait, and the weight of products."""
        return (rows.numbers(self.trait) - self.origin) / self.unit, np.ones(rows.count)


@attrs.frozen(eq=False, kw_only=True)
class LogisticProducts(_Products):
    """Products with what a logistic regression leaves of a trait, weighted by its variance."""

    at: Array

    def residuals(self, rows: Rows, design: Array) -> tuple[Array, Array]:
        """For each row, what is left of the trait, and the weight of products."""
        chance = 1 / (1 + np.exp(-(design @ self.at)))
        return rows.truths(self.trait) - chance, chance * (1 - chance)


@attrs.frozen(eq=False)
class AssociationFound:
    """What each variant does to the trait; NaN for variants that do not vary beside the covariates.

    Parameters
    ----------
    coefficients, standard_errors
        Shape (variants,): change of the trait, or of its log odds, for each alternate allele. Of the score test, one step of
        Newton's method from no effect.
    statistics, p_values
        Shape (variants,): t, or z; two-sided.
    called
        Samples in which the variant was called, shape (variants,).
    rows, left_out
        As for all analyses.
    """

    coefficients: Array
    standard_errors: Array
    statistics: Array
    p_values: Array
    called: Array
    rows: int
    left_out: int

    def __str__(self) -> str:
        order = np.argsort(self.p_values, kind="stable")[:10]
        lines = [f"{'variant':>8s}{'coefficient':>14s}{'error':>12s}{'p':>12s}"]
        columns = (order, self.coefficients[order], self.standard_errors[order], self.p_values[order])
        lines += [f"{at:8d}{value:14.5g}{error:12.4g}{p:12.3g}" for at, value, error, p in zip(*columns, strict=True)]
        return "\n".join([*lines, f"{len(self.called)} variants, {self.rows} samples, {self.left_out} left out"])


@attrs.frozen(eq=False)
class Association:
    """Single-variant association of all variants at once, with covariates.

    ``linear``: least squares of the trait on variant and covariates, equal to the pooled regression of each variant.
    ``logistic``: the efficient score test (Rao 1948) at the logistic regression on the covariates alone, equal to the pooled
    one; where a variant was not called in some rows, what these leave in the score is corrected by one step.

    Parameters
    ----------
    trait
        Column of numbers, or of 0 and 1.
    genotypes, variants
        As for :class:`~cdt_federated.statistics.alleles.AlleleFrequencies`.
    covariates
        Columns of numbers, such as age and principal components.
    model
        ``"linear"`` or ``"logistic"``.
    missing
        For trait and covariates; rows in which a variant was not called are left out of that variant alone.

    Notes
    -----
    With c covariates, ``(c + 3) ** 2`` sums for each variant leave a site.

    Examples
    --------
    >>> from cdt_federated.statistics import Association, run
    >>> sites = {"a": {"g": [[0], [1], [2]], "y": [0.1, 1.0, 2.2]}, "b": {"g": [[0], [1]], "y": [0.0, 0.9]}}
    >>> run(Association("y", "g", 1), sites).coefficients.round(3)
    array([1.05])
    """

    trait: str
    genotypes: str
    variants: int = attrs.field(validator=checked_count)
    covariates: tuple[str, ...] = attrs.field(default=(), converter=_covariates)
    model: Literal["linear", "logistic"] = attrs.field(default="linear", kw_only=True)
    missing: Missing = attrs.field(default="refuse", kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.model not in ("linear", "logistic"):
            raise FederatedError(f"model is {self.model!r}; it must be 'linear' or 'logistic'")

    def steps(self) -> Steps[AssociationFound]:
        """Means; the regression on covariates alone, of the logistic model; then products with all variants."""
        used = (self.trait, *self.covariates)
        moments = yield from Moments(used, missing=self.missing).steps()
        scale = scale_of(used, moments.mean, moments.variance)  # also refuses a trait that does not vary
        own = Scale(self.covariates, scale.mean[1:], scale.deviation[1:])
        shared: dict[str, Any] = {"genotypes": self.genotypes, "variants": self.variants, "missing": self.missing}
        if self.model == "linear":
            unit = float(scale.deviation[0])
            question = LinearProducts(trait=self.trait, scale=own, origin=float(scale.mean[0]), unit=unit, **shared)
            return self._by_squares((yield question), unit)
        names = ("intercept", *self.covariates)
        mean = float(moments.mean[0])
        start = np.zeros(len(names))
        start[0] = np.log(mean / (1 - mean)) if 0 < mean < 1 else 0.0
        ask = logistic(self.trait, own, self.missing)
        best = yield from maximised(ask, start, names)
        return self._by_score((yield LogisticProducts(trait=self.trait, scale=own, at=best.coefficients, **shared)))

    def _by_squares(self, state: State, unit: float) -> AssociationFound:
        gained, varied, explained = _beside(state)
        with np.errstate(invalid="ignore", divide="ignore"):
            slopes = gained / varied
            freedom = state["called"] - state["design"].shape[1] - 1
            left = np.maximum(0, state["rest"] - explained - slopes * gained) / np.where(freedom > 0, freedom, np.nan)
            errors = np.sqrt(left / varied)
        return _found(state, slopes * unit, errors * unit, freedom)

    def _by_score(self, state: State) -> AssociationFound:
        gained, varied, _ = _beside(state)
        with np.errstate(invalid="ignore", divide="ignore"):
            return _found(state, gained / varied, 1 / np.sqrt(varied), np.full(len(varied), np.inf))


def _beside(state: State) -> tuple[Array, Array, Array]:
    """Of each variant beside the design: its product with the trait, its square, and what the design explains of the trait."""
    size = np.sqrt(np.einsum("vii->vi", state["design"]))
    alike = state["design"] / (size[:, :, np.newaxis] * size[:, np.newaxis, :] + (size == 0).any(axis=1)[:, None, None])
    usable = (size > 0).all(axis=1)
    usable[usable] = np.linalg.eigvalsh(alike[usable])[:, 0] > _ROUNDING
    alike[~usable] = np.eye(alike.shape[1])
    both = np.stack([state["crossed"], state["left"]], axis=2) / np.where(size > 0, size, 1)[:, :, np.newaxis]
    solved = np.linalg.solve(alike, both)
    inner = np.einsum("vik,vil->vkl", both, solved)
    varied = state["squares"] - inner[:, 0, 0]
    varied = np.where(usable & (varied > _ROUNDING * state["squares"]), varied, np.nan)
    return state["gained"] - inner[:, 0, 1], varied, inner[:, 1, 1]


def _found(state: State, coefficients: Array, errors: Array, freedom: Array) -> AssociationFound:
    from scipy import stats

    with np.errstate(invalid="ignore", divide="ignore"):
        statistics = coefficients / errors
        p_values = 2 * stats.t.sf(np.abs(statistics), freedom)
    return AssociationFound(
        coefficients, errors, statistics, np.asarray(p_values), state["called"], state["rows"], state["left_out"]
    )
