"""Survival curves by Kaplan and Meier, and the log-rank test between groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import FederatedError
from cdt_federated.statistics.groups import levels_of
from cdt_federated.statistics.rows import Missing
from cdt_federated.statistics.small import checked_count
from cdt_federated.statistics.summary import Steps
from cdt_federated.statistics.times import GroupedTimes, agreed_grid, grid_of

__all__ = ["KaplanMeier", "LogRank", "LogRankFound", "SurvivalCurve"]

Array = NDArray[np.float64]


@attrs.frozen(eq=False)
class SurvivalCurve:
    """The chance to be without an event after each time.

    Parameters
    ----------
    level
        Of the group; None where all rows are one.
    times
        At which there was an event, shape (times,).
    at_risk, events
        Rows before and at each time.
    survival
        Just after each time.
    standard_errors
        By Greenwood's formula (1926).
    left_out
        Rows that were left out for a missing value.
    """

    level: Any
    times: Array
    at_risk: Array
    events: Array
    survival: Array
    standard_errors: Array
    left_out: int

    def at(self, time: float) -> float:
        """The chance to be without an event after that time."""
        place = int(np.searchsorted(self.times, time, side="right"))
        return 1.0 if place == 0 else float(self.survival[place - 1])

    @property
    def median(self) -> float:
        """The first time after which at most half are without an event; infinite if there is none."""
        below = np.flatnonzero(self.survival <= 0.5)
        return float(self.times[below[0]]) if below.size else float("inf")

    def intervals(self, confidence: float = 0.95) -> Array:
        """Confidence intervals by log(-log) (Kalbfleisch, Prentice 1980), shape (times, 2)."""
        from scipy import stats

        half = float(stats.norm.ppf(0.5 + confidence / 2))
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = half * self.standard_errors / (self.survival * np.abs(np.log(self.survival)))
            bounds = np.stack([self.survival ** np.exp(sign * spread) for sign in (1, -1)], axis=1)
        return np.where(np.isfinite(bounds), bounds, self.survival[:, np.newaxis])

    def __str__(self) -> str:
        lines = [f"{'time':>12s}{'at risk':>9s}{'events':>8s}{'survival':>10s}{'error':>9s}"]
        columns = (self.times, self.at_risk, self.events, self.survival, self.standard_errors)
        for time, risk, events, survival, error in zip(*columns, strict=True):
            lines.append(f"{time:12.5g}{risk:9.0f}{events:8.0f}{survival:10.4f}{error:9.4f}")
        return "\n".join(lines)


def _levels(levels: Iterable[Any] | None) -> tuple[Any, ...] | None:
    return None if levels is None else levels_of(levels)


@attrs.frozen(eq=False)
class _Survival:
    """Times until an event, of groups: what :class:`KaplanMeier` and :class:`LogRank`, which says it all, both ask."""

    time: str
    event: str
    group: str | None = None
    levels: tuple[Any, ...] | None = attrs.field(default=None, converter=_levels)
    times: Array | None = attrs.field(default=None, converter=agreed_grid, kw_only=True)
    min_count: int = attrs.field(default=1, kw_only=True, validator=checked_count)
    missing: Missing = attrs.field(default="refuse", kw_only=True)

    def __attrs_post_init__(self) -> None:
        if (self.group is None) != (self.levels is None):
            raise FederatedError("name both the column of groups and its levels, or neither")

    def counted(self) -> Steps[tuple[Array, Array, Array, int]]:
        """Times, rows at risk and events (groups, times), and rows left out."""
        grid = yield from grid_of(self.times, self.time, self.event, self.missing)
        counts = GroupedTimes(
            time=self.time,
            event=self.event,
            grid=grid,
            group=self.group,
            levels=self.levels or (None,),
            missing=self.missing,
        )
        state = yield counts
        return grid.times, counts.at_risk(state), state["events"], int(state["left_out"])


@attrs.frozen(eq=False)
class KaplanMeier(_Survival):
    """Survival curves (Kaplan, Meier 1958, JASA 53:457, equation 2b), one for each group.

    Parameters are those of :class:`LogRank`; with fewer rows than ``min_count`` at risk in a group, times are left out of its
    curve.

    Examples
    --------
    >>> from cdt_federated.statistics import KaplanMeier, run
    >>> sites = {"a": {"days": [3, 5, 5], "died": [1, 0, 1]}, "b": {"days": [8, 9], "died": [1, 0]}}
    >>> (curve,) = run(KaplanMeier("days", "died"), sites)
    >>> curve.times, curve.survival
    (array([3., 5., 8.]), array([0.8, 0.6, 0.3]))
    """

    def steps(self) -> Steps[tuple[SurvivalCurve, ...]]:
        """The times, if they are not agreed on; then counts."""
        times, at_risk, events, left_out = yield from self.counted()
        levels = self.levels or (None,)
        return tuple(
            self._curve(level, times, (risk, happened), left_out)
            for level, risk, happened in zip(levels, at_risk, events, strict=True)
        )

    def _curve(self, level: Any, times: Array, counts: tuple[Array, Array], left_out: int) -> SurvivalCurve:
        risk, events = counts
        kept = (risk >= self.min_count) & (events > 0)
        times, risk, events = times[kept], risk[kept], events[kept]
        survival = np.asarray(np.cumprod(1 - events / risk), np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            greenwood = np.cumsum(events / (risk * (risk - events)))
            errors = np.where(survival > 0, survival * np.sqrt(greenwood), np.nan)
        return SurvivalCurve(level, times, risk, events, survival, errors, left_out)


@attrs.frozen(eq=False)
class LogRankFound:
    """Whether groups have one survival curve.

    Parameters
    ----------
    statistic, freedom, p_value
        Chi-square, its degrees of freedom, and the chance of a larger one.
    observed, expected
        Events of each group, and what one curve for all would give it.
    left_out
        Rows that were left out for a missing value.
    """

    statistic: float
    freedom: int
    p_value: float
    observed: Array
    expected: Array
    left_out: int

    def __str__(self) -> str:
        return f"chi-square = {self.statistic:.4f} with {self.freedom} degrees of freedom, p = {self.p_value:.3g}"


@attrs.frozen(eq=False)
class LogRank(_Survival):
    """The log-rank test (Mantel 1966; Peto, Peto 1972, JRSS A 135:185), from counts at each time.

    Parameters
    ----------
    time, event
        Columns: how long a row was watched, from 0 on, and whether the event ended that (1) or not (0).
    group, levels
        Column of groups, and its levels that all sites agreed on.
    times
        The times at which risk is counted, agreed on by all sites; what is between two counts as the later one. Default:
        all times of events, for which every site is asked first: then these times leave it.
    min_count
        With fewer rows at risk in all groups together, times are left out.

    Examples
    --------
    >>> from cdt_federated.statistics import LogRank, run
    >>> here = {"days": [3, 5, 6, 7], "died": [1, 1, 1, 0], "arm": ["p", "p", "q", "q"]}
    >>> there = {"days": [4, 9, 11], "died": [1, 1, 0], "arm": ["p", "q", "q"]}
    >>> print(run(LogRank("days", "died", "arm", ("p", "q")), {"a": here, "b": there}))
    chi-square = 6.6237 with 1 degrees of freedom, p = 0.0101
    """

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.group is None:
            raise FederatedError("the log-rank test compares groups; name their column and its levels")

    def steps(self) -> Steps[LogRankFound]:
        """The times, if they are not agreed on; then counts."""
        from scipy import stats

        _, at_risk, events, left_out = yield from self.counted()
        some = at_risk.sum(axis=0) >= self.min_count
        risk, happened = at_risk[:, some], events[:, some]
        whole, all_events = risk.sum(axis=0), happened.sum(axis=0)
        shares = risk / whole
        expected = (shares * all_events).sum(axis=1)
        spread = all_events * (whole - all_events) / np.maximum(1, whole - 1)  # 0 of the last row alone
        covariance = np.diag((shares * spread).sum(axis=1)) - (shares * spread) @ shares.T
        observed = happened.sum(axis=1)
        present = risk.sum(axis=1) > 0
        freedom = int(present.sum()) - 1
        if freedom < 1 or not spread.sum() > 0:
            raise FederatedError("no time has an event with rows of two groups at risk; there is nothing to compare")
        difference = (observed - expected)[present][:-1]
        inner = covariance[np.ix_(present, present)][:-1, :-1]
        statistic = float(difference @ np.linalg.pinv(inner) @ difference)
        p_value = float(stats.chi2.sf(statistic, freedom))
        return LogRankFound(statistic, freedom, p_value, observed, expected, left_out)
