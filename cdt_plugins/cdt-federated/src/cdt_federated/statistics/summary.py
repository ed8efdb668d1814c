"""What sites are asked: a mergeable summary of their rows. Most are sums, which secure sums can carry."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from typing import Any, ClassVar, Protocol, TypeVar

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import FederatedError
from cdt_federated.statistics.rows import Missing, Rows, Table

__all__ = ["Analysis", "State", "Steps", "Summary", "Sums"]

#: A tree of dict, list, numbers, bytes and NumPy arrays, as the states of the core's summaries.
State = dict[str, Any]
Found = TypeVar("Found", covariant=True)


class Summary(Protocol):
    """A question to every site: ``start() -> state``, ``update(state, table)``, ``merge(a, b)``."""

    def start(self) -> State:
        """The state of no rows."""

    def update(self, state: State, table: Table) -> State:
        """The state after more rows; may change and return the one that it is given."""

    def merge(self, left: State, right: State) -> State:
        """The state of the rows of both; may change ``left``."""


#: An analysis under way: yields summaries, is sent the merged state of each, and returns what was found.
Steps = Generator[Summary, State, Found]


class Analysis(Protocol[Found]):
    """What is wanted to know: as many questions as it takes, each asked by what the last answers were."""

    def steps(self) -> Steps[Found]:
        """The questions, as a generator that is sent the merged states."""


@attrs.frozen(eq=False, kw_only=True)
class Sums(ABC):
    """A summary whose state is sums over rows: sites may send it as one vector, and vectors may be added in secret.

    Parameters
    ----------
    missing
        ``"refuse"``: a missing value is an error at the site that has it. ``"drop"``: rows with one are left out and counted.
    """

    missing: Missing = "refuse"

    #: Names of sums that are counts, which are whole numbers again where a carrier rounded.
    whole: ClassVar[frozenset[str]] = frozenset()

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""

    @property
    @abstractmethod
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Name -> shape of each array of sums."""

    @abstractmethod
    def of(self, rows: Rows) -> Mapping[str, NDArray[np.float64]]:
        """The sums over some rows."""

    @property
    def may_miss(self) -> tuple[str, ...]:
        """Columns whose missing values the sums deal with themselves."""
        return ()

    @property
    def length(self) -> int:
        """Numbers of :meth:`vector`."""
        return 2 + sum(math.prod(shape) for shape in self.shapes.values())

    def start(self) -> State:
        """The state of no rows: zeros."""
        return {"rows": 0, "left_out": 0, **{name: np.zeros(shape) for name, shape in self.shapes.items()}}

    def update(self, state: State, table: Table) -> State:
        """Add the sums over a table's rows.

        Raises
        ------
        FederatedError
            A column is missing or holds what the analysis cannot take; names it and the row.
        """
        rows = Rows.of(table, self.columns, self.missing, may_miss=self.may_miss)
        state["rows"] += rows.count
        state["left_out"] += rows.left_out
        if rows.count:
            with np.errstate(all="ignore"):  # what is not finite is refused
                sums = self.of(rows)
            for name, shape in self.shapes.items():
                if np.shape(sums[name]) != shape:
                    raise FederatedError(
                        f"{name} of {type(self).__name__} has shape {np.shape(sums[name])}, not {shape}"
                    )
                if not np.isfinite(sums[name]).all():
                    raise FederatedError(
                        f"sums of {', '.join(self.columns)} are beyond float64; give the columns in larger units"
                    )
                state[name] = state[name] + sums[name]
        return state

    def merge(self, left: State, right: State) -> State:
        """Sums of both."""
        return {name: left[name] + right[name] for name in left}

    def vector(self, state: State) -> NDArray[np.float64]:
        """The state as one vector of shape (length,): the numbers of rows, then the sums in order."""
        parts = [np.array([state["rows"], state["left_out"]], np.float64)]
        return np.concatenate([*parts, *(np.ravel(state[name]) for name in self.shapes)])

    def from_vector(self, vector: NDArray[np.float64]) -> State:
        """The state that a vector, or a sum of several, stands for.

        Raises
        ------
        FederatedError
            It has another length, or is not finite.
        """
        if vector.shape != (self.length,) or not np.isfinite(vector).all():
            raise FederatedError(f"sums of shape {vector.shape}; {self.length} finite numbers are wanted")
        state: State = {"rows": round(float(vector[0])), "left_out": round(float(vector[1]))}
        at = 2
        for name, shape in self.shapes.items():
            count = math.prod(shape)
            sums = vector[at : at + count].reshape(shape).astype(np.float64)
            state[name] = np.rint(sums) if name in self.whole else sums
            at += count
        return state
