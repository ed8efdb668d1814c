"""What a class releases of a column: an interval of its numbers, the set of its categories, or the node above them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from attrs import frozen
from numpy.typing import NDArray

from cdt_core.kernels.partition import Partition
from cdt_privacy.release.coding import Coded
from cdt_privacy.release.hierarchy import Hierarchy
from cdt_privacy.release.text import interval_text, or_missing, set_text, value_texts

__all__ = ["Generalised", "as_it_was", "at_level", "below_nodes", "in_intervals", "in_sets"]

#: Cells of a table of classes by values that is in memory at once.
_CELLS = 1 << 24


@frozen(eq=False)
class Generalised:
    """A released column.

    Parameters
    ----------
    texts
        Distinct released texts; ``None`` is a value that is missing and stays so.
    index
        Number of the text of each row (rows,).
    losses
        Loss of each row (rows,), from 0 (the value itself) to 1 (nothing is known).
    is_plain
        Every row has its own value.
    """

    texts: Sequence[str | None]
    index: NDArray[np.int64]
    losses: NDArray[np.float64]
    is_plain: bool

    def series(self, original: pd.Series, kept: NDArray[np.bool_] | None = None) -> pd.Series:
        """As a column of the released table, of the ``kept`` rows; its own values and dtype where nothing was generalised."""
        if self.is_plain:
            return _alike(as_it_was(original, kept))
        index = self.index if kept is None else self.index[kept]
        texts = pd.Series([*self.texts]).array  # what texts are differs between versions of pandas
        return pd.Series(texts.take(index), name=original.name)


def as_it_was(original: pd.Series, kept: NDArray[np.bool_] | None, is_scale: bool = False) -> pd.Series:
    """The ``kept`` rows of a column, without categories that only other rows have; those of a scale are known to all."""
    found = pd.Series(original.array if kept is None else original.array[kept], name=original.name)
    if kept is None or not isinstance(found.dtype, pd.CategoricalDtype) or (is_scale and found.cat.ordered):
        return found
    return found.cat.remove_unused_categories()


def _alike(column: pd.Series) -> pd.Series:
    """Values that are equal, and so in one class, as the same value: 1, 1.0 and True are told apart when written, and -0.0."""
    if column.dtype.kind == "f":
        return column + 0.0
    if column.dtype != object:
        return column
    codes, values = pd.factorize(column)
    ones = np.empty(len(values) + 1, object)
    ones[:-1] = values
    return pd.Series(ones[codes], name=column.name, dtype=object)


def in_intervals(column: Coded, part: Partition) -> Generalised:
    """Numbers, dates and durations of a class as the closed interval that holds them."""
    lows, highs, mixed = _ranges(column, part)
    pairs, index = np.unique(lows.astype(np.int64) * (column.size + 1) + highs, return_inverse=True)
    texts = value_texts(column.values, column.kind)
    of_pairs = [_interval(texts, *divmod(int(pair), column.size + 1)) for pair in pairs]
    places = column.places
    losses = np.minimum(1.0, places[highs] - places[lows]) if column.size else np.zeros(len(lows))
    return _of_classes(part, _with_missing(of_pairs, index, mixed), np.where(mixed, 1.0, losses))


def _ranges(column: Coded, part: Partition) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Least and greatest code of each class in order, missing ones apart; and which classes mix them with values."""
    missing = len(column.values)
    starts = part.starts[:-1].astype(np.intp)
    codes = column.codes[part.order].astype(np.int64)
    lows, highs = np.minimum.reduceat(codes, starts), np.maximum.reduceat(codes, starts)
    mixed = (highs == missing) & (lows < missing)
    if mixed.any():
        highs = np.where(mixed, np.maximum.reduceat(np.where(codes == missing, -1, codes), starts), highs)
    return lows, highs, mixed


def _interval(texts: list[str], low: int, high: int) -> str | None:
    if low == len(texts):
        return None
    return texts[low] if low == high else interval_text(texts[low], texts[high])


def _with_missing(
    texts: list[str | None], index: NDArray[Any], mixed: NDArray[np.bool_]
) -> tuple[list[str | None], NDArray[Any]]:
    """Texts, and those of classes that mix values with missing ones behind them."""
    if not mixed.any():
        return texts, index
    more: list[str | None] = [None if text is None else or_missing(text) for text in texts]
    return texts + more, np.where(mixed, index + len(texts), index)


