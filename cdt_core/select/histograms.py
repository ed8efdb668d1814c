"""How features depend on each other and on a target, by counts of their values' bins: a mergeable summary."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Self

import attrs
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, xlogy

from cdt_core.errors import SelectError
from cdt_core.select.block import Missing, State, Target, read_rows, refuse_others, row
from cdt_core.select.dependence import Dependence, Kept
from cdt_core.select.moments import MomentSummary

__all__ = ["HistogramSummary"]

Array = NDArray[Any]
#: Rows whose bins are counted by one product of float32: counts stay exact below 2^24.
_ROWS = 2**16
_MOST_BINS = 32
#: Bins of all features whose pairs fit into memory: 5 GB for their counts alone.
_MOST_PLACES = 25_000


def _numbers(edges: Any) -> Array:
    return np.asarray(edges, np.float64)


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
    edges: Array = attrs.field(converter=_numbers)
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
        if len(self.names) * self.bins > _MOST_PLACES:
            raise SelectError(
                f"{len(self.names)} features of {self.bins} bins; pairs of more than {_MOST_PLACES} bins do not fit into "
                "memory. Take fewer bins, leave features out, or measure='correlation'"
            )
        if self.target == "classes" and len(set(self.classes)) < 2:
            raise SelectError(f"classes are {list(self.classes)}; a target of classes has two at least")

    @classmethod
    def after(cls, moments: MomentSummary, state: State, bins: int = 5) -> Self:
        """The summary whose bins hold equal shares of a normal law with the means and variances of a first pass; what does
        not vary, or overflows, has all values in one bin.
        """
        if isinstance(bins, bool) or not isinstance(bins, int | np.integer) or not 2 <= bins <= _MOST_BINS:
            raise SelectError(f"bins is {bins!r}; it must be from 2 to {_MOST_BINS}")
        counts, means = state["counts"], state["means"]
        rows, varies = max(int(counts.sum()), 1), moments.varies(state)
        steps = ndtri(np.arange(1, bins) / bins)
        with np.errstate(over="ignore", invalid="ignore"):
            centre = counts @ means / rows
            squares = np.diag(state["products"]) + counts @ (means - centre) ** 2
            edges = centre[:, None] + np.sqrt(squares / rows)[:, None] * steps
        edges[~varies] = np.where(np.isfinite(state["high"]), state["high"], 0.0)[~varies, None]
        classes = tuple(state["labels"]) if moments.target == "classes" else ()
        return cls(moments.names, edges, moments.target, moments.missing, classes)

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
        refuse_others(left, right, ("nonfinite", "pairs", "with_target"))
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
        varies = (alone > 0).sum(axis=1) > 1
        kept = Kept.of(self.names, state, rows, varies, lambda _: "all values in one bin")
        places, m = kept.places, len(kept.places)
        entropy = _entropy(alone[places], rows)
        joint = state["pairs"].reshape(n, b, n, b)[places][:, :, places].transpose(0, 2, 1, 3)
        redundancy = np.maximum(entropy[:, None] + entropy - _entropy(joint.reshape(m, m, b * b), rows), 0)
        return kept.dependence(
            self.target,
            "information",
            relevance=self._relevance(state, places, entropy, redundancy, rows),
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


def _entropy(counts: Array, rows: int) -> Array:
    """Of the last axis, in nats."""
    shares = counts / rows
    return np.asarray(-xlogy(shares, shares).sum(axis=-1))
