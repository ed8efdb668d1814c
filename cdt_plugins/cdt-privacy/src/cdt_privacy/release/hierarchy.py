"""Hierarchies as data: values below ever coarser nodes, level by level, up to one root."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from attrs import evolve, frozen
from numpy.typing import NDArray

from cdt_core.errors import PrivacyError
from cdt_privacy.release.coding import Coded
from cdt_privacy.release.text import interval_text

__all__ = ["ROOT", "Hierarchy", "default_hierarchy", "hierarchy_of", "in_tree_order"]

#: Text of the node above all values.
ROOT = "*"
#: Intervals that a default hierarchy of numbers begins with, about.
_FINEST = 32
#: What rounding may add to the quotient of two widths.
_ROUNDING = 1e-9
#: Intervals of the finest width between zero and the values, at most: their ends are texts of 12 digits.
_MOST_PLACES = 1e11


@frozen(eq=False)
class Hierarchy:
    """Levels of nodes above the codes of a column; level 0 is the values themselves, the last level one root.

    Parameters
    ----------
    nodes
        Node of each code at each level (levels, codes).
    labels
        Text of each node, level by level; ``None`` for level 0.
    losses
        Loss of each node, level by level: share of the column's domain that it covers, 0 for single values.
    """

    nodes: NDArray[np.int64]
    labels: tuple[tuple[str, ...] | None, ...]
    losses: tuple[NDArray[np.float64], ...]

    @property
    def height(self) -> int:
        """Number of levels."""
        return len(self.nodes)

    def common_levels(self, lows: NDArray[Any], highs: NDArray[Any]) -> NDArray[np.int64]:
        """Lowest level at which all codes from low to high have one node; codes in tree order (:func:`in_tree_order`)."""
        levels = np.full(len(lows), self.height - 1)
        for level in range(self.height - 2, -1, -1):
            levels[self.nodes[level][lows] == self.nodes[level][highs]] = level
        return levels


def hierarchy_of(column: Coded, given: Any) -> Hierarchy:
    """The hierarchy that a user gave for a column.

    Parameters
    ----------
    column
        The column, whose values all need a place.
    given
        ``{value: (parent, grandparent, ...)}`` or ``{value: parent}``; a DataFrame whose first column has the values and whose
        others ever coarser nodes; for numbers also widths of intervals, ``[5, 10, 20]``, each a multiple of the one before.

    Raises
    ------
    PrivacyError
        No tree: a node with two parents, values on different levels, a value of the column without a path; names them.
    """
    if isinstance(given, pd.DataFrame):
        return _of_paths(column, _paths_of_frame(column, given))
    if isinstance(given, Mapping):
        paths = {value: _path(path) for value, path in given.items()}
        return _of_paths(column, paths)
    if isinstance(given, Sequence) and not isinstance(given, str) and column.kind == "number":
        wrong = [width for width in given if isinstance(width, bool) or not isinstance(width, Real)]
        if wrong:
            raise PrivacyError(f"hierarchy of column {column.name!r}: width {wrong[0]!r} is no number")
        return _of_widths(column, [float(width) for width in given])
    raise PrivacyError(
        f"hierarchy of column {column.name!r}: give a dict of value to nodes, a DataFrame of levels, or widths of intervals "
        f"for a column of numbers; this is a {type(given).__name__} for a column of kind {column.kind!r}"
    )


def _paths_of_frame(column: Coded, given: pd.DataFrame) -> dict[Any, tuple[Any, ...]]:
    if given.shape[1] < 2 or given.iloc[:, 0].duplicated().any():
        raise PrivacyError(
            f"hierarchy of column {column.name!r}: the first column has each value once, at least one more its nodes"
        )
    return {row[0]: tuple(row[1:]) for row in given.itertuples(index=False)}


def _path(given: Any) -> tuple[Any, ...]:
    return tuple(given) if isinstance(given, Iterable) and not isinstance(given, str | bytes) else (given,)


def _named(where: str, path: tuple[Any, ...]) -> tuple[str, ...]:
    """Nodes by their texts, which are released: nodes of one text are one node."""
    missing = [node for node in path if node is None or node is pd.NA or node != node]
    if missing:
        raise PrivacyError(f"{where}: {missing[0]!r} is no node; give every value a text or a number on each level")
    return tuple(str(node) for node in path)


def _keys(column: Coded) -> list[Any]:
    """Values of a column as the keys of a dict have them."""
    if column.kind == "date":
        return list(pd.DatetimeIndex(column.values))
    return list(pd.TimedeltaIndex(column.values)) if column.kind == "duration" else column.values.tolist()


def _stamp(where: str, key: Any) -> pd.Timestamp:
    try:
        stamp = pd.Timestamp(key)
    except (TypeError, ValueError) as error:
        raise PrivacyError(f"{where}: {key!r} is no date") from error
    return stamp if stamp.tz is None else stamp.tz_convert(None)


def _of_paths(column: Coded, given: Mapping[Any, tuple[Any, ...]]) -> Hierarchy:
    where = f"hierarchy of column {column.name!r}"
    is_date = column.kind == "date"
    paths = {_stamp(where, value) if is_date else value: _named(where, path) for value, path in given.items()}
    lengths = {len(path) for path in paths.values()}
    if len(lengths) != 1 or 0 in lengths:
        raise PrivacyError(f"{where}: all values need the same number of nodes above them, not {sorted(lengths)}")
    values = _keys(column)
    absent = [value for value in values if value not in paths]
    if absent:
        raise PrivacyError(f"{where}: has no path for {absent[0]!r}, and {len(absent) - 1} more values of the column")
    _check_tree(where, paths)
    columns = list(zip(*(paths[value] for value in values), strict=True))
    leaves = [_leaf_counts(paths, level) for level in range(lengths.pop())]
    levels = [
        (list(nodes), [leaves[level][node] / len(paths) for node in nodes]) for level, nodes in enumerate(columns)
    ]
    return _built(column, levels)


def _leaf_counts(paths: Mapping[Any, tuple[Any, ...]], level: int) -> dict[Any, int]:
    counts: dict[Any, int] = {}
    for path in paths.values():
        counts[path[level]] = counts.get(path[level], 0) + 1
    return {node: count if count > 1 else 0 for node, count in counts.items()}


def _check_tree(where: str, paths: Mapping[Any, tuple[Any, ...]]) -> None:
    for level in range(len(next(iter(paths.values()))) - 1):
        parents: dict[Any, Any] = {}
        for path in paths.values():
            node, parent = path[level], path[level + 1]
            if parents.setdefault(node, parent) != parent:
                raise PrivacyError(
                    f"{where}: {node!r} of level {level + 1} is below both {parents[node]!r} and {parent!r}, which no tree has"
                )


def _of_widths(column: Coded, widths: list[float]) -> Hierarchy:
    where = f"hierarchy of column {column.name!r}"
    if not widths or not all(np.isfinite(width) and width > 0 for width in widths):
        raise PrivacyError(f"{where}: widths of intervals are positive numbers, not {widths}")
    for narrow, wide in pairwise(widths):
        if wide <= narrow or abs(wide / narrow - round(wide / narrow)) > _ROUNDING:
            raise PrivacyError(f"{where}: width {wide:g} is no multiple of {narrow:g}, so that intervals would overlap")
    values = column.values.astype(np.float64)
    most = float(np.abs(values).max()) if values.size else 0.0
    if most >= _MOST_PLACES * widths[0]:
        raise PrivacyError(
            f"{where}: width {widths[0]:g} is too small beside {most:g}: ends of intervals have 12 digits"
        )
    places = _places(values, widths[0])
    span = float(values[-1]) - float(values[0]) if values.size else 0.0
    levels = []
    for width in widths:
        times = round(width / widths[0])
        wider = (np.floor(places / times) * times).tolist()
        # In units of the finest, so that no end lies beside that of a finer interval.
        ends = ((_edge(place, widths[0]), _edge(place + times, widths[0])) for place in wider)
        texts = [interval_text(low, high, half_open=True) for low, high in ends]
        levels.append((texts, [min(1.0, width / span) if span else 0.0] * len(values)))
    return _built(column, levels)


def _edge(place: float, width: float) -> str:
    """Text of the lower end of an interval: without the digits that products of widths such as 0.1 have too many."""
    return f"{place * width + 0.0:.12g}"


def _places(values: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """Number of the interval of each value, by the ends as their texts say them."""
    places = np.floor(values / width)
    for number, value in enumerate(values.tolist()):
        if value < float(_edge(places[number], width)):
            places[number] -= 1
        elif value >= float(_edge(places[number] + 1, width)):
            places[number] += 1
    return places


def default_hierarchy(column: Coded) -> Hierarchy:
    """Without one of the user: numbers in intervals that double, dates in months and years, categories all below the root."""
    if column.kind == "number" and len(column.values) > 1:
        span = float(column.values[-1]) - float(column.values[0])
        # The root alone, where a width would not change a number of 12 digits: huge ones, or nearly equal ones.
        if not _ROUNDING * max(abs(float(column.values[0])), abs(float(column.values[-1]))) < span < np.inf:
            return _built(column, [])
        finest = 10.0 ** int(np.floor(np.log10(span / _FINEST)))
        return _of_widths(column, [finest * 2**n for n in range(9) if span / _FINEST / 2 <= finest * 2**n < span])
    if column.kind == "date":
        months, years = (column.values.astype(f"M8[{unit}]") for unit in "MY")
        span = max(float((column.values[-1] - column.values[0]) / np.timedelta64(1, "D")), 1.0) if len(years) else 1.0
        return _built(
            column,
            [
                ([str(m) for m in months], [min(1.0, 31 / span)] * len(months)),
                ([str(y) for y in years], [min(1.0, 366 / span)] * len(years)),
            ],
        )
    return _built(column, [])


def _built(column: Coded, levels: list[tuple[list[str], list[float]]]) -> Hierarchy:
    """With values below and the root above; missing values stay apart until the root."""
    nodes = [np.arange(column.size)]
    labels: list[tuple[str, ...] | None] = [None]
    losses = [np.zeros(column.size)]
    for texts, shares in levels:
        names = list(dict.fromkeys(texts))
        if len(names) == 1 and not column.has_missing and len(column.values) > 1:
            break  # a root of the user's own is the root
        numbers = {name: number for number, name in enumerate(names)}
        row = [numbers[text] for text in texts]
        loss = np.zeros(len(names) + column.has_missing)
        loss[row] = shares
        nodes.append(np.array(row + [len(names)] * column.has_missing))
        labels.append((*names, "missing") if column.has_missing else tuple(names))
        losses.append(loss)
    nodes.append(np.zeros(column.size, np.int64))
    labels.append((ROOT,))
    losses.append(np.ones(1))
    return Hierarchy(np.stack(nodes).astype(np.int64), tuple(labels), tuple(losses))


def in_tree_order(column: Coded, hierarchy: Hierarchy) -> tuple[Coded, Hierarchy]:
    """Both with codes renumbered so that the codes below any node are neighbours; missing values stay last."""
    known = len(column.values)
    order = np.lexsort(hierarchy.nodes[:, :known]) if known else np.zeros(0, np.intp)
    rank = np.empty(column.size, np.uint32)
    rank[order] = np.arange(known, dtype=np.uint32)
    rank[known:] = known
    places = np.concatenate([order, np.arange(known, column.size)])
    nodes = hierarchy.nodes[:, places]
    nodes[0] = np.arange(column.size)
    return evolve(column, codes=rank[column.codes], values=column.values[order]), evolve(hierarchy, nodes=nodes)
