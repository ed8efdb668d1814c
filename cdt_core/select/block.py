"""A block of rows, checked: values of the features, and what they are to tell of."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Literal

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import SelectError
from cdt_core.select.column import Column, read_column

__all__ = ["Missing", "Rows", "State", "Target", "read_rows", "refuse_others", "row", "target_of", "values_of"]

Array = NDArray[Any]
#: Of a summary: a tree of numbers, lists and arrays.
State = dict[str, Any]
#: What ``y`` is: nothing, numbers, or classes.
Target = Literal["nothing", "numbers", "classes"]
#: What becomes of values that are NaN or infinite: an error, their rows are left out, or their features are.
Missing = Literal["error", "rows", "columns"]


@attrs.frozen(eq=False)
class Rows:
    """Rows that count, and what was left out.

    ``values`` (r, n) float64, all finite (0 in place of what is not, where ``nonfinite`` (n,) counts such); ``numbers``
    (r,) float64 or ``labels``, r of them, by the target; ``left_out`` rows are not among them.
    """

    values: Array
    numbers: Array | None
    labels: list[Any] | None
    nonfinite: Array
    left_out: int


def row(names: Iterable[Hashable]) -> tuple[Hashable, ...]:
    """Names as a tuple: a converter of types."""
    return tuple(names)


def refuse_others(left: State, right: State, fields: Iterable[str]) -> None:
    """Refuse to merge states whose arrays have other shapes: they are of other features, bins or targets."""
    for field in fields:
        if np.shape(left[field]) != np.shape(right[field]):
            raise SelectError(
                f"states of other features, bins or targets cannot be merged: {field!r} has the shapes "
                f"{np.shape(left[field])} and {np.shape(right[field])}"
            )


def target_of(y: Any) -> Target:
    """Nothing without a ``y``; floats are numbers; integers, booleans, text and categories are classes."""
    if y is None:
        return "nothing"
    return "numbers" if read_column(y).kind == "floats" else "classes"


def values_of(block: Any, names: Sequence[Hashable]) -> Array:
    """The features of a block as float64 (r, n).

    Raises
    ------
    SelectError
        Another number of columns or other names, or a column that has no real numbers.
    """
    if hasattr(block, "tocsr"):
        block = block.toarray()
    columns = getattr(block, "columns", None)
    if columns is not None and list(columns) != list(names):
        raise SelectError(f"a block has the columns {list(columns)[:5]}..., not {list(names)[:5]}...")
    if np.ma.isMaskedArray(block):
        block = np.ma.filled(block.astype(np.float64), np.nan)
    array = np.asarray(block)
    if array.ndim != 2 or array.shape[1] != len(names):
        raise SelectError(f"a block has shape {array.shape}; it must be (rows, {len(names)} features)")
    if array.dtype.kind not in "biuf":
        return _numbers(block, array, names)
    with np.errstate(over="ignore"):
        return array.astype(np.float64)


def _numbers(block: Any, array: Array, names: Sequence[Hashable]) -> Array:
    """Columns of other types, one by one, so that the one that has no numbers is named."""
    found = np.empty(array.shape)
    for place, name in enumerate(names):
        column = read_column(block.iloc[:, place] if hasattr(block, "iloc") else array[:, place])
        try:
            if column.kind == "dates":
                raise TypeError("dates")
            found[:, place] = column.numbers()
        except (TypeError, ValueError, OverflowError) as error:
            raise SelectError(f"feature {name!r} has no real numbers ({error}); leave it out or encode it") from error
    return found


def read_rows(block: Any, y: Any, names: Sequence[Hashable], target: Target, missing: Missing) -> Rows:
    """A block's rows, without those that ``missing`` leaves out.

    Raises
    ------
    SelectError
        A block or ``y`` that does not fit, or values that are not finite where ``missing`` is ``"error"``; names the
        feature and the row.
    """
    values = values_of(block, names)
    given, known = _read_target(y, len(values), target)
    finite = np.isfinite(values)
    if missing == "error":
        _refuse(finite, known, values, names)
    kept = known if missing != "rows" else known & finite.all(axis=1)
    if missing == "columns" and not known.all():
        raise SelectError(
            f"y has no value in row {int(np.argmin(known))} of a block; missing='rows' leaves such rows out"
        )
    finite = finite[kept]
    return Rows(
        values=np.where(finite, values[kept], 0.0),
        numbers=given[kept] if target == "numbers" else None,
        labels=[_plain(label) for label in given[kept]] if target == "classes" else None,
        nonfinite=(~finite).sum(axis=0),
        left_out=int(len(kept) - kept.sum()),
    )


def _read_target(y: Any, rows: int, target: Target) -> tuple[Array, Array]:
    """``y`` as an array, and where it has a value."""
    if target == "nothing":
        if y is not None:
            raise SelectError("y is given to a summary whose target is 'nothing'")
        return np.zeros(rows), np.ones(rows, bool)
    column = read_column(y)
    if column.values.shape != (rows,):
        raise SelectError(f"y has shape {column.values.shape} for {rows} rows of X; it must be ({rows},)")
    if target == "numbers":
        numbers = _target_numbers(column)
        return numbers, np.isfinite(numbers)
    return column.values, ~column.missing


def _target_numbers(column: Column) -> Array:
    if column.kind == "dates" or (column.kind == "names" and column.values.dtype.kind != "b"):
        raise SelectError(
            f"y has dtype {column.values.dtype} and is no number throughout; target='classes' takes it as names"
        )
    return column.numbers()


def _refuse(finite: Array, known: Array, values: Array, names: Sequence[Hashable]) -> None:
    if not finite.all():
        row, column = np.unravel_index(np.argmin(finite), finite.shape)
        raise SelectError(
            f"feature {names[int(column)]!r} is {values[row, column]} in row {row} of a block, and not finite in "
            f"{int((~finite[:, column]).sum())} rows; missing='rows' leaves rows out, missing='columns' features"
        )
    if not known.all():
        raise SelectError(
            f"y has no value in row {int(np.argmin(known))} of a block; missing='rows' leaves such rows out"
        )


def _plain(label: Any) -> Any:
    """A label as plain Python has it, so that states can be written as JSON."""
    plain = label.item() if isinstance(label, np.generic) else label
    if not isinstance(plain, str | int | float | bool):
        raise SelectError(f"y has the class {label!r} of type {type(label).__name__}; classes are text or numbers")
    return plain
