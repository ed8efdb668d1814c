"""Weights as they come: whole numbers stay exact, all else becomes float64, and nothing is lost in silence."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import AnnealError

__all__ = ["LARGEST_TOTAL", "as_array", "check_total", "magnitude", "of_one_kind", "read_number", "read_weights"]

Array = NDArray[Any]

#: The sum of all absolute weights of an integer problem stays below this, so that no sum on the way to an energy wraps.
LARGEST_TOTAL = 2**62

#: The same for float64: twice an energy is still finite.
_LARGEST_FLOAT = 2.0**1020

#: All whole numbers up to this are float64, too.
_EXACT = 2**53


def read_weights(values: Any, name: Callable[[int], str]) -> Array:
    """Numbers of any kind as int64, where all are whole and (of floats) below 2**53, else as float64.

    Parameters
    ----------
    values
        Array-like: bool, integers, floats, or objects that are numbers.
    name
        What the number at a flat position is called where it is refused.

    Raises
    ------
    AnnealError
        NaN, infinity, masked or complex numbers, what is no number, and what neither int64 nor float64 can hold.
    """
    masked = _masked(values)
    if masked is not None:
        raise AnnealError(f"{name(masked)} is masked; fill it with a number, or with 0")
    try:
        array = as_array(values)
        if array.dtype.kind not in "biufO" and not hasattr(values, "dtype"):
            array = np.asarray(values, dtype=object)  # which of them is no number
    except (ValueError, TypeError) as error:
        raise AnnealError(f"{name(0)} and those after it are no array of numbers: {error}") from error
    if array.ndim > 1 and not hasattr(values, "dtype"):
        raise AnnealError(f"{name(0)} is {values[0]!r}; weights are integers or floats")
    if array.dtype.kind == "O":
        array = _of_objects(array, name)
    if array.dtype.kind in "bi":
        return array.astype(np.int64)
    if array.dtype.kind == "u":
        _refuse(array, array > np.iinfo(np.int64).max, name, "is beyond int64; divide all weights by a common factor")
        return array.astype(np.int64)
    if array.dtype.kind == "f":
        return _of_floats(array, name)
    raise AnnealError(f"{name(0)} is of dtype {array.dtype}; weights are integers or floats")


def as_array(values: Any) -> Array:
    """Like ``np.asarray``, but Python's integers that NumPy would round to float64 stay what they are, as objects."""
    array = np.asarray(values)
    if not hasattr(values, "dtype") and array.dtype == np.float64 and (np.abs(array) >= _EXACT).any():
        return np.asarray(values, dtype=object)
    return array


def read_number(value: Any, name: str) -> int | float:
    """One number, as :func:`read_weights` reads many."""
    array = read_weights(value, lambda _: name)
    if array.ndim:
        raise AnnealError(f"{name} has shape {array.shape}; it must be one number")
    number: int | float = array.item()
    return number


def of_one_kind(arrays: dict[str, Array]) -> list[Array]:
    """All int64, or all float64 where one is; refuses whole numbers that float64 would round.

    The keys name the arrays in errors.
    """
    if all(array.dtype.kind == "i" for array in arrays.values()):
        return list(arrays.values())
    for key, array in arrays.items():
        if array.dtype.kind == "i":
            _refuse(
                array,
                (array > _EXACT) | (array < -_EXACT),
                lambda k, key=key: f"number {k} of {key}",  # type: ignore[misc]
                "is beyond 2**53, which float64 may round, beside weights that are not whole",
            )
    return [array.astype(np.float64) for array in arrays.values()]


def magnitude(weights: Array) -> int | float:
    """Sum of the absolute values; exact for int64."""
    if weights.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return float(np.abs(weights).sum())
    absolute = np.abs(weights).astype(np.uint64)  # of int64's lowest number, too: its own negative, read as unsigned
    high, low = absolute >> np.uint64(32), absolute & np.uint64(2**32 - 1)
    return (int(high.sum()) << 32) + int(low.sum())


def check_total(total: int | float, what: str, times: int = 1) -> None:
    """Refuse weights whose energies a number could not hold.

    ``times`` is how often the total counts each weight.
    """
    if isinstance(total, int):
        if total >= times * LARGEST_TOTAL:
            raise AnnealError(
                f"{what} sum to {total / times:.6g} in absolute value; integer energies are exact below 2**62 "
                f"({LARGEST_TOTAL:.6g}): divide the weights by a common factor, or give them as floats"
            )
    elif not total < times * _LARGEST_FLOAT:
        raise AnnealError(
            f"{what} sum to {total / times:.6g} in absolute value, too much for energies in float64: scale them down"
        )


def _of_objects(array: Array, name: Callable[[int], str]) -> Array:
    """Python's integers as int64, anything else as float64."""
    flat = array.ravel()
    whole = [isinstance(value, int | np.integer) for value in flat]
    all_whole = all(whole)
    floats = np.empty(flat.size)
    for k, value in enumerate(flat):
        number = _float_of(value)
        if number is None:
            raise AnnealError(f"{name(k)} is {value!r}; weights are integers or floats")
        if all_whole and not -(2**63) <= value < 2**63:
            raise AnnealError(f"{name(k)} is {_shown(value)}, beyond int64; divide all weights by a common factor")
        if whole[k] and not all_whole and abs(value) > _EXACT and number != value:
            raise AnnealError(
                f"{name(k)} is {_shown(value)}, which float64 would round, beside weights that are not whole"
            )
        floats[k] = number
    return array.astype(np.int64) if all_whole else floats.reshape(array.shape)


def _masked(values: Any) -> int | None:
    """The flat position of the first masked number, of an array or a list, if there is one."""
    if np.ma.is_masked(values):
        return _first(np.ma.getmaskarray(values))
    if isinstance(values, list | tuple):
        return next((k for k, value in enumerate(values) if value is np.ma.masked), None)
    return None


def _float_of(value: Any) -> float | None:
    """The float nearest to a number; of what is none, none. Text is no number."""
    try:
        return None if isinstance(value, str | bytes) else float(value)
    except OverflowError:
        return np.inf
    except (TypeError, ValueError):
        return None


def _shown(value: int) -> str:
    """A long integer by its size."""
    return str(value) if abs(value) < 10**30 else f"{'-' if value < 0 else ''}1e{math.log10(abs(value)):.0f}"


def _of_floats(array: Array, name: Callable[[int], str]) -> Array:
    _refuse(array, ~np.isfinite(array), name, "must be a finite number")
    with np.errstate(over="ignore"):
        floats = array.astype(np.float64)
    if array.dtype.itemsize > floats.dtype.itemsize:
        _refuse(array, floats != array, name, "would be rounded to float64; round it yourself with astype(float)")
    if np.all(np.abs(floats) < _EXACT) and np.all(floats == np.floor(floats)):
        return floats.astype(np.int64)
    return floats


def _refuse(array: Array, wrong: Array, name: Callable[[int], str], why: str) -> None:
    if wrong.any():
        k = _first(wrong)
        raise AnnealError(f"{name(k)} is {array.ravel()[k]!s}: it {why}")


def _first(flags: Array) -> int:
    return int(np.argmax(flags.ravel()))
