"""Cox's proportional hazards over sites."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import FederatedError
from cdt_federated.statistics.fitted import Fitted, Scale, scale_of
from cdt_federated.statistics.moments import Moments, names_of
from cdt_federated.statistics.newton import kept_finite, maximised
from cdt_federated.statistics.rows import Missing, Rows
from cdt_federated.statistics.summary import State, Steps, Sums
from cdt_federated.statistics.times import Grid, agreed_grid, grid_of

__all__ = ["Cox", "CoxFound"]

Array = NDArray[np.float64]
Ties = Literal["efron", "breslow"]

#: Events that are looked at together.
_TOGETHER = 1 << 14


def _binned(places: NDArray[np.intp], values: Array, count: int) -> Array:
    """Sums of values (rows, ...) by place, shape (count, ...)."""
    flat = values.reshape(len(values), math.prod(values.shape[1:]))
    sums = np.stack([np.bincount(places, column, count) for column in flat.T], axis=-1)
    return sums.reshape(count, *values.shape[1:]).astype(np.float64)


def _binned_pairs(places: NDArray[np.intp], first: Array, covariates: Array, count: int) -> Array:
    """Sums of products of pairs by place, one pair after the other: all at once would take rows times pairs of memory."""
    size = covariates.shape[1]
    sums = np.empty((count, size, size))
    for one in range(size):
        for other in range(one + 1):
            pair = np.bincount(places, first[:, one] * covariates[:, other], count)
            sums[:, one, other] = sums[:, other, one] = pair
    return sums


def _sums(covariates: Array, at: Array, places: NDArray[np.intp], happened: NDArray[np.bool_], count: int) -> State:
    """By the time at which rows are at risk for the last time: hazards, and these times covariates and products of them; the
    same of the rows with an event, their number and the sum of their covariates.
    """
    with np.errstate(over="ignore"):  # a step too far: it is halved
        hazards = np.exp(covariates @ at)
    here = places >= 0
    found: State = {}
    for name, some in (("risk", here), ("tied", here & happened)):
        some_covariates, hazard = covariates[some], hazards[some]
        first = some_covariates * hazard[:, np.newaxis]
        found[f"{name}0"] = _binned(places[some], hazard, count)
        found[f"{name}1"] = _binned(places[some], first, count)
        found[f"{name}2"] = _binned_pairs(places[some], first, some_covariates, count)
    some = here & happened
    found["events"] = np.bincount(places[some], minlength=count).astype(np.float64)
    found["covariates"] = _binned(places[some], covariates[some], count)
    return found


def _terms(state: State, at: Array, ties: Ties) -> State:
    """Log partial likelihood, gradient and information, from the sums of :func:`_sums` (Efron 1977, JASA 72:557)."""
    zeros, firsts, seconds = (state[f"risk{order}"][::-1].cumsum(axis=0)[::-1] for order in "012")
    tied = [state[f"tied{order}"] for order in "012"]
    likelihood, gradient = float(state["covariates"].sum(axis=0) @ at), state["covariates"].sum(axis=0).copy()
    information = np.zeros((len(at), len(at)))
    whole, part = np.zeros(len(zeros)), np.zeros(len(zeros))
    with np.errstate(all="ignore"):
        for place, share, count in _turns(state["events"], ties):
            zero = zeros[place] - share * tied[0][place]
            mean = (firsts[place] - share[:, np.newaxis] * tied[1][place]) / zero[:, np.newaxis]
            likelihood -= float(count @ np.log(zero))
            gradient -= count @ mean
            information -= (mean * count[:, np.newaxis]).T @ mean
            whole += np.bincount(place, count / zero, len(zeros))
            part += np.bincount(place, count * share / zero, len(zeros))
        happened = state["events"] > 0
        information += np.tensordot(whole[happened], seconds[happened], 1) - np.tensordot(part, tied[2], 1)
    return {"likelihood": np.asarray(likelihood), "gradient": gradient, "information": information}


def _turns(events: Array, ties: Ties) -> Iterator[tuple[NDArray[np.intp], Array, Array]]:
    """Places of events, what share of those tied with it has left the risk set before each, and how many such events.

    Breslow's events of one time are alike; Efron's are one after the other, some at once.
    """
    counts = np.rint(events).astype(np.intp)
    if ties == "breslow":
        places = np.flatnonzero(counts)
        yield places, np.zeros(len(places)), counts[places].astype(np.float64)
        return
    ends = counts.cumsum()
    for first in range(0, int(counts.sum()), _TOGETHER):
        turn = np.arange(first, min(first + _TOGETHER, int(ends[-1])))
        places = np.searchsorted(ends, turn, side="right")
        yield places, (turn - (ends - counts)[places]) / counts[places], np.ones(len(places))


@attrs.frozen(eq=False, kw_only=True)
class _Common(Sums):
    """What :func:`_sums` says of rows, for what all sites share."""

    time: str
    event: str
    scale: Scale
    at: Array

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.time, self.event, *self.scale.names)


@attrs.frozen(eq=False, kw_only=True)
class SumsAtTimes(_Common):
    """Sums at each time, for risk sets of all sites together."""

    grid: Grid

    whole: ClassVar[frozenset[str]] = frozenset({"events", "beyond"})

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Name -> shape of each array of sums."""
        times, size = len(self.grid.times), len(self.at)
        sizes = {"0": (times,), "1": (times, size), "2": (times, size, size)}
        kinds = {f"{name}{order}": shape for name in ("risk", "tied") for order, shape in sizes.items()}
        return {**kinds, "events": (times,), "covariates": (times, size), "beyond": ()}

    def of(self, rows: Rows) -> Mapping[str, Array]:
        """The sums over some rows."""
        places, happened = self.grid.places(rows, self.time, self.event)
        covariates = self.scale.of(rows.matrix(self.scale.names))
        return kept_finite(_sums(covariates, self.at, places, happened, len(self.grid.times)))


