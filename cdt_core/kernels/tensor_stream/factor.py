"""Matrices with orthonormal columns, each coded as exactly as what it is multiplied by is large."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from cdt_core.errors import CorruptStreamError
from cdt_core.kernels.tensor_stream.bases import LONGEST_DENSE, along, cosines
from cdt_core.kernels.tensor_stream.coded import DEAD, Steps, quantised, read_steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cdt_core.kernels.tensor_stream.fields import Reading

__all__ = ["coded_factor", "read_factor"]


def coded_factor(
    rows: NDArray[np.float64], sizes: NDArray[np.float64], step: float, dead: float = DEAD
) -> tuple[Callable[[], bytes], NDArray[np.float64]]:
    """What makes the bytes of the rows (rank, ..., n) of a factor, and the rows (rank, ..., n) that a decoder makes of them.

    An error e in a row changes the array by e times what the row is multiplied by, whose norm is ``sizes[k]``. Rows times
    that are therefore coded in the core's own steps: all numbers of a stream then add the same error (reverse
    water-filling). Rows of smooth columns are shorter as cosines.
    """
    scaled = rows * sizes.reshape(-1, *(1,) * (rows.ndim - 1))
    steps, is_cosine = quantised(scaled, step, dead), False
    if rows.shape[-1] <= LONGEST_DENSE:
        other = quantised(scipy.fft.dct(scaled, axis=-1, norm="ortho"), step, dead)
        if _bits(other) < _bits(steps):
            steps, is_cosine = other, True
    made = _rows_of(_cut(steps.values(step)), sizes, rows.shape, is_cosine)
    return lambda: bytes([is_cosine]) + steps.pack((0,) * rows.ndim), made


def _bits(steps: Steps) -> float:
    """About the length of the code."""
    return float(np.log2(1.0 + np.abs(steps.numbers)).sum())


def _cut(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without the last axis' zeros at its end, which decoders do not add either."""
    used = np.flatnonzero(numbers.any(axis=tuple(range(numbers.ndim - 1))))
    return numbers[..., : int(used[-1]) + 1 if used.size else 0]


def read_factor(reading: Reading, sizes: NDArray[np.float64], n: int, step: float, *middle: int) -> NDArray[np.float64]:
    """Rows (len(sizes), *middle, n) that :func:`coded_factor` wrote.

    Raises
    ------
    CorruptStreamError
        The bytes contradict themselves.
    """
    shape = (len(sizes), *middle, n)
    code = reading.take(1)[0]
    if code > 1 or (code and n > LONGEST_DENSE):
        raise CorruptStreamError(f"a factor of {n} numbers a row cannot be of kind {code}")
    numbers = read_steps(reading, shape, (0,) * len(shape)).values(step)
    return _rows_of(numbers, sizes, shape, bool(code))


def _rows_of(
    numbers: NDArray[np.float64], sizes: NDArray[np.float64], shape: tuple[int, ...], is_cosine: bool
) -> NDArray[np.float64]:
    rows = np.zeros((*shape[:-1], numbers.shape[-1]))
    rows[tuple(slice(0, n) for n in numbers.shape)] = numbers
    if is_cosine and rows.shape[-1]:
        rows = along(cosines(shape[-1], rows.shape[-1]), rows, rows.ndim - 1)
    whole = np.zeros(shape)
    whole[..., : rows.shape[-1]] = rows
    scale = np.where(sizes > 0, sizes, 1.0).reshape(-1, *(1,) * (len(shape) - 1))
    return np.asarray(whole / scale)
