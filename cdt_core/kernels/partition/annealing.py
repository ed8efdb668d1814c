"""Partitions with less loss: rows move between classes, or change places, by simulated annealing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import PrivacyError
from cdt_core.kernels import _partition
from cdt_core.kernels.partition.checking import measure
from cdt_core.kernels.partition.demand import Demand, check_demands, check_k
from cdt_core.kernels.partition.packing import checked_codes, packed, places_of
from cdt_core.kernels.partition.partition import Partition

__all__ = ["MOST_SET_VALUES", "annealed"]

#: Values of a column whose sets are kept as bits.
MOST_SET_VALUES = 63
#: Orders of the rows in which partners are looked for, and how far away.
_ORDERS, _WINDOW = 8, 12
#: Temperatures in units of the loss of a row in a class: from there to there.
_HOT, _COLD = 0.15, 0.03
_ROUNDING = 1e-11


def annealed(  # noqa: PLR0913 -- all but four by name only
    codes: NDArray[Any],
    partition: Partition,
    k: int,
    demands: Sequence[Demand] = (),
    *,
    places: Sequence[NDArray[np.float64] | None] | None = None,
    sets: Mapping[int, int] | None = None,
    seed: int = 0,
    sweeps: int = 200,
) -> Partition:
    """A partition with at most the loss of one that is given, and the same demands kept.

    Simulated annealing (Kirkpatrick, Gelatt & Vecchi 1983): a row goes to the class of a row that is like it, or both change
    places. The loss is that of the NCP: rows of a class times the sum over columns of its range in ``places``, at most 1. About
    5 s for 32,561 rows of 7 columns. One seed, one result.

    Parameters
    ----------
    codes, k, demands, places
        As for :func:`~cdt_core.kernels.partition.mondrian`.
    partition
        Classes that keep k and the demands.
    sets
        Columns whose loss is the share of their values that a class holds, and how many values they have, at most 63; greater
        codes are missing values, which cost everything beside others.
    seed
        Of the draws.
    sweeps
        Proposals for each row.

    Raises
    ------
    PrivacyError
        Classes are not of these rows, smaller than k or do not keep a demand, or a set has too many values.

    Examples
    --------
    >>> from cdt_core.kernels.partition import mondrian
    >>> codes = np.random.default_rng(0).integers(0, 9, (300, 4))
    >>> before = mondrian(codes, k=5)
    >>> after = annealed(codes, before, k=5)
    >>> bool((after.highs - after.lows).sum() < (before.highs - before.lows).sum()), int(after.sizes.min())
    (True, 5)
    """
    table = checked_codes(codes)
    _check(len(table), partition, k, demands)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        raise PrivacyError(f"seed is {seed!r}; it is a whole number from 0 to below 2**63")
    if isinstance(sweeps, bool) or not isinstance(sweeps, int | np.integer) or sweeps < 1:
        raise PrivacyError(f"sweeps is {sweeps!r}; it is a whole number, at least 1")
    if len(table) < 2 or partition.count < 2:
        return partition
    classes = partition.classes.copy()
    compiled = tuple(one.compiled() for one in demands)
    window = min(_WINDOW, len(table) - 1)
    rest = (compiled, 2 * int(seed) + 1, window)
    lines, orders = _lines(table, places, dict(sets or {})), _orders(table, partition, seed)
    moves = _partition.Moves(classes, partition.count, k, lines, orders, rest)
    before = moves.loss
    _run(moves, len(table), sweeps)
    return _of_classes(table, classes, partition.count) if moves.loss < before else partition


def _check(rows: int, partition: Partition, k: int, demands: Sequence[Demand]) -> None:
    """Whether the partition keeps what its moves are to keep: they only look at classes that they change."""
    check_k(k)
    if len(partition.classes) != rows:
        raise PrivacyError(f"the partition is of {len(partition.classes)} rows, the table has {rows}")
    if partition.sizes.min() < k:
        raise PrivacyError(f"k is {k}, but class {int(partition.sizes.argmin())} has {int(partition.sizes.min())} rows")
    check_demands(rows, demands)
    for number, demand in enumerate(demands):
        found = measure(partition.classes, demand, partition.count)
        broken = found.distinct < (demand.l or 0)
        broken |= found.entropy_l < (demand.entropy_l or 0) - _ROUNDING
        broken |= found.t > (1 if demand.t is None else demand.t) + _ROUNDING
        if broken.any():
            raise PrivacyError(
                f"class {int(broken.argmax())} of the partition does not keep what is demanded of sensitive column {number}"
            )


def _run(moves: _partition.Moves, rows: int, sweeps: int) -> None:
    """From hot to cold by equal factors, a sweep at a time; then at rest until little is gained."""
    unit = moves.loss / rows
    for temperature in np.geomspace(_HOT * unit, _COLD * unit, sweeps) if unit else ():
        moves.run(rows, float(temperature))
    for _ in range(sweeps // 10):
        moves.run(rows, 0.0)


def _lines(
    table: NDArray[Any], places: Sequence[NDArray[np.float64] | None] | None, sets: dict[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64]]:
    """Places of the cells on lines, and the bits of those that are in sets."""
    line, first = places_of(packed(table)[1], places, len(table))
    if np.abs(line).max() > np.finfo(np.float32).max:
        raise PrivacyError("places are beyond single precision; let them go from 0 to 1 over their column")
    ranges = [column for column in range(table.shape[1]) if column not in sets]
    width = max(1, -(-len(ranges) // _partition.WIDTH)) * _partition.WIDTH
    cells = np.zeros((len(table), width), np.float32)
    for number, column in enumerate(ranges):
        cells[:, number] = line[int(first[column]) + table[:, column].astype(np.int64)]
    masks = np.zeros((len(table), len(sets)), np.uint64)
    for number, (column, values) in enumerate(sets.items()):
        if not isinstance(column, int | np.integer) or not 0 <= column < table.shape[1]:
            raise PrivacyError(f"there is a set for column {column!r}; the table has columns 0 to {table.shape[1] - 1}")
        if not isinstance(values, int | np.integer) or not 1 <= values <= MOST_SET_VALUES:
            raise PrivacyError(f"set of column {column} has {values!r} values; it may have 1 to {MOST_SET_VALUES}")
        masks[:, number] = np.uint64(1) << np.minimum(table[:, column], values).astype(np.uint64)
    counts = np.array(list(sets.values()), np.int64)
    return cells, masks, np.uint64(1) << counts.astype(np.uint64), counts


def _orders(table: NDArray[Any], partition: Partition, seed: int) -> NDArray[np.uint32]:
    """That of the partition, and by the columns, each once in a while the first."""
    rng = np.random.default_rng(seed)
    found = [partition.order]
    for number in range(_ORDERS - 1):
        columns = rng.permutation(table.shape[1])
        columns = np.roll(columns, -int(np.flatnonzero(columns == number % table.shape[1])[0]))
        found.append(np.lexsort(table[:, columns[::-1]].T).astype(np.uint32))
    return np.stack(found)


def _of_classes(table: NDArray[Any], classes: NDArray[np.uint32], count: int) -> Partition:
    starts, order = _partition.by_class(classes, count)
    at = starts[:-1].astype(np.intp)
    sorted_rows = table[order]
    return Partition(
        classes=classes,
        order=order,
        starts=starts,
        lows=np.minimum.reduceat(sorted_rows, at).astype(np.uint32),
        highs=np.maximum.reduceat(sorted_rows, at).astype(np.uint32),
    )