@attrs.frozen(eq=False, kw_only=True)
class SiteLikelihood(_Common):
    """The partial likelihood of a site's own risk sets: nothing is said of single times."""

    ties: Ties

    whole: ClassVar[frozenset[str]] = frozenset({"events", "beyond"})

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Name -> shape of each array of sums."""
        size = len(self.at)
        return {"likelihood": (), "gradient": (size,), "information": (size, size), "events": (), "beyond": ()}

    def of(self, rows: Rows) -> Mapping[str, Array]:
        """The sums over some rows."""
        times = np.unique(rows.positive(self.time)[rows.truths(self.event) > 0])
        places, happened = Grid(times, is_agreed=False).places(rows, self.time, self.event)
        covariates = self.scale.of(rows.matrix(self.scale.names))
        found = _terms(_sums(covariates, self.at, places, happened, len(times)), self.at, self.ties)
        return kept_finite({**found, "events": np.asarray(happened.sum(), np.float64)})


@attrs.frozen(eq=False)
class CoxFound(Fitted):
    """Logarithms of hazard ratios for one unit of each covariate.

    Parameters
    ----------
    log_likelihood
        Partial, of all rows.
    times, cumulative_hazard
        Breslow's estimate of the baseline, at covariates of 0; None where strata are sites.
    events, questions
        Events of all sites; exchanges with every site.
    """

    log_likelihood: float
    times: Array | None
    cumulative_hazard: Array | None
    events: int
    questions: int

    @property
    def hazard_ratios(self) -> Array:
        """Shape (k,)."""
        return np.exp(self.coefficients)


@attrs.frozen(eq=False)
class Cox:
    """Cox's regression of times until an event (1972, JRSS B 34:187), equal to the pooled fit.

    With ``strata="none"`` risk sets are of all sites together: sums at each time leave a site, which of exact times and few
    rows tell nearly as much as the rows. Agree on coarse ``times`` then, or take ``strata="sites"``, where each site has a
    baseline hazard of its own and only ``(k + 1) ** 2`` sums leave it.

    Parameters
    ----------
    time, event
        Columns: how long a row was watched, from 0 on, and whether the event ended that (1) or not (0).
    covariates
        Columns of numbers.
    ties
        How events of one time are treated: by Efron's approximation or by Breslow's.
    strata
        ``"none"`` or ``"sites"``.
    times
        As for :class:`~cdt_federated.statistics.survival.LogRank`; of no use with strata.

    Examples
    --------
    >>> from cdt_federated.statistics import Cox, run
    >>> here = {"days": [3, 5, 6, 7], "died": [1, 1, 1, 0], "dose": [2.0, 1.0, 1.0, 0.0]}
    >>> there = {"days": [4, 9, 11], "died": [1, 1, 0], "dose": [0.0, 1.0, 0.0]}
    >>> run(Cox("days", "died", ["dose"]), {"a": here, "b": there}).coefficients.round(3)
    array([1.731])
    """

    time: str
    event: str
    covariates: tuple[str, ...] = attrs.field(converter=names_of)
    ties: Ties = attrs.field(default="efron", kw_only=True)
    strata: Literal["none", "sites"] = attrs.field(default="none", kw_only=True)
    times: Array | None = attrs.field(default=None, converter=agreed_grid, kw_only=True)
    missing: Missing = attrs.field(default="refuse", kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.ties not in ("efron", "breslow"):
            raise FederatedError(f"ties is {self.ties!r}; it must be 'efron' or 'breslow'")
        if self.strata not in ("none", "sites"):
            raise FederatedError(f"strata is {self.strata!r}; it must be 'none' or 'sites'")
        if self.strata == "sites" and self.times is not None:
            raise FederatedError("sites as strata have risk sets of their own; leave the agreed times out")

    def steps(self) -> Steps[CoxFound]:
        """Means and deviations; times of events if need be; then gradients, until the likelihood is highest."""
        used = (*self.covariates, self.time, self.event)
        moments = yield from Moments(used, missing=self.missing).steps()
        size = len(self.covariates)
        if not moments.mean[-1] > 0:
            raise FederatedError(f"no row of any site has an event in {self.event!r}; there is nothing to estimate")
        scale = scale_of(self.covariates, moments.mean[:size], moments.variance[:size])
        grid = None
        if self.strata == "none":
            grid = yield from grid_of(self.times, self.time, self.event, self.missing)
        course = _Course(self, scale, grid)
        best = yield from maximised(course.ask, np.zeros(size), self.covariates, course.read)
        coefficients, covariance = scale.back(best.coefficients, best.inverse, intercept=False)
        sums = best.state.get("sums", best.state)
        return CoxFound(
            names=self.covariates,
            coefficients=coefficients,
            covariance=covariance,
            freedom=float("inf"),
            rows=int(sums["rows"]),
            left_out=int(sums["left_out"]),
            log_likelihood=float(best.state["likelihood"]),
            times=None if grid is None else grid.times,
            cumulative_hazard=None if grid is None else _baseline(sums, coefficients, scale),
            events=int(np.sum(sums["events"])),
            questions=course.asked + 2 + (grid is not None and not grid.is_agreed),
        )


@attrs.define(eq=False)
class _Course:
    """A fit under way: what is asked at coefficients, and what the answers say there."""

    cox: Cox
    scale: Scale
    grid: Grid | None
    at: Array = attrs.field(factory=lambda: np.empty(0))
    asked: int = 0

    def ask(self, at: Array) -> Sums:
        """The question at coefficients."""
        self.at, self.asked, cox = at, self.asked + 1, self.cox
        shared: dict[str, Any] = {"time": cox.time, "event": cox.event, "scale": self.scale, "missing": cox.missing}
        if self.grid is None:
            return SiteLikelihood(at=at, ties=cox.ties, **shared)
        return SumsAtTimes(at=at, grid=self.grid, **shared)

    def read(self, state: State) -> State:
        """The likelihood of risk sets of all sites, from their sums at each time."""
        return (
            state
            if self.grid is None
            else {**_terms(state, self.at, self.cox.ties), "beyond": state["beyond"], "sums": state}
        )


def _baseline(sums: State, coefficients: Array, scale: Scale) -> Array:
    """Breslow's cumulative hazard at covariates of 0 (1974, Biometrics 30:89)."""
    at_risk = sums["risk0"][::-1].cumsum()[::-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        steps = np.where(sums["events"] > 0, sums["events"] / at_risk, 0)
    return np.asarray(np.cumsum(steps) * np.exp(-(scale.mean @ coefficients)))
