"""Rows of a site's table, as analyses see them: columns by name, missing values settled, everything else refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from numbers import Real
from typing import Any, Literal

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cdt_core.errors import FederatedError

__all__ = ["Missing", "Rows", "Table", "numbers_of"]

#: Columns by name: a mapping of arrays of one length, or a pandas DataFrame. A column may have several values in a row.
Table = Mapping[str, ArrayLike]
#: What becomes of rows in which a column that is used has no value.
Missing = Literal["refuse", "drop"]


def numbers_of(values: Iterable[float], what: str) -> NDArray[np.float64]:
    """Numbers that an analysis is told, as an array.

    Raises
    ------
    FederatedError
        They are no numbers; begins with ``what`` they are.
    """
    try:
        return np.array(tuple(values), np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise FederatedError(f"{what} are {values!r}; give numbers") from error


@attrs.frozen(eq=False)
class Rows:
    """The columns that an analysis uses, of the rows in which all of them have a value.

    Parameters
    ----------
    columns
        Name -> array of shape (count,) or (count, values).
    count, left_out
        Rows that are here, and that were left out for a missing value.
    """

    columns: Mapping[str, NDArray[Any]]
    count: int
    left_out: int = 0

    @classmethod
    def of(cls, table: Table, names: Sequence[str], missing: Missing, *, may_miss: Sequence[str] = ()) -> Rows:
        """Take the columns that are named from a table; those of ``may_miss`` keep what is missing as NaN.

        Raises
        ------
        FederatedError
            A column is not there, or has another length; a value is missing where that is refused.
        """
        if missing not in ("refuse", "drop"):
            raise FederatedError(f"missing is {missing!r}; it must be 'refuse' or 'drop'")
        columns = {name: _column(table, name) for name in dict.fromkeys(names)}
        lengths = {name: len(column) for name, column in columns.items()}
        count = max(lengths.values(), default=0)
        for name, length in lengths.items():
            if length != count:
                raise FederatedError(
                    f"column {name!r} has {length} rows, another one {count}; give columns of one table"
                )
        gone = np.zeros(count, bool)
        for name, column in columns.items():
            if name not in may_miss:
                without = _missing(column)
                _refuse_missing(name, without, missing)
                gone |= without
        if not gone.any():
            return cls(columns, count)
        kept = ~gone
        return cls({name: column[kept] for name, column in columns.items()}, int(kept.sum()), int(gone.sum()))

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A column as float64.

        Raises
        ------
        FederatedError
            It holds something else, or an infinite value.
        """
        column = self.single(name)
        if column.dtype.kind not in "iufb" and not _is_of_numbers(column):
            raise FederatedError(
                f"column {name!r} holds {column.dtype}, not numbers; convert it, or name its categories"
            )
        with np.errstate(over="ignore"):  # of longer floats: infinite is refused
            found = _as_float64(name, column)
        if np.isinf(found).any():
            raise FederatedError(
                f"column {name!r} is infinite in row {int(np.argwhere(np.isinf(found))[0, 0])}; correct it"
            )
        return found

    def matrix(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Columns side by side, shape (count, len(names))."""
        return np.column_stack([self.numbers(name) for name in names]) if names else np.empty((self.count, 0))

    def truths(self, name: str) -> NDArray[np.float64]:
        """A column of 0 and 1."""
        found = self.numbers(name)
        if not np.isin(found, (0.0, 1.0)).all():
            raise FederatedError(f"column {name!r} has values other than 0 and 1; code the outcome so")
        return found

    def positive(self, name: str) -> NDArray[np.float64]:
        """A column of numbers >= 0, such as weights, counts or times."""
        found = self.numbers(name)
        if (found < 0).any():
            raise FederatedError(
                f"column {name!r} is negative in row {int(np.argmax(found < 0))}; it must be 0 or more"
            )
        return found

    def codes(self, name: str, levels: Sequence[Any]) -> NDArray[np.intp]:
        """For each row, which of ``levels`` it has.

        Raises
        ------
        FederatedError
            A row has none of them: all sites must agree on the levels before anybody counts.
        """
        column = self.single(name)
        if column.dtype.kind in "cmM":
            raise FederatedError(f"column {name!r} holds {column.dtype}, which has no levels; convert it to text")
        places = {level: place for place, level in enumerate(levels)}
        try:
            found = np.array([places.get(value, -1) for value in column.tolist()], np.intp)
        except TypeError as error:
            raise FederatedError(f"column {name!r} holds values that can be no levels: {error}") from error
        if (found < 0).any():
            row = int(np.argmax(found < 0))
            raise FederatedError(
                f"column {name!r} has {column.tolist()[row]!r} in row {row}, which is none of the agreed levels; "
                "agree on all levels that any site has"
            )
        return found

    def single(self, name: str) -> NDArray[Any]:
        """A column of one value in each row."""
        column = self.columns[name]
        if column.ndim != 1:
            raise FederatedError(
                f"column {name!r} has {column.shape[1]} values in each row; give one, under a name that no other column has"
            )
        return column


def _is_of_numbers(column: NDArray[Any]) -> bool:
    """Whether a column of objects, as one with missing values becomes, holds nothing but numbers."""
    return column.dtype.kind == "O" and all(isinstance(value, Real | Decimal | np.bool_) for value in column)


def _as_float64(name: str, column: NDArray[Any]) -> NDArray[np.float64]:
    try:
        return column.astype(np.float64)
    except OverflowError as error:
        raise FederatedError(f"column {name!r} has a number beyond float64; correct it") from error


def _column(table: Table, name: str) -> NDArray[Any]:
    try:
        column = np.asarray(table[name])
    except KeyError:
        known = ", ".join(map(repr, list(table)[:12]))
        raise FederatedError(f"there is no column {name!r}; the table has {known}") from None
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise FederatedError(f"column {name!r} cannot be read as an array: {error}; give columns by name") from error
    if column.ndim not in (1, 2):
        raise FederatedError(
            f"column {name!r} has shape {column.shape}; give one row of values for each row of the table"
        )
    return column


def _missing(column: NDArray[Any]) -> NDArray[np.bool_]:
    """Rows without a value: NaN, NaT or None."""
    if column.dtype.kind in "fcmM":
        without = column != column
    elif column.dtype.kind == "O":
        without = np.frompyfunc(_is_missing, 1, 1)(column).astype(bool)
    else:
        return np.zeros(len(column), bool)
    rows: NDArray[np.bool_] = without.any(axis=1) if without.ndim == 2 else without
    return rows


def _is_missing(value: Any) -> bool:
    try:
        return value is None or bool(value != value)
    except TypeError:  # pandas' NA is neither equal to itself nor not
        return True
    except ValueError:  # an array is no missing value
        return False


def _refuse_missing(name: str, without: NDArray[np.bool_], missing: Missing) -> None:
    if missing == "refuse" and without.any():
        raise FederatedError(
            f"column {name!r} has no value in {int(without.sum())} rows, the first is {int(np.argmax(without))}; "
            "fill them, or leave such rows out (missing='drop')"
        )
