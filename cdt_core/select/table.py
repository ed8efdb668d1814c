"""What users have as a table of features, read as blocks of rows: arrays, frames, lazy arrays, and streams of blocks."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import chain, pairwise
from typing import Any

import attrs
import numpy as np

from cdt_core.errors import SelectError
from cdt_core.select.block import Target, target_of
from cdt_core.select.column import read_column

__all__ = ["Table", "read_table"]

#: Values in a block that is cut from something larger: 64 MiB of float64.
_BLOCK_VALUES = 2**23

Pair = tuple[Any, Any]


@attrs.frozen(eq=False)
class Table:
    """Names of the features, what ``y`` is, and blocks ``(X, y)`` of rows; ``again`` where they can be read twice."""

    names: tuple[Hashable, ...]
    target: Target
    blocks: Callable[[], Iterator[Pair]]
    again: bool = True


def read_table(X: Any, y: Any) -> Table:  # noqa: N803 - the field's name
    """The table of what a user has; see :func:`cdt_core.select.select_features`.

    Raises
    ------
    SelectError
        What is no table, or has other rows than ``y``.
    """
    if hasattr(X, "data_vars"):
        X = _of_dataset(X)  # noqa: N806
    if hasattr(X, "partitions") and hasattr(X, "columns"):
        return _of_stream(_Partitions(X), y)
    if isinstance(X, list | tuple) and X and _is_row(X[0]):
        X = _of_rows(X)  # noqa: N806
    if not hasattr(X, "shape"):
        if not isinstance(X, Iterable) or isinstance(X, str | bytes | dict):
            raise SelectError(f"X is {type(X).__name__}; it must be a table (rows, features), or blocks of one")
        return _of_stream(X, y)
    if np.isnan(np.array(X.shape, np.float64)).any():
        raise SelectError("X has chunks of unknown sizes; compute_chunk_sizes() finds them")
    if len(X.shape) != 2 or 0 in X.shape:
        raise SelectError(f"X has shape {tuple(X.shape)}; it must be (rows, features), at least one of each")
    return _of_array(X, y)


def _is_row(first: Any) -> bool:
    """Whether what a list begins with is a row of numbers, not a block of rows or a pair."""
    if hasattr(first, "shape"):
        return len(first.shape) == 1
    return isinstance(first, list | tuple) and all(np.isscalar(value) for value in first)


def _of_rows(rows: Any) -> Any:
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        raise SelectError(f"X has rows of {min(lengths)} to {max(lengths)} values; all must have the same number")
    return np.array([list(row) for row in rows], object if _has_none(rows) else None)


def _has_none(rows: Any) -> bool:
    return any(value is None for row in rows for value in row)


def _of_array(X: Any, y: Any) -> Table:  # noqa: N803
    rows, target = int(X.shape[0]), target_of(y)
    if y is not None:
        if np.shape(y) != (rows,):
            raise SelectError(f"y has shape {np.shape(y)} for {rows} rows of X; it must be ({rows},)")
        _refuse_other_rows(X, y)
        y = read_column(y).values
    names = names_of(X)
    if hasattr(X, "dims"):
        X = X.data  # noqa: N806 - of xarray
    if hasattr(X, "tocsr"):
        X = X.tocsr()  # noqa: N806 - of scipy.sparse: its rows can be cut
    cuts = _cuts(X, rows)

    def blocks() -> Iterator[Pair]:
        for start, stop in pairwise(cuts):
            part = X.iloc[start:stop] if hasattr(X, "iloc") else X[start:stop]
            yield part, None if y is None else y[start:stop]

    return Table(names, target, blocks)


@attrs.frozen(eq=False)
class _Partitions:
    """A frame of dask as blocks, computed one by one, each time anew."""

    frame: Any

    def __iter__(self) -> Iterator[Any]:
        return (self.frame.partitions[number].compute() for number in range(self.frame.npartitions))


def _of_stream(stream: Iterable[Any], y: Any) -> Table:
    """Blocks ``X`` with rows of ``y`` in their order, or pairs ``(X, y)``; a list can be read twice, an iterator once."""
    target = target_of(y)
    y = None if y is None else read_column(y).values
    again = not isinstance(stream, Iterator)
    first = next(iter(stream), None)
    if first is None:
        raise SelectError("X has no blocks")
    block, own = _pair(first)
    if own is not None and y is not None:
        raise SelectError("X has blocks (X, y), and y is given, too; one of them must not be")
    given = iter(()) if again else iter([first])

    def blocks() -> Iterator[Pair]:
        row = 0
        for block in chain(given, stream):
            values, target = _pair(block)
            rows = len(values) if not hasattr(values, "shape") else values.shape[0]
            if y is not None:
                target = y[row : row + rows]
            row += rows
            yield values, target
        if y is not None and row != len(y):
            raise SelectError(f"y has {len(y)} rows, and the blocks of X {row}")

    return Table(names_of(block), target_of(own) if y is None else target, blocks, again)


def _pair(block: Any) -> Pair:
    if isinstance(block, tuple) and len(block) == 2 and np.ndim(block[1]) == 1 and np.ndim(block[0]) == 2:
        return block
    return block, None


def names_of(X: Any) -> tuple[Hashable, ...]:  # noqa: N803
    """Names of columns where they have some, else 0 .. n - 1."""
    if hasattr(X, "columns"):
        return tuple(X.columns)
    if hasattr(X, "dims") and hasattr(X, "coords"):
        axis = X.dims[1]
        if axis in X.coords:
            return tuple(X.coords[axis].values.tolist())
    return tuple(range(int(np.shape(X)[1])))


def _of_dataset(X: Any) -> Any:  # noqa: N803
    """A dataset of xarray, whose variables along one dimension are the features, as a frame of pandas."""
    dims = {variable.dims for variable in X.data_vars.values()}
    if len(dims) != 1 or len(next(iter(dims))) != 1:
        raise SelectError(f"the variables of X have the dimensions {sorted(dims)}; all must have the same single one")
    import pandas as pd

    return pd.DataFrame({name: variable.values for name, variable in X.data_vars.items()})


def _refuse_other_rows(X: Any, y: Any) -> None:  # noqa: N803
    """Frames are matched by position, not by index: two indexes that differ are a mistake."""
    left, right = getattr(X, "index", None), getattr(y, "index", None)
    if left is not None and hasattr(left, "equals") and hasattr(right, "equals") and not left.equals(right):
        raise SelectError("X and y have different indexes; align them first, y.loc[X.index]")


def _cuts(X: Any, rows: int) -> list[int]:  # noqa: N803
    """Rows where blocks begin, and the last one's end: at the chunks of what is chunked."""
    most = max(1, _BLOCK_VALUES // int(X.shape[1]))
    chunks = getattr(X, "chunks", None)
    if chunks:
        first = chunks[0]
        if not isinstance(first, int):
            return [0, *np.cumsum(first).tolist()]
        most = max(first, most // first * first)
    return [*range(0, rows, most), rows]
