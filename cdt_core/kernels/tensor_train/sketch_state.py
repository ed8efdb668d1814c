"""The state of a sketch: one vector of sums, and its stream; FORMAT.md, "Sketches of tensor trains", is the specification."""

from __future__ import annotations

import math
import reprlib
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from cdt_core.errors import CorruptStreamError
from cdt_core.kernels.tensor_train.envelope import CODES, DTYPES, Envelope, number
from cdt_core.kernels.tensor_train.sketch_maps import PROBES, slice_shapes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_core.kernels.tensor_train.envelope import Reading

__all__ = ["Description", "Sums", "from_bytes", "length", "sums_of", "to_bytes"]

_ENVELOPE = Envelope(b"\x93CTK", 1, "tensor-train sketch's state")
_OTHERS = 2 + math.prod(PROBES)

Shapes = list[tuple[int, int, int]]


@attrs.frozen
class Description:
    """What two sketches have to have in common for their states to add up; ``ranks`` are those of the d - 1 bonds."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    ranks: tuple[int, ...]
    oversampling: int
    seed: int

    @property
    def slices(self) -> Shapes:
        """Shapes of the sketched slices of the axes."""
        return slice_shapes(self.shape, self.ranks, self.oversampling)

    @property
    def sums(self) -> np.dtype[Any]:
        """Of the numbers in a state: always double precision."""
        return np.dtype(np.complex128 if self.dtype.kind == "c" else np.float64)


@attrs.frozen(eq=False)
class Sums:
    """Views into a state: what each of its numbers is the sum of.

    ``totals`` holds the energy ``sum |x|^2`` and the number of elements seen; ``probes``, (8, 32), the sums of all elements
    under random signs; ``slices[k]``, (l_k, n_k, r_{k+1}), the tensor with every axis but k contracted with the random maps.
    """

    totals: NDArray[Any]
    probes: NDArray[Any]
    slices: list[NDArray[Any]]


def length(what: Description) -> int:
    """Numbers in a state."""
    return _OTHERS + sum(map(math.prod, what.slices))


def sums_of(state: NDArray[Any], what: Description) -> Sums:
    """The parts of a state; views, not copies."""
    at, slices = _OTHERS, []
    for size in what.slices:
        end = at + math.prod(size)
        slices.append(state[at:end].reshape(size))
        at = end
    return Sums(state[:2], state[2:_OTHERS].reshape(PROBES), slices)


def to_bytes(state: NDArray[Any], what: Description) -> bytes:
    """The stream of a state and of the description of its sketch."""
    numbers = len(what.shape), *what.shape, *what.ranks, what.oversampling, what.seed
    return _ENVELOPE.closed(bytes([CODES[what.dtype.newbyteorder("<")]]) + b"".join(map(number, numbers)), [state])


def from_bytes(stream: bytes | bytearray | memoryview, what: Description) -> NDArray[Any]:
    """The state of a stream.

    Raises
    ------
    CorruptStreamError
        Truncated, mutated, no stream of a state, or one of another sketch; says where, or what differs.
    """
    source = _ENVELOPE.opened(stream)
    found = _description(source)
    source.check(0, "head")
    for name, expected in attrs.asdict(what).items():
        if (other := getattr(found, name)) != expected:
            raise CorruptStreamError(
                f"a state of a sketch with the {name} {reprlib.repr(other)}, not {reprlib.repr(expected)}; sketches add up "
                "only where they are the same"
            )
    return source.arrays([(length(what),)], what.sums.newbyteorder("<"), "sums")[0]


def _description(source: Reading) -> Description:
    (code,) = source.take(1, "type")
    if code not in DTYPES:
        raise CorruptStreamError(f"offset 5: type {code} that no sketch has; the stream is damaged")
    shape, ranks = source.sides()
    oversampling, seed = source.number("oversampling"), source.number("seed")
    return Description(DTYPES[code].newbyteorder("="), tuple(shape), tuple(ranks), oversampling, seed)
