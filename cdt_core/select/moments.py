"""How features depend on each other and on a target, by means and products: a mergeable summary."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import SelectError
from cdt_core.select.block import Missing, Target, read_rows, row
from cdt_core.select.dependence import Dependence

__all__ = ["MomentSummary"]

Array = NDArray[Any]
State = dict[str, Any]
#: What varies by less than so many roundings of its largest value does not vary.
_ROUNDINGS = 16
#: Features whose pairs fit into memory: 5 GB for their products alone.
_MOST_FEATURES = 25_000


@attrs.frozen(eq=False)
class MomentSummary:
    """Counts, means and products of deviations of features, by class: for relevance and redundancy by correlation.

    ``start() -> state``, ``update(state, block, y)``, ``merge(a, b)``, ``finish(state) -> Dependence``. States are trees
    of numbers, lists and arrays (:mod:`cdt_core.model.state` writes them), of n^2 + c n numbers for n features and c
    classes; sites can exchange them instead of rows. Neither the order of blocks nor who saw them matters, but for
    rounding.

    Parameters
    ----------
    names
        Of the features.
    target
        What ``y`` has: ``"nothing"``, ``"numbers"`` or ``"classes"``.
    missing
        What becomes of values that are not finite: ``"error"``; ``"rows"`` leaves their rows out, ``"columns"`` their
        features (``finish`` says which).

    Notes
    -----
    Merging is by the pairwise formulas of Chan, Golub and LeVeque (1979). Memory: 16 n^2 bytes.

    Examples
    --------
    >>> summary = MomentSummary(("a", "b"), target="numbers")
    >>> here = summary.update(summary.start(), [[1.0, 2.0], [2.0, 1.0]], [1.0, 2.0])
    >>> there = summary.update(summary.start(), [[3.0, 1.0], [4.0, 2.0]], [3.0, 4.0])
    >>> summary.finish(summary.merge(here, there)).relevance.round(3)
    array([1., 0.])
    """

    names: tuple[Hashable, ...] = attrs.field(converter=row)
    target: Target = "nothing"
    missing: Missing = "error"

    def __attrs_post_init__(self) -> None:
        if not self.names or len(set(self.names)) != len(self.names):
            raise SelectError(f"{len(self.names)} features with {len(set(self.names))} names; each has one of its own")
        if len(self.names) > _MOST_FEATURES:
            raise SelectError(
                f"{len(self.names)} features; pairs of more than {_MOST_FEATURES} do not fit into memory. Leave out those "
                "that hardly vary, or select from parts of them first"
            )
        if self.target not in ("nothing", "numbers", "classes"):
            raise SelectError(f"target is {self.target!r}; it must be 'nothing', 'numbers' or 'classes'")
        if self.missing not in ("error", "rows", "columns"):
            raise SelectError(f"missing is {self.missing!r}; it must be 'error', 'rows' or 'columns'")

    def start(self) -> State:
        """The state of no rows."""
        width = len(self.names) + (self.target == "numbers")
        return {
            "left_out": 0,
            "nonfinite": np.zeros(len(self.names), np.int64),
            "low": np.full(width, np.inf),
            "high": np.full(width, -np.inf),
            "labels": [],
            "counts": np.zeros(0, np.int64),
            "means": np.zeros((0, width)),
            "products": np.zeros((width, width)),
        }

    def update(self, state: State, block: Any, y: Any = None) -> State:
        """The state with a block (r, n) more, and ``y`` (r,) where there is a target.

        Raises
        ------
        SelectError
            A block that does not fit, or values that are not finite where they are refused.
        """
        return self.merge(state, self._state_of(block, y))

    def merge(self, left: State, right: State) -> State:
        """The state of the rows of both; neither is changed."""
        labels = sorted({*left["labels"], *right["labels"]}, key=lambda label: (str(type(label)), label))
        (m, a), (n, b) = (_by_label(state, labels) for state in (left, right))
        total = m + n
        share = np.divide(n, total, out=np.zeros(len(labels)), where=total > 0)[:, None]
        shift = b - a
        with np.errstate(over="ignore", invalid="ignore"):
            between = shift.T @ (m[:, None] * share * shift)
        return {
            "left_out": left["left_out"] + right["left_out"],
            "nonfinite": left["nonfinite"] + right["nonfinite"],
            "low": np.minimum(left["low"], right["low"]),
            "high": np.maximum(left["high"], right["high"]),
            "labels": labels,
            "counts": total,
            "means": a + share * shift,
            "products": left["products"] + right["products"] + between,
        }

    def finish(self, state: State) -> Dependence:
        """Relevance and redundancy of the features that vary and are finite.

        Raises
        ------
        SelectError
            Fewer than two rows, one class, a target that does not vary, or no feature that does.
        """
        counts, means = state["counts"], state["means"]
        rows, n = int(counts.sum()), len(self.names)
        if rows < 2:
            raise SelectError(f"{rows} rows, {state['left_out']} left out; dependence needs 2 at least")
        if self.target == "classes" and len(state["labels"]) < 2:
            raise SelectError(f"y has the class {state['labels'][0]!r} alone; classes are two at least")
        shift = means - counts @ means / rows
        with np.errstate(over="ignore", invalid="ignore"):
            between = shift.T @ (counts[:, None] * shift)
            total = state["products"] + between
        varies = self._varies(state, np.diag(total), rows)
        kept = np.flatnonzero(varies[:n] & (state["nonfinite"] == 0))
        if self.target == "numbers" and not varies[n]:
            raise SelectError("y is constant, or too large for float64; nothing tells of it")
        if not kept.size:
            raise SelectError("no feature varies and is finite throughout")
        spread = np.sqrt(np.diag(total))
        correlation = np.clip(_scaled(total, kept, spread), -1.0, 1.0)
        if self.target == "numbers":
            with_target = total[kept, n] / (spread[kept] * spread[n])
            told = np.outer(with_target, with_target)
        elif self.target == "classes":
            told = _scaled(between, kept, spread)
        else:
            told = correlation @ correlation / kept.size
        return Dependence(
            names=self.names,
            kept=kept,
            excluded={self.names[i]: self._reason(state, i) for i in np.setdiff1d(np.arange(n), kept)},
            rows=rows,
            target=self.target,
            measure="correlation",
            relevance=np.diag(told).copy(),
            redundancy=correlation * told,
            correlation=correlation,
            told=told,
        )

    def _state_of(self, block: Any, y: Any) -> State:
        rows = read_rows(block, y, self.names, self.target, self.missing)
        values = rows.values if rows.numbers is None else np.column_stack([rows.values, rows.numbers])
        state = self.start() | {"left_out": rows.left_out, "nonfinite": rows.nonfinite}
        if not len(values):
            return state
        labels, place = _places(rows.labels, len(values))
        counts = np.bincount(place, minlength=len(labels))
        # Deviations from some row first: means of large numbers keep their digits.
        origin = values[0]
        members = np.zeros((len(labels), len(values)))
        members[place, np.arange(len(values))] = 1.0
        with np.errstate(over="ignore", invalid="ignore"):
            means = members @ (values - origin) / counts[:, None]
            deviations = (values - origin) - means[place]
            products = deviations.T @ deviations
        return state | {
            "low": values.min(axis=0),
            "high": values.max(axis=0),
            "labels": labels,
            "counts": counts,
            "means": means + origin,
            "products": products,
        }

    def _varies(self, state: State, squares: Array, rows: int) -> Array:
        """Whether each column varies by more than rounding, and its squares do not overflow."""
        largest = np.maximum(np.abs(state["low"]), np.abs(state["high"]))
        rounding = _ROUNDINGS * np.finfo(np.float64).eps * largest
        varies: Array = (state["high"] > state["low"]) & np.isfinite(squares) & (np.sqrt(squares / rows) > rounding)
        return varies

    def _reason(self, state: State, feature: int) -> str:
        if state["nonfinite"][feature]:
            return f"not finite in {state['nonfinite'][feature]} rows"
        if state["high"][feature] > state["low"][feature]:
            return "varies by no more than rounding, or beyond float64"
        return f"constant, {state['low'][feature]:g}"


def _scaled(products: Array, kept: Array, spread: Array) -> Array:
    """Products in units of the kept columns' spreads, exactly symmetric."""
    scaled = products[np.ix_(kept, kept)] / np.outer(spread[kept], spread[kept])
    return np.asarray((scaled + scaled.T) / 2)


def _places(labels: Sequence[Any] | None, rows: int) -> tuple[list[Any], Array]:
    """Distinct labels, and which one each row has; one that is empty text without labels."""
    if labels is None:
        return [""], np.zeros(rows, np.intp)
    distinct = sorted(set(labels), key=lambda label: (str(type(label)), label))
    number = {label: place for place, label in enumerate(distinct)}
    return distinct, np.array([number[label] for label in labels], np.intp)


def _by_label(state: State, labels: Sequence[Any]) -> tuple[Array, Array]:
    """Counts and means in the order of the labels; zeros for those that the state has not."""
    place = [labels.index(label) for label in state["labels"]]
    counts, means = np.zeros(len(labels), np.int64), np.zeros((len(labels), state["means"].shape[1]))
    counts[place], means[place] = state["counts"], state["means"]
    return counts, means
