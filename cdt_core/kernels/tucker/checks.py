"""What a tensor, its factors, ranks and tolerances must be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.errors import TensorError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["checked_factors", "checked_ranks", "checked_rtol", "checked_tensor", "must_be_finite"]

#: Below this, squares of values that still matter may be lost.
_LEAST_ENERGY = 1e-270


def checked_tensor(x: Any) -> NDArray[Any]:
    """``x`` aligned and C-contiguous, of float32, float64, complex64 or complex128, with at least one axis and one number."""
    array = np.asarray(x)
    if array.dtype.kind not in "biufc":
        raise TensorError(f"a tensor of {array.dtype} has no numbers to decompose; convert it to float64 first")
    if not array.ndim or not array.size:
        raise TensorError(
            f"a tensor of shape {array.shape} has nothing to decompose; give at least one axis, and none of size 0"
        )
    wide = np.float64 if array.dtype.kind in "biu" else np.result_type(array.dtype, np.float32)
    narrow = {np.dtype(np.longdouble): np.float64, np.dtype(np.clongdouble): np.complex128}
    return np.require(array, narrow.get(np.dtype(wide), wide), ["C", "A"])


def checked_factors(
    x: NDArray[Any], factors: Sequence[Any], mode: int, keep: bool = False
) -> tuple[int, list[NDArray[Any]]]:
    """The mode counted from the start, and the factors in ``x``'s dtype; unless ``keep``, the mode's own becomes zeros."""
    if not -x.ndim <= mode < x.ndim:
        raise TensorError(f"a tensor of {x.ndim} axes has no mode {mode}; modes are 0 to {x.ndim - 1}")
    if len(factors) != x.ndim:
        raise TensorError(f"{len(factors)} factors do not fit a tensor of {x.ndim} axes; give one for each axis")
    axis = mode % x.ndim
    given = next((f for k, f in enumerate(factors) if k != axis), factors[axis])
    rank = 1 if given is None or not np.ndim(given) else np.shape(given)[-1]
    used = []
    for k, factor in enumerate(factors):
        array = (
            np.zeros((x.shape[k], rank), x.dtype)
            if k == axis and not keep
            else np.require(np.asarray(factor), x.dtype, ["C", "A"])
        )
        if array.shape != (x.shape[k], rank) or not rank:
            raise TensorError(
                f"factor {k} has the shape {array.shape}; a row for each of {x.shape[k]} places, and {rank} >= 1 columns fit"
            )
        used.append(array)
    return axis, used


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


def checked_rtol(rtol: float, dtype: np.dtype[Any]) -> float:
    """A relative tolerance that numbers of ``dtype`` can hold: 4 epsilon <= rtol < 1."""
    least = 4 * float(np.finfo(dtype).eps)
    if not least <= rtol < 1:
        raise TensorError(
            f"a relative tolerance of {rtol} cannot be kept in {dtype}; choose one from {least:.1e} to below 1"
        )
    return float(rtol)


def checked_ranks(ranks: int | Sequence[int], shape: tuple[int, ...]) -> tuple[int, ...]:
    """One rank >= 1 for each axis, at most its length."""
    given = (ranks,) * len(shape) if isinstance(ranks, int | np.integer) else tuple(ranks)
    if len(given) != len(shape) or any(r != int(r) or r < 1 for r in given):
        raise TensorError(f"the ranks {given} do not fit {len(shape)} axes; give one whole number >= 1 for each axis")
    return tuple(min(int(r), n) for r, n in zip(given, shape, strict=True))
