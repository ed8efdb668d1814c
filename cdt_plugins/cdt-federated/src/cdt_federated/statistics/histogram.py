"""Histograms over edges that all sites agreed on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import FederatedError
from cdt_federated.statistics.rows import Missing, Rows, numbers_of
from cdt_federated.statistics.small import checked_count, few
from cdt_federated.statistics.summary import Steps, Sums

__all__ = ["Histogram", "HistogramFound"]


def _edges(edges: Iterable[float]) -> NDArray[np.float64]:
    found = numbers_of(edges, "edges")
    if found.ndim != 1 or len(found) < 2 or not np.isfinite(found).all() or not (np.diff(found) > 0).all():
        raise FederatedError(
            "edges of a histogram must be two or more finite numbers that rise; the sites agree on them"
        )
    return found


@attrs.frozen(eq=False, kw_only=True)
class BinCounts(Sums):
    """Values in each bin, and beyond the edges."""

    name: str
    edges: NDArray[np.float64] = attrs.field(converter=_edges)

    whole: ClassVar[frozenset[str]] = frozenset({"counts"})

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return (self.name,)

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Name -> shape of each array of sums."""
        return {"counts": (len(self.edges) + 1,)}

    def of(self, rows: Rows) -> Mapping[str, NDArray[np.float64]]:
        """The sums over some rows."""
        values = rows.numbers(self.name)
        bins = np.searchsorted(self.edges, values, side="right")
        bins[values == self.edges[-1]] = len(self.edges) - 1  # as NumPy: the last bin has both its edges
        return {"counts": np.bincount(bins, minlength=len(self.edges) + 1).astype(np.float64)}


@attrs.frozen(eq=False)
class HistogramFound:
    """Counts of all sites.

    Parameters
    ----------
    edges
        Shape (bins + 1,), in the column's unit.
    counts
        Shape (bins,); NaN where fewer than ``min_count`` were there and the count is held back.
    below, above
        Rows outside the edges; NaN as above.
    rows, left_out
        As for all analyses.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.float64]
    below: float
    above: float
    rows: int
    left_out: int

    def __str__(self) -> str:
        pairs = zip(self.edges, self.edges[1:], self.counts, strict=False)
        lines = [
            f"[{low:10.4g}, {high:10.4g})  {'few' if np.isnan(count) else int(count)}" for low, high, count in pairs
        ]
        return "\n".join([*lines, f"{self.rows} rows, {self.left_out} left out"])


@attrs.frozen(eq=False)
class Histogram:
    """How many values lie between agreed edges: bins are half open, the last one has both of its edges.

    Parameters
    ----------
    name
        The column.
    edges
        Rising finite numbers.
    min_count
        Bins that have fewer values, but more than none, are held back.

    Examples
    --------
    >>> from cdt_federated.statistics import Histogram, run
    >>> run(Histogram("age", [0, 40, 80]), {"a": {"age": [35, 41]}, "b": {"age": [80]}}).counts
    array([1., 2.])
    """

    name: str
    edges: NDArray[np.float64] = attrs.field(converter=_edges)
    min_count: int = attrs.field(default=1, kw_only=True, validator=checked_count)
    missing: Missing = attrs.field(default="refuse", kw_only=True)

    def steps(self) -> Steps[HistogramFound]:
        """One question."""
        state = yield BinCounts(name=self.name, edges=self.edges, missing=self.missing)
        counts = few(state["counts"], self.min_count)
        return HistogramFound(
            self.edges, counts[1:-1], float(counts[0]), float(counts[-1]), state["rows"], state["left_out"]
        )
