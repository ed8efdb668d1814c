"""Times until an event: which times there are, and who is at risk at each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import FederatedError
from cdt_federated.statistics.rows import Missing, Rows, Table, numbers_of
from cdt_federated.statistics.summary import State, Steps, Sums

__all__ = ["EventTimes", "Grid", "GroupedTimes", "agreed_grid", "grid_of"]

Array = NDArray[np.float64]

#: Times of events that sites may tell of, so that no answer grows without end.
_MOST_TIMES = 1 << 20


def agreed_grid(times: Iterable[float] | None) -> Array | None:
    """Times that all sites agreed on, as an array."""
    if times is None:
        return None
    found = numbers_of(times, "agreed times")
    if not found.size or not np.isfinite(found).all() or found[0] < 0 or not (np.diff(found) > 0).all():
        raise FederatedError("agreed times must be finite numbers from 0 on that rise")
    return found


@attrs.frozen(eq=False)
class Grid:
    """The times at which risk is counted.

    Parameters
    ----------
    times
        Shape (times,), rising, in the unit of the column.
    is_agreed
        Whether they were agreed on: then a time between two of them counts as the later one, and what is after the last
        as censored then. Else they are all times of events.
    """

    times: Array
    is_agreed: bool

    def places(self, rows: Rows, time: str, event: str) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """For each row, the last place in :attr:`times` at which it is at risk (-1: at none), and whether it has an event."""
        until, happened = rows.positive(time), rows.truths(event) > 0
        if self.is_agreed:
            beyond = until > self.times[-1]
            at = np.searchsorted(self.times, until, side="left")
            return np.where(beyond, len(self.times) - 1, at).astype(np.intp), happened & ~beyond
        return np.searchsorted(self.times, until, side="right").astype(np.intp) - 1, happened


@attrs.frozen(eq=False)
class EventTimes:
    """A summary: the distinct times of events. These are values of rows; agree on times where they must not leave a site."""

    time: str
    event: str
    missing: Missing

    def start(self) -> State:
        """No times."""
        return {"rows": 0, "left_out": 0, "times": np.empty(0)}

    def update(self, state: State, table: Table) -> State:
        """Add a table's times."""
        rows = Rows.of(table, (self.time, self.event), self.missing)
        own = np.unique(rows.positive(self.time)[rows.truths(self.event) > 0])
        more = {"rows": rows.count, "left_out": rows.left_out, "times": own}
        return self.merge(state, more)

    def merge(self, left: State, right: State) -> State:
        """The times of both."""
        times = np.union1d(left["times"], right["times"])
        if len(times) > _MOST_TIMES:
            raise FederatedError(f"more than {_MOST_TIMES} different times of events; agree on a grid of times")
        return {"rows": left["rows"] + right["rows"], "left_out": left["left_out"] + right["left_out"], "times": times}


def grid_of(times: Array | None, time: str, event: str, missing: Missing) -> Steps[Grid]:
    """The agreed grid; else a question for all times of events.

    Raises
    ------
    FederatedError
        Nobody had an event.
    """
    if times is not None:
        return Grid(times, is_agreed=True)
    state = yield EventTimes(time, event, missing)
    if not len(state["times"]):
        raise FederatedError(f"no row of any site has an event in {event!r}; there is nothing to estimate")
    return Grid(state["times"], is_agreed=False)


@attrs.frozen(eq=False, kw_only=True)
class GroupedTimes(Sums):
    """At each time of a grid, by group: events, and rows that are at risk there for the last time."""

    time: str
    event: str
    grid: Grid
    group: str | None
    levels: tuple[Any, ...]

    whole: ClassVar[frozenset[str]] = frozenset({"events", "ends"})

    @property
    def columns(self) -> tuple[str, ...]:
        """Times, events, and the groups' column."""
        return (self.time, self.event, *(() if self.group is None else (self.group,)))

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """One number for each group and time."""
        return dict.fromkeys(("events", "ends"), (len(self.levels), len(self.grid.times)))

    def of(self, rows: Rows) -> Mapping[str, Array]:
        """Counts of rows."""
        places, happened = self.grid.places(rows, self.time, self.event)
        codes = np.zeros(rows.count, np.intp) if self.group is None else rows.codes(self.group, self.levels)
        shape = self.shapes["ends"]
        cells, here = codes * shape[1] + places, places >= 0
        return {
            name: np.bincount(cells[some], minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
            for name, some in (("ends", here), ("events", here & happened))
        }

    def at_risk(self, state: State) -> Array:
        """Rows at risk, shape (groups, times)."""
        return np.asarray(state["ends"][:, ::-1].cumsum(axis=1)[:, ::-1])
