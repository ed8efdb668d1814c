"""What a tensor train may be made of: cores that fit each other, an error, and numbers to multiply it by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cdt_core.errors import TensorError
from cdt_core.kernels.tensor_train.cores import arrays_of

__all__ = ["DTYPES", "Scalar", "checked_cores", "checked_error", "is_scalar"]

Array = NDArray[Any]
Scalar = int | float | complex | np.number[Any]

#: What cores may hold.
DTYPES = tuple(np.dtype(kind) for kind in ("f4", "f8", "c8", "c16"))


def checked_cores(cores: Sequence[ArrayLike]) -> tuple[Array, ...]:
    """Cores as C-contiguous arrays of one dtype (integers become float64), of shapes that fit each other."""
    arrays, dtype = arrays_of(cores)
    dtype = np.dtype(np.float64) if dtype.kind in "iu" else dtype.newbyteorder("=")
    if dtype not in DTYPES:
        raise TensorError(
            f"cores of dtype {dtype}: a tensor train holds float32, float64, complex64 or complex128; convert them"
        )
    rank = 1
    for k, array in enumerate(arrays):
        if array.ndim != 3 or 0 in array.shape or array.shape[0] != rank:
            raise TensorError(f"core {k} has shape {array.shape}; it must be ({rank}, n, r) with n and r at least 1")
        rank = array.shape[2]
    if rank != 1:
        raise TensorError(f"core {len(arrays) - 1}, the last, has shape {arrays[-1].shape}; its last length must be 1")
    return tuple(np.ascontiguousarray(array, dtype=dtype) for array in arrays)


def checked_error(error: Any) -> float | None:
    """A bound as a float; an infinite one says nothing."""
    if error is None:
        return None
    if not isinstance(error, Real) or not float(error) >= 0.0:
        raise TensorError(f"error is {error!r}; give a relative error, a number from 0 on, or None where it is unknown")
    return float(error) if math.isfinite(error) else None


def is_scalar(value: object) -> bool:
    """Whether a train can be multiplied by it: a number of Python or NumPy."""
    return isinstance(value, int | float | complex | np.number)
