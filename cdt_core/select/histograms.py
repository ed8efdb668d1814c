"""How features depend on each other and on a target, by counts of their values' bins: a mergeable summary."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Self

import attrs
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, xlogy

from cdt_core.errors import SelectError
from cdt_core.select.block import Missing, Target, read_rows, row
from cdt_core.select.dependence import Dependence
from cdt_core.select.moments import MomentSummary, State

__all__ = ["HistogramSummary"]

Array = NDArray[Any]
#: Rows whose bins are counted by one product of float32: counts stay exact below 2^24.
_ROWS = 2**16
_MOST_BINS = 32


@attrs.frozen(eq=False)
class HistogramSummary:
    """Counts of the bins of all pairs of features, and of features and target: for relevance and redundancy by mutual
    information.

    The same steps as :class:`MomentSummary`. States are counts: merging adds them, exactly, in any order, so that sites
    can sum them under secure aggregation. All sites need the same edges.

    Parameters
    ----------
    names
        Of the features.
    edges
        (n, b - 1) float64, rising: between the b bins of each feature; (n + 1, b - 1) with those of a target of numbers
        in the last row. :meth:`after` makes them.
    target, missing
        As of :class:`MomentSummary`.
    classes
        All that a target of classes has, in any order.

    Notes
    -----
    Mutual information in nats of the counts as they are: its bias, about (b - 1)^2 / (2 rows), is the same for all pairs
    and does not move the choice of k features. Memory: 16 (n b)^2 bytes.
    """

    names: tuple[Hashable, ...] = attrs.field(converter=row)
    edges: Array
    target: Target = "nothing"
    missing: Missing = "error"
    classes: tuple[Any, ...] = attrs.field(converter=row, default=())

    def __attrs_post_init__(self) -> None:
        MomentSummary(self.names, self.target, self.missing)
        height = len(self.names) + (self.target == "numbers")
        if self.edges.ndim != 2 or len(self.edges) != height or not 1 <= self.edges.shape[1] < _MOST_BINS:
            raise SelectError(
                f"edges have shape {self.edges.shape}; they must be ({height}, bins - 1) for 2 .. {_MOST_BINS} bins"
            )
        if not np.isfinite(self.edges).all() or (np.diff(self.edges, axis=1) < 0).any():
            raise SelectError("edges must be finite and rise along each row")
        if self.target == "classes" and len(set(self.classes)) < 2:
            raise SelectError(f"classes are {list(self.classes)}; a target of classes has two at least")

    @classmethod
    def after(cls, moments: MomentSummary, state: State, bins: int = 5) -> Self:
        """The summary whose bins hold equal shares of a normal law with the means and variances of a first pass."""
        if isinstance(bins, bool) or not isinstance(bins, int | np.integer) or not 2 <= bins <= _MOST_BINS:
            raise SelectError(f"bins is {bins!r}; it must be from 2 to {_MOST_BINS}")
        counts, means = state["counts"], state["means"]
        rows = max(int(counts.sum()), 1)
        centre = counts @ means / rows
        squares = np.diag(state["products"]) + counts @ (means - centre) ** 2
        steps = ndtri(np.arange(1, bins) / bins)
        edges = centre[:, None] + np.sqrt(squares / rows)[:, None] * steps
        return cls(
            moments.names,
            edges,
            moments.target,
            moments.missing,
            tuple(state["labels"]) if moments.target == "classes" else (),
        )

    @property
    def bins(self) -> int:
        """Bins of each feature."""
        return int(self.edges.shape[1]) + 1

    def start(self) -> State:
        """The state of no rows."""
        width = len(self.names) * self.bins
        return {
            "left_out": 0,
            "nonfinite": np.zeros(len(self.names), np.int64),
            "pairs": np.zeros((width, width), np.int64),
            "with_target": np.zeros((self._told, width), np.int64),
        }

    def update(self, state: State, block: Any, y: Any = None) -> State:
        """The state with a block (r, n) more, and ``y`` (r,) where there is a target."""
        rows = read_rows(block, y, self.names, self.target, self.missing)
        pairs, with_target = state["pairs"].copy(), state["with_target"].copy()
        for start in range(0, len(rows.values), _ROWS):
            part = slice(start, start + _ROWS)
            ones = self._ones(rows.values[part])
            pairs += (ones.T @ ones).astype(np.int64)
            if self._told:
                with_target += (self._target_ones(rows, part).T @ ones).astype(np.int64)
        return {
            "left_out": state["left_out"] + rows.left_out,
            "nonfinite": state["nonfinite"] + rows.nonfinite,
            "pairs": pairs,
            "with_target": with_target,
        }

    def merge(self, left: State, right: State) -> State:
        """The state of the rows of both; neither is changed."""
        return {name: left[name] + right[name] for name in left}

    def finish(self, state: State) -> Dependence:
        """Relevance and redundancy of the features whose values are in two bins at least and finite.

        Raises
        ------
        SelectError
            No rows, no such feature, or a target that is all in one bin or class.
        """
        n, b = len(self.names), self.bins
        alone = np.diag(state["pairs"]).reshape(n, b)
        rows = int(alone[0].sum())
        if rows < 2:
            raise SelectError(f"{rows} rows, {state['left_out']} left out; dependence needs 2 at least")
        kept = np.flatnonzero(((alone > 0).sum(axis=1) > 1) & (state["nonfinite"] == 0))
        if not kept.size:
            raise SelectError("no feature has values in two bins and is finite throughout")
        entropy = _entropy(alone[kept], rows)
        joint = state["pairs"].reshape(n, b, n, b)[kept][:, :, kept].transpose(0, 2, 1, 3)
        redundancy = np.maximum(
            entropy[:, None] + entropy - _entropy(joint.reshape(len(kept), len(kept), b * b), rows), 0
        )
        return Dependence(
            names=self.names,
            kept=kept,
            excluded={self.names[i]: self._reason(state, i) for i in np.setdiff1d(np.arange(n), kept)},
            rows=rows,
            target=self.target,
            measure="information",
            relevance=self._relevance(state, kept, entropy, redundancy, rows),
            redundancy=redundancy if self._told else redundancy / np.sqrt(np.outer(entropy, entropy)),
        )

    @property
    def _told(self) -> int:
        """Bins or classes of the target."""
        return {"nothing": 0, "numbers": self.bins, "classes": len(self.classes)}[self.target]

    def _relevance(self, state: State, kept: Array, entropy: Array, redundancy: Array, rows: int) -> Array:
        if not self._told:
            # What a feature tells of the others, as a share of what there is to tell.
            return np.asarray((redundancy / np.sqrt(np.outer(entropy, entropy))).mean(axis=0))
        counts = state["with_target"].reshape(self._told, len(self.names), self.bins)[:, kept].transpose(1, 0, 2)
        of_target = counts[0].sum(axis=1)
        if (of_target > 0).sum() < 2:
            raise SelectError("all of y is in one bin or class; nothing tells of it")
        joint = _entropy(counts.reshape(len(kept), -1), rows)
        return np.asarray(np.maximum(entropy + _entropy(of_target, rows) - joint, 0.0))

    def _ones(self, values: Array) -> Array:
        """(r, n b) float32: 1 in the bin that each value is in."""
        place = (values[:, :, None] > self.edges[: len(self.names)]).sum(axis=2)
        ones: Array = (place[:, :, None] == np.arange(self.bins)).astype(np.float32)
        return ones.reshape(len(values), -1)

    def _target_ones(self, rows: Any, part: slice) -> Array:
        if rows.labels is None:
            place = np.searchsorted(self.edges[-1], rows.numbers[part])
        else:
            number = {label: place for place, label in enumerate(self.classes)}
            strange = next((label for label in rows.labels[part] if label not in number), None)
            if strange is not None:
                raise SelectError(f"y has the class {strange!r}, which is not one of {list(self.classes)}")
            place = np.array([number[label] for label in rows.labels[part]])
        ones: Array = (place[:, None] == np.arange(self._told)).astype(np.float32)
        return ones

    def _reason(self, state: State, feature: int) -> str:
        if state["nonfinite"][feature]:
            return f"not finite in {state['nonfinite'][feature]} rows"
        return "all values in one bin"


def _entropy(counts: Array, rows: int) -> Array:
    """Of the last axis, in nats."""
    shares = counts / rows
    return np.asarray(-xlogy(shares, shares).sum(axis=-1))
