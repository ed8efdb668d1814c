"""Checks of classes on codes: equal rows, class sizes, diversity and closeness."""

from __future__ import annotations

from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from cdt_core.errors import PrivacyError
from cdt_core.kernels import _partition
from cdt_core.kernels.partition.demand import Demand
from cdt_core.kernels.partition.packing import checked_codes, packed

__all__ = ["ClassMeasures", "classes_of", "measure"]

_NUMBERING = "number the classes from 0 without gaps"


@frozen(eq=False)
class ClassMeasures:
    """Of each class: rows, distinct sensitive values, exp of their entropy, distance from the whole table.

    ``entropy_l`` and ``t`` are rounded to 12 decimals, below which their sums are rounding alone.
    """

    sizes: NDArray[np.int64]
    distinct: NDArray[np.int64]
    entropy_l: NDArray[np.float64]
    t: NDArray[np.float64]


def classes_of(codes: NDArray[Any]) -> NDArray[np.uint32]:
    """Class of each row of codes (rows, columns): rows are in one class when they are equal.

    Classes are numbered by their first rows. About 1 ms for 32,561 rows of 7 columns.

    Raises
    ------
    PrivacyError
        Codes are no table of integers from 0 on.

    Examples
    --------
    >>> classes_of(np.array([[5, 1], [5, 2], [5, 1]])).tolist()
    [0, 1, 0]
    """
    rows, _ = packed(checked_codes(codes))
    found, firsts = np.empty(len(rows), np.uint32), np.empty(len(rows), np.uint32)
    _partition.classes(rows, found, firsts)
    return found


def measure(classes: NDArray[Any], demand: Demand, count: int | None = None) -> ClassMeasures:
    """What classes keep of a sensitive column. About 0.3 ms for 32,561 rows.

    Parameters
    ----------
    classes
        Class of each row (rows,), from 0 on, each with a row.
    demand
        The sensitive column, and which distance ``t`` is; what it demands is not looked at.
    count
        Number of classes, where it is known.

    Raises
    ------
    PrivacyError
        Classes are no integers from 0 on, a class has no row, or rows are not those of the sensitive column.
    """
    given = np.asarray(classes)
    if given.shape != demand.codes.shape:
        raise PrivacyError(f"{given.shape} classes for {demand.codes.shape} sensitive codes; give one of each per row")
    number = _number_of(given, count)
    starts, order = _partition.by_class(np.ascontiguousarray(given, np.uint32), number)
    sizes = np.diff(starts).astype(np.int64)
    if not sizes.all():
        raise PrivacyError(f"class {int(np.argmin(sizes))} has no row; {_NUMBERING}")
    distinct, entropy, distance = _partition.measure(demand.compiled(), order, starts)
    entropy_l: NDArray[np.float64] = np.exp(entropy)
    return ClassMeasures(sizes, distinct, entropy_l.round(12), distance.round(12))


def _number_of(classes: NDArray[Any], count: int | None) -> int:
    """How many classes there are: never more than rows, so that nothing is allocated for numbers alone."""
    if classes.dtype.kind not in "iu":
        raise PrivacyError(f"classes are integers, these are {classes.dtype}; {_NUMBERING}")
    least, most = int(classes.min()), int(classes.max())
    if least < 0 or most >= len(classes):
        wrong = least if least < 0 else most
        raise PrivacyError(f"class {wrong} is not from 0 to below the number of rows, {len(classes)}; {_NUMBERING}")
    if count is not None and count != most + 1:
        raise PrivacyError(f"the last class is {most}, but count is {count}; {_NUMBERING}")
    return most + 1
