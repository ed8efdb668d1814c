"""What a tensor, its factors, ranks and tolerances must be."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.errors import TensorError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "checked_change",
    "checked_count",
    "checked_factor",
    "checked_factors",
    "checked_ranks",
    "checked_rtol",
    "checked_tensor",
    "must_be_finite",
]

#: Below this, squares of values that still matter may be lost.
_LEAST_ENERGY = 1e-270


def checked_tensor(x: Any) -> NDArray[Any]:
    """``x`` aligned and C-contiguous, of float32, float64, complex64 or complex128; with at least one axis and one number."""
    if isinstance(x, np.ma.MaskedArray):
        raise TensorError("a masked array: decompositions know no missing values; fill them first (x.filled(value))")
    try:
        array = np.asarray(x)
    except (TypeError, ValueError) as error:
        raise TensorError(f"{type(x).__name__} is no array of numbers: {error}") from error
    if array.dtype.kind not in "biufc":
        raise TensorError(f"a tensor of {array.dtype} has no numbers to decompose; convert it to float64 first")
    if not array.ndim or not array.size:
        raise TensorError(
            f"a tensor of shape {array.shape} has nothing to decompose; give at least one axis, and none of size 0"
        )
    wide = np.float64 if array.dtype.kind in "biu" else np.result_type(array.dtype, np.float32)
    narrow = {np.dtype(np.longdouble): np.float64, np.dtype(np.clongdouble): np.complex128}
    with np.errstate(over="ignore"):  # what double precision does not hold is infinite, and said to be
        return np.require(array, narrow.get(np.dtype(wide), wide), ["C", "A"])


def checked_factors(
    x: NDArray[Any], factors: Iterable[Any], mode: Any, keep: bool = False
) -> tuple[int, list[NDArray[Any]]]:
    """The mode counted from the start, and the factors in ``x``'s dtype; unless ``keep``, the mode's own becomes zeros."""
    given = list(factors)
    if not isinstance(mode, int | np.integer) or not -x.ndim <= mode < x.ndim:
        raise TensorError(f"a tensor of {x.ndim} axes has no mode {mode!r}; modes are 0 to {x.ndim - 1}")
    if len(given) != x.ndim:
        raise TensorError(f"{len(given)} factors do not fit a tensor of {x.ndim} axes; give one for each axis")
    axis = int(mode) % x.ndim
    first = next((f for k, f in enumerate(given) if k != axis), given[axis])
    rank = 1 if first is None or not np.ndim(first) else np.shape(first)[-1]
    used = []
    for k, factor in enumerate(given):
        array = np.zeros((x.shape[k], rank), x.dtype) if k == axis and not keep else checked_factor(factor, k, x.dtype)
        if array.shape != (x.shape[k], rank) or not rank:
            raise TensorError(
                f"factor {k} has the shape {array.shape}; a row for each of {x.shape[k]} places, and {rank} >= 1 columns fit"
            )
        used.append(array)
    return axis, used


def checked_factor(factor: Any, k: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """The factor of axis ``k``, aligned, C-contiguous and of ``dtype``; what that does not hold becomes infinite."""
    if isinstance(factor, np.ma.MaskedArray):
        raise TensorError(f"factor {k} is a masked array; fill what is missing first")
    array = np.asarray(factor)
    if factor is None or array.dtype.kind not in "biufc" or (array.dtype.kind == "c" and dtype.kind != "c"):
        kind = "None" if factor is None else f"of {array.dtype}"
        raise TensorError(f"factor {k} is {kind}, which does not fit a tensor of {dtype}; convert one of them first")
    with np.errstate(over="ignore"):
        return np.require(array, dtype, ["C", "A"])


def must_be_finite(x: NDArray[Any], energy: float) -> None:
    """Refuse NaN and infinities, of which ``energy``, the sum of squares, has taken notice; and what over- or underflows."""
    if math.isfinite(energy):
        if energy < _LEAST_ENERGY and x.any():
            raise TensorError("the squares of the tensor's values underflow; scale it up first")
        return
    bad = np.argwhere(~np.isfinite(x))
    if len(bad):
        place = tuple(int(i) for i in bad[0])
        raise TensorError(
            f"{len(bad)} values of the tensor are NaN or infinite, the first at {place}; fill or mask them first"
        )
    raise TensorError("the squares of the tensor's values overflow; scale it down first")


def checked_rtol(rtol: object, dtype: np.dtype[Any]) -> float:
    """A relative tolerance that numbers of ``dtype`` can hold: 4 epsilon <= rtol < 1."""
    least = 4 * float(np.finfo(dtype).eps)
    if not isinstance(rtol, int | float | np.floating | np.integer) or not least <= rtol < 1:
        raise TensorError(
            f"a relative tolerance of {rtol!r} cannot be kept in {dtype}; choose one from {least:.1e} to below 1"
        )
    return float(rtol)


def checked_count(value: object, what: str, least: int = 1) -> int:
    """A whole number, given as such or as a float without a fraction, of at least ``least``."""
    if (
        not isinstance(value, int | float | np.floating | np.integer)
        or not math.isfinite(value)
        or value != int(value)
        or value < least
    ):
        raise TensorError(f"{what} {value!r} cannot be; give a whole number >= {least}")
    return int(value)


def checked_change(tol: object) -> float:
    """A change of the error to wait for, at least 0."""
    if not isinstance(tol, int | float | np.floating | np.integer) or not tol >= 0:
        raise TensorError(f"a change of the error of {tol!r} cannot be waited for; give a number >= 0")
    return float(tol)


def checked_ranks(ranks: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """One rank >= 1 for each axis, at most its length."""
    try:
        given = (ranks,) * len(shape) if np.ndim(ranks) == 0 else tuple(ranks)
    except (TypeError, ValueError) as error:
        raise TensorError(f"the ranks {ranks!r} are none; give one whole number >= 1 for each axis") from error
    if len(given) != len(shape):
        raise TensorError(f"the ranks {given} do not fit {len(shape)} axes; give one whole number >= 1 for each axis")
    return tuple(min(checked_count(r, "a rank of"), n) for r, n in zip(given, shape, strict=True))
