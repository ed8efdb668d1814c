"""What all trains of cores have in common, arrays or operators."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import TensorError

__all__ = ["TrainOfCores", "arrays_of"]

Array = NDArray[Any]


class TrainOfCores(ABC):
    """Cores ``(r_k, .., r_{k+1})`` that stand for an array, and how well they do."""

    __slots__ = ()

    cores: tuple[Array, ...]
    error: float | None

    #: NumPy scalars and arrays leave ``+ - * /`` with a train to the train.
    __array_ufunc__ = None

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Of the full array."""

    @property
    def ranks(self) -> tuple[int, ...]:
        """``r_0 .. r_d``, d + 1 numbers; the first and the last are 1."""
        return (1, *(core.shape[-1] for core in self.cores))

    @property
    def ndim(self) -> int:
        """Number d of axes, one for each core; of an operator: of what it is applied to."""
        return len(self.cores)

    @property
    def size(self) -> int:
        """Elements of the full array."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the cores."""
        return self.cores[0].dtype

    @property
    def parameters(self) -> int:
        """Numbers in all cores."""
        return sum(core.size for core in self.cores)

    @property
    def ratio(self) -> float:
        """Elements of the full array for each number in the cores; infinite where no float is as large."""
        try:
            return self.size / self.parameters
        except OverflowError:
            return math.inf

    @property
    def nbytes(self) -> int:
        """Bytes of all cores."""
        return sum(core.nbytes for core in self.cores)

    def _described(self, shapes: str) -> str:
        error = "unknown" if self.error is None else f"{self.error:.2g}"
        numbers = f"dtype={self.dtype}, ranks={self.ranks}, ratio={self.ratio:.4g}, error={error}"
        return f"{type(self).__name__}({shapes}, {numbers})"


def arrays_of(cores: Any) -> tuple[list[Array], np.dtype[Any]]:
    """Cores as NumPy's arrays, and their common dtype.

    Raises
    ------
    TensorError
        Something that is no list of arrays, is empty, or has missing values.
    """
    try:
        arrays = [np.asanyarray(core) for core in cores]
        dtype = np.result_type(*(array.dtype for array in arrays)) if arrays else None
    except (TypeError, ValueError) as error:
        raise TensorError(
            f"a {type(cores).__name__} that holds no cores, which are arrays (r, n, r'): {error}"
        ) from error
    if dtype is None:
        raise TensorError("no cores: a tensor train has at least one axis")
    if any(np.ma.is_masked(array) for array in arrays):
        raise TensorError("a core with missing values: a tensor train knows none; fill them first")
    return [np.asarray(array) for array in arrays], dtype
