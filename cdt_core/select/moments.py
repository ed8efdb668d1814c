"""How features depend on each other and on a target, by means and products: a mergeable summary."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import SelectError
from cdt_core.select.block import Missing, State, Target, read_rows, refuse_others, row
from cdt_core.select.dependence import Dependence, Kept

__all__ = ["MomentSummary"]

Array = NDArray[Any]
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
        refuse_others(left, right, ("nonfinite", "products"))
        labels = sorted({*left["labels"], *right["labels"]}, key=lambda label: (str(type(label)), label))
        (m, a), (n, b) = (_by_label(state, labels) for state in (left, right))
        total = m + n
        share = np.divide(n, total, out=np.zeros(len(labels)), where=total > 0)[:, None]
        with np.errstate(over="ignore", invalid="ignore"):
            shift = b - a
            between = shift.T @ (m[:, None] * share * shift)
            merged = a + share * shift
        return {
            "left_out": left["left_out"] + right["left_out"],
            "nonfinite": left["nonfinite"] + right["nonfinite"],
            "low": np.minimum(left["low"], right["low"]),
            "high": np.maximum(left["high"], right["high"]),
            "labels": labels,
            "counts": total,
            "means": merged,
            "products": left["products"] + right["products"] + between,
        }

    def finish(self, state: State) -> Dependence:
        """Relevance and redundancy of the features that vary and are finite.

        Raises
        ------
        SelectError
            Fewer than two rows, one class, fewer than two rows a class, a target that does not vary, or no feature that does.
        """
        counts, n = state["counts"], len(self.names)
        rows, (between, total, shift) = int(counts.sum()), self._spread(state)
        varies = self.varies(state)
        kept = Kept.of(self.names, state, rows, varies[:n], lambda place: self._why(state, place))
        if self.target == "classes":
            self._refuse_classes(state["labels"], rows)
        if self.target == "numbers" and not varies[n]:
            raise SelectError("y is constant, or too large for float64; nothing tells of it")
        spread = np.sqrt(np.where(varies, np.diag(total), 1.0))
        places = kept.places
        correlation = np.clip(_scaled(total, places, spread), -1.0, 1.0)
        if self.target == "numbers":
            with_target = total[places, n] / (spread[places] * spread[n])
            told = np.outer(with_target, with_target)
        elif self.target == "classes":
            told = _scaled(between, places, spread)
        else:
            told = correlation @ correlation / places.size
        return kept.dependence(
            self.target,
            "correlation",
            relevance=np.diag(told).copy(),
            redundancy=correlation * told,
            correlation=correlation,
            told=told,
            centres=shift[:, places] * (np.sqrt(rows) / spread[places]) if self.target == "classes" else None,
            counts=counts if self.target == "classes" else None,
        )

    def varies(self, state: State) -> Array:
        """Whether each feature, and a target of numbers, varies by more than rounding, and its squares do not overflow."""
        rows, squares = max(int(state["counts"].sum()), 1), np.diag(self._spread(state)[1])
        largest = np.maximum(np.abs(state["low"]), np.abs(state["high"]))
        rounding = _ROUNDINGS * np.finfo(np.float64).eps * largest
        varies: Array = (state["high"] > state["low"]) & np.isfinite(squares) & (np.sqrt(squares / rows) > rounding)
        return varies

    def _spread(self, state: State) -> tuple[Array, Array, Array]:
        """Products of deviations from the means of all rows, between classes and in all; and those of the classes' means."""
        counts, means = state["counts"], state["means"]
        with np.errstate(over="ignore", invalid="ignore"):
            shift = means - counts @ means / max(int(counts.sum()), 1)
            between = shift.T @ (counts[:, None] * shift)
            return between, state["products"] + between, shift

    def _refuse_classes(self, labels: Sequence[Any], rows: int) -> None:
        if len(labels) < 2:
            raise SelectError(f"y has the class {labels[0]!r} alone; classes are two at least")
        if 2 * len(labels) > rows:
            raise SelectError(
                f"y has {len(labels)} classes in {rows} rows; classes have two rows in the mean at least. If y has "
                "numbers, target='numbers' takes them as such"
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

    def _why(self, state: State, place: int) -> str:
        """Why a feature does not vary."""
        if state["high"][place] > state["low"][place]:
            return "varies by no more than rounding, or beyond float64"
        return f"constant, {state['low'][place]:g}"


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
