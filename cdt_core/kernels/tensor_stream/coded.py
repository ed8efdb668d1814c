"""Arrays of real numbers as whole steps in bytes: the quantiser, where numbers are put back, the cut to what is not zero."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from cdt_core.errors import CorruptStreamError
from cdt_core.kernels import _tensor_stream
from cdt_core.kernels.tensor_stream.fields import Reading, packed

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["AXES", "DEAD", "Steps", "cut", "least_step", "quantised", "read_steps"]

#: Axes that coefficients have at most.
AXES = 4
#: Numbers below so many steps become zero, others are rounded a little towards it: the bytes saved are worth the error.
DEAD = 0.64
_ROUNDING = 0.37
#: Reconstruction is moved by multiples of 1/64 of a step, for the magnitudes 1, 2, and all above.
_SHIFT = 64.0
_GROUPS = 3
#: A byte of code stands for at most so many numbers: encoders fill up shorter codes.
_MOST_PER_BYTE = 1 << 14


def least_step(size: float) -> float:
    """The least step of arrays with a Frobenius norm of ``size``: no coefficient has more steps than are coded."""
    return 2 * size / _tensor_stream.LARGEST


@frozen(eq=False)
class Steps:
    """Numbers as whole steps (int32, up to four axes), and the three shifts of where they are put back."""

    numbers: NDArray[np.int32]
    shifts: tuple[int, ...]

    def values(self, step: float) -> NDArray[np.float64]:
        """The numbers as they are put back."""
        size = np.abs(self.numbers)
        shift = np.array([0, *self.shifts], np.float64)[np.minimum(size, _GROUPS)] / _SHIFT
        return np.sign(self.numbers) * ((size + shift) * step)

    def pack(self, dyadic: tuple[int, ...]) -> bytes:
        """Lengths without the zeros at each axis' end, shifts, and the code; ``dyadic`` marks axes that hold wavelet bands."""
        kept = _kept(self.numbers)
        lead = b"".join(packed(n) for n in kept)
        if 0 in kept:
            return lead
        extra = AXES - len(kept)
        code = _tensor_stream.encode(cut(self.numbers).reshape((1,) * extra + kept), (0,) * extra + dyadic)
        code += bytes(max(0, -(-math.prod(kept) // _MOST_PER_BYTE) - len(code)))
        return lead + bytes(shift & 255 for shift in self.shifts) + packed(len(code)) + code


def _kept(numbers: NDArray[Any]) -> tuple[int, ...]:
    """How far each axis goes until only zeros follow."""
    kept = []
    for axis in range(numbers.ndim):
        used = np.flatnonzero(numbers.any(axis=tuple(k for k in range(numbers.ndim) if k != axis)))
        kept.append(int(used[-1]) + 1 if used.size else 0)
    return tuple(kept)


def cut(numbers: NDArray[Any]) -> NDArray[Any]:
    """Numbers up to where only zeros follow, along each axis."""
    return np.ascontiguousarray(numbers[tuple(slice(0, n) for n in _kept(numbers))])


def quantised(x: NDArray[np.float64], step: float, dead: float = DEAD) -> Steps:
    """``x`` in steps, zero below ``dead`` of them, with the shifts that make the sum of squared errors least."""
    size = np.abs(x) / step
    whole = np.floor(size + _ROUNDING)
    whole[size < dead] = 0
    shifts = []
    for group in range(1, _GROUPS + 1):
        chosen = whole == group if group < _GROUPS else whole >= group
        mean = float((size[chosen] - whole[chosen]).mean()) if chosen.any() else 0.0
        shifts.append(max(-32, min(63, round(mean * _SHIFT))))
    return Steps((np.sign(x) * whole).astype(np.int32), tuple(shifts))


def read_steps(reading: Reading, shape: tuple[int, ...], dyadic: tuple[int, ...]) -> Steps:
    """The steps that :meth:`Steps.pack` wrote of an array of ``shape``; axes end where only zeros follow.

    Raises
    ------
    CorruptStreamError
        Lengths beyond the shape, or a code that no encoder writes.
    """
    kept = tuple(reading.number() for _ in shape)
    if any(n > whole for n, whole in zip(kept, shape, strict=True)):
        raise CorruptStreamError(f"coefficients of {kept} do not fit into {shape}")
    if 0 in kept:
        if any(kept):
            raise CorruptStreamError("coefficients are empty along one axis alone")
        return Steps(np.zeros((0,) * len(shape), np.int32), (0,) * _GROUPS)
    shifts = tuple(byte - 256 if byte > 127 else byte for byte in reading.take(_GROUPS))
    code = reading.take(reading.number())
    if math.prod(kept) > _MOST_PER_BYTE * len(code):
        raise CorruptStreamError(f"{len(code)} bytes cannot hold {math.prod(kept)} coefficients")
    extra = AXES - len(kept)
    found = _tensor_stream.decode(np.frombuffer(code, np.uint8), (1,) * extra + kept, (0,) * extra + dyadic)
    return Steps(found.reshape(kept), shifts)