def _of_classes(
    part: Partition, labels: tuple[Sequence[str | None], NDArray[Any]], losses: NDArray[np.float64]
) -> Generalised:
    texts, index = labels
    return Generalised(texts, index[part.classes], losses[part.classes], not losses.any())


def in_sets(column: Coded, part: Partition) -> Generalised:
    """Categories of a class as the set of those that occur; loss card / categories (Xu et al. 2006), 0 for a single one."""
    texts = value_texts(column.values, column.kind)
    made: dict[str | None, int] = {}
    index, losses = np.empty(part.count, np.int64), np.empty(part.count)
    starts = part.starts.astype(np.intp)
    codes = column.codes[part.order]
    some = max(1, _CELLS // column.size)
    for first in range(0, part.count, some):
        last = min(first + some, part.count)
        held = np.zeros((last - first, column.size), bool)
        held[
            np.repeat(np.arange(last - first), np.diff(starts[first : last + 1])), codes[starts[first] : starts[last]]
        ] = True
        losses[first:last] = _set_losses(held, len(texts))
        firsts, numbers = _distinct(held)
        of_texts = [made.setdefault(_set(texts, held[place]), len(made)) for place in firsts]
        index[first:last] = np.array(of_texts)[numbers]
    return _of_classes(part, (list(made), index), losses)


def _distinct(held: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First row of each distinct row, and the number of each row's."""
    packed = np.packbits(held, axis=1)
    words = np.pad(packed, ((0, 0), (0, -packed.shape[1] % 8))).view(np.uint64)
    _, firsts, numbers = np.unique(
        words.ravel() if words.shape[1] == 1 else words,
        axis=None if words.shape[1] == 1 else 0,
        return_index=True,
        return_inverse=True,
    )
    return firsts, numbers.ravel()


def _set_losses(held: NDArray[np.bool_], known: int) -> NDArray[np.float64]:
    count = held[:, :known].sum(1)
    loss = np.where(count > 1, count / max(known, 1), 0.0)
    if held.shape[1] > known:
        loss = np.where(held[:, known] & (count > 0), 1.0, loss)
    return loss


def _set(texts: list[str], held: NDArray[np.bool_]) -> str | None:
    known = len(texts)
    found = [texts[number] for number in np.flatnonzero(held[:known]).tolist()]
    if not found:
        return None
    text = found[0] if len(found) == 1 else set_text(found)
    return or_missing(text) if held[known:].any() else text


def below_nodes(column: Coded, hierarchy: Hierarchy, part: Partition) -> Generalised:
    """Values of a class as the lowest node above all of them; column and hierarchy in tree order."""
    codes, starts = column.codes[part.order], part.starts[:-1].astype(np.intp)
    lows, highs = np.minimum.reduceat(codes, starts), np.maximum.reduceat(codes, starts)
    levels = hierarchy.common_levels(lows, highs)
    nodes = hierarchy.nodes[levels, lows]
    keys, index = np.unique(levels * (column.size + 1) + nodes, return_inverse=True)
    texts = value_texts(column.values, column.kind)
    labels = [_node(hierarchy, texts, *divmod(int(key), column.size + 1)) for key in keys]
    losses = np.array([hierarchy.losses[level][node] for level, node in zip(levels, nodes, strict=True)])
    return _of_classes(part, (labels, index), losses)


def _node(hierarchy: Hierarchy, texts: list[str], level: int, node: int) -> str | None:
    names = hierarchy.labels[level]
    if names is not None:
        return names[node]
    return texts[node] if node < len(texts) else None


def at_level(column: Coded, hierarchy: Hierarchy, level: int) -> Generalised:
    """All values of a column at one level of its hierarchy."""
    nodes = hierarchy.nodes[level][column.codes]
    count = len(hierarchy.losses[level])
    texts = value_texts(column.values, column.kind)
    labels = [_node(hierarchy, texts, level, node) for node in range(count)]
    return Generalised(labels, nodes, hierarchy.losses[level][nodes], level == 0)
