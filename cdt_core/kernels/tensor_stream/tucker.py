"""A tensor as a core and one basis per axis: stored (Tucker), cosines, a wavelet, or none."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft
from attrs import field, frozen

from cdt_core.errors import CorruptStreamError
from cdt_core.kernels import _tensor_stream
from cdt_core.kernels.spectrum import top
from cdt_core.kernels.tensor_stream.bases import LONGEST_DENSE, along, cosines, from_wavelet, to_wavelet
from cdt_core.kernels.tensor_stream.coded import cut, quantised, read_steps
from cdt_core.kernels.tensor_stream.factor import coded_factor, read_factor
from cdt_core.kernels.tucker.modes import gram, project, three_way

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_core.kernels.tensor_stream.fields import Reading

__all__ = ["Basis", "Core", "Field", "core_of", "pack_core", "read_core", "slice_sizes"]

#: Short axes are so many times shorter than all others together.
_SHORT = 64


class Basis(enum.IntEnum):
    """What the numbers along an axis of the core belong to."""

    PLACES = 0
    STORED = 1
    COSINES = 2
    WAVELET = 3


@frozen(eq=False)
class Core:
    """The core of an array in the given bases, all of it; ``factors`` has the matrix (n, n) of each stored one."""

    bases: tuple[Basis, ...]
    core: NDArray[np.float64]
    factors: tuple[NDArray[np.float64] | None, ...]


@frozen(eq=False)
class Field:
    """An array of 1 to 4 axes, with the eigenvectors of its long axes, of which each is found once."""

    values: NDArray[np.float64]
    _vectors: dict[int, NDArray[np.float64]] = field(factory=dict)

    def vectors(self, axis: int) -> NDArray[np.float64]:
        """(n, n), leading ones first. Orthonormal bases of the other axes do not change them."""
        if axis not in self._vectors:
            squares = gram(three_way(self.values, range(axis, axis + 1)), self.values.dtype)
            self._vectors[axis] = top(squares, len(squares))
        return self._vectors[axis]


def core_of(whole: Field, bases: Sequence[Basis], step: float) -> Core:
    """The core of an array in ``bases``. Stored ones are leading eigenvectors (De Lathauwer et al. 2000, higher-order SVD).

    Those of short axes are found from directions: vectors along the axis count by their direction where they are above
    ``step``, so that places with few, large numbers do not decide alone. That is what the code's length follows, which grows
    with the logarithm of numbers.
    """
    core = whole.values
    for axis, basis in enumerate(bases):
        if basis is Basis.COSINES:
            core = scipy.fft.dct(core, axis=axis, norm="ortho")
        elif basis is Basis.WAVELET:
            core = to_wavelet(core, axis)
    factors: list[NDArray[np.float64] | None] = [None] * len(bases)
    for axis, basis in enumerate(bases):
        if basis is Basis.STORED:
            three = three_way(np.ascontiguousarray(core), range(axis, axis + 1))
            is_short = core.shape[axis] ** 2 <= core.size // _SHORT
            factor = _common_directions(three, step) if is_short else whole.vectors(axis)
            core = project(factor, three).reshape(core.shape)
            factors[axis] = factor
    return Core(tuple(bases), np.ascontiguousarray(core), tuple(factors))


def _common_directions(three: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """Leading ones of the vectors along the middle axis with a norm above ``step``; of all where there is none."""
    size = np.sqrt(np.einsum("ijk,ijk->ik", three, three))[:, None, :]
    large = size > step
    if large.any():
        three = three * np.divide(1.0, size, out=np.zeros_like(size), where=large)
    squares = gram(three, three.dtype)
    return top(squares, len(squares))


def slice_sizes(x: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Norms of the slices along an axis, the same bits on every machine: what the columns of its factor are scaled by."""
    before, after = (int(np.prod(part, dtype=np.int64)) for part in (x.shape[:axis], x.shape[axis + 1 :]))
    return np.sqrt(_tensor_stream.energies(np.ascontiguousarray(x).reshape(before, x.shape[axis], after)))


def pack_core(whole: Core, step: float, dead: float) -> tuple[Callable[[], bytes], NDArray[np.float64]]:
    """What makes the core's and the factors' bytes, and the array that a decoder makes of them."""
    steps = quantised(whole.core, step, dead)
    dyadic = tuple(int(basis is Basis.WAVELET) for basis in whole.bases)
    core = cut(steps.values(step))
    parts: list[Callable[[], bytes]] = []
    decoded: list[NDArray[np.float64] | None] = [None] * core.ndim
    for axis, factor in enumerate(whole.factors):
        if factor is not None and core.size:
            sizes = slice_sizes(core, axis)
            part, decoded[axis] = coded_factor(factor[:, : len(sizes)].T, sizes, step)
            parts.append(part)
    made = _expanded(core, whole.bases, decoded, whole.core.shape)
    return lambda: b"".join([bytes(whole.bases), steps.pack(dyadic), *(part() for part in parts)]), made


def read_core(reading: Reading, shape: tuple[int, ...], step: float) -> NDArray[np.float64]:
    """The array of what :func:`pack_core` wrote.

    Raises
    ------
    CorruptStreamError
        The bytes contradict themselves.
    """
    codes = reading.take(len(shape))
    if max(codes) > max(Basis):
        raise CorruptStreamError(f"basis {max(codes)} is not known")
    bases = tuple(map(Basis, codes))
    if any(basis in (Basis.STORED, Basis.COSINES) and n > LONGEST_DENSE for basis, n in zip(bases, shape, strict=True)):
        raise CorruptStreamError("an axis is too long for its basis")
    core = read_steps(reading, shape, tuple(int(basis is Basis.WAVELET) for basis in bases)).values(step)
    factors = [
        read_factor(reading, slice_sizes(core, axis), n, step) if basis is Basis.STORED and core.size else None
        for axis, (basis, n) in enumerate(zip(bases, shape, strict=True))
    ]
    return _expanded(core, bases, factors, shape)


def _expanded(
    core: NDArray[np.float64],
    bases: tuple[Basis, ...],
    factors: Sequence[NDArray[np.float64] | None],
    shape: tuple[int, ...],
) -> NDArray[np.float64]:
    """Dense bases first, while the core is small, then wavelets."""
    if not core.size:
        return np.zeros(shape)
    for axis, basis in enumerate(bases):
        if basis is Basis.COSINES:
            core = along(cosines(shape[axis], core.shape[axis]), core, axis)
        elif factors[axis] is not None:
            core = along(np.asarray(factors[axis]), core, axis)
    for axis, basis in enumerate(bases):
        if core.shape[axis] != shape[axis]:
            grown = np.zeros((*core.shape[:axis], shape[axis], *core.shape[axis + 1 :]))
            grown[(slice(None),) * axis + (slice(0, core.shape[axis]),)] = core
            core = grown
        if basis is Basis.WAVELET:
            core = from_wavelet(core, axis)
    return core
