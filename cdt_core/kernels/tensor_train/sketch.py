"""The streaming sketch of a tensor: blocks in any order, on any machine, added up; a tensor train at the end."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from cdt_core.errors import TensorError
from cdt_core.kernels.blas import on_one_blas_thread
from cdt_core.kernels.tensor_train import sketch_state
from cdt_core.kernels.tensor_train.sketch_absorb import absorb
from cdt_core.kernels.tensor_train.sketch_maps import Maps, maps_of
from cdt_core.kernels.tensor_train.sketch_solve import probed, recovered
from cdt_core.kernels.tensor_train.tiles import tile_lengths, tiles, what_is_wrong
from cdt_core.kernels.tensor_train.train import DTYPES, TensorTrain

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["TTSketch"]


def _shape(shape: Sequence[int]) -> tuple[int, ...]:
    found = tuple(int(n) for n in shape)
    if not found or min(found) < 1:
        raise TensorError(f"shape {found} has no elements; give at least one axis, each of length >= 1")
    return found


def _ranks(ranks: int | Sequence[int]) -> int | tuple[int, ...]:
    return tuple(int(rank) for rank in ranks) if isinstance(ranks, Sequence | np.ndarray) else int(ranks)


def _dtype(dtype: Any) -> np.dtype[Any]:
    found: np.dtype[Any] = np.dtype(dtype).newbyteorder("=")
    if found not in DTYPES:
        raise TensorError(f"dtype {found}: a tensor train holds float32, float64, complex64 or complex128")
    return found


@attrs.frozen
class TTSketch:
    """A tensor train of a tensor that is seen once, in blocks: by streams, on clusters, and as a sum across sites.

    The state is one vector of sums, linear in the tensor: blocks may come in any order and be cut along any axis, states of
    different blocks (or of tensors to be added) are merged by adding them, and its size depends on the shape alone, as
    ``sum(2 n (ranks + oversampling)^2)``. Another order or another cut changes rounding only; blocks that end where tiles end
    (:attr:`tile`) and bring the tiles in row-major order give the bits of the whole tensor at once.

    Parameters
    ----------
    shape
        Lengths of the d >= 1 axes of the whole tensor.
    ranks
        Of the train: one number or d - 1.
    oversampling
        Further random vectors p at each bond: r + p on the right, ``2 (r + p) + 1`` on the left. More give less error for more
        work. Without it p is half of the largest rank, and at least 8.
    seed
        Of the random maps, 0 .. 2^63 - 1: states of one sketch add up, those of two seeds do not. The maps are the same on
        every machine.
    dtype
        Of the train that comes out: float32, float64, complex64, complex128. Sums are always in double precision.

    Raises
    ------
    TensorError
        Empty shape or axes, a rank below 1, a negative oversampling or seed, a dtype that no train has.

    Notes
    -----
    D. Kressner, B. Vandereycken, R. Voorhaar, "Streaming tensor train approximation", arXiv 2208.02600 (2022): two-sided
    sketches with random tensor trains on the left and on the right. One pass over the data; an element costs about
    ``6 (ranks + oversampling) + 20`` flops, in two matrix products for each tile of at most 32 MiB in double precision;
    extra memory is about two tiles, and ``2 (ranks + oversampling)`` numbers for each of their at most 16384 columns. For
    random normal maps without structure the expected squared error of one bond is at most ``2 (1 + r / (p - 1))`` times that
    of the best rank r (J. Tropp, A. Yurtsever, M. Udell, V. Cevher, SIAM J. Matrix Anal. Appl. 38 (2017), for these sizes). Of
    tensors with fast falling singular values the train is the best of its ranks within 1 %; with flat noise, which all
    bonds add, the error is 1.3 to 3 times that of the best, less with more oversampling.

    Examples
    --------
    >>> import numpy as np
    >>> x = 1 / (1 + np.add.outer(np.add.outer(np.arange(8.0), np.arange(9.0)), np.arange(7.0)))
    >>> sketch = TTSketch(x.shape, ranks=5)
    >>> here = sketch.update(sketch.start(), x[:3], offset=(0, 0, 0))
    >>> there = sketch.update(sketch.start(), x[3:], offset=(3, 0, 0))
    >>> state = sketch.merge(here, there)
    >>> train = sketch.finish(state)
    >>> bool(np.linalg.norm(train.full() - x) < 1e-4 * np.linalg.norm(x)), sketch.error(state, train) < 1e-4
    (True, True)
    """

    shape: tuple[int, ...] = attrs.field(converter=_shape)
    ranks: int | tuple[int, ...] = attrs.field(converter=_ranks)
    oversampling: int | None = attrs.field(default=None)
    seed: int = attrs.field(default=0, converter=int)
    dtype: np.dtype[Any] = attrs.field(default=np.dtype(np.float64), converter=_dtype)

    @ranks.validator
    def _check_ranks(self, _: Any, value: int | tuple[int, ...]) -> None:
        all_ranks = value if isinstance(value, tuple) else (value,)
        if min(all_ranks, default=1) < 1 or (isinstance(value, tuple) and len(value) != len(self.shape) - 1):
            raise TensorError(
                f"ranks {value} for {len(self.shape)} axes; give one, or {len(self.shape) - 1}, each >= 1"
            )

    @oversampling.validator
    def _check_oversampling(self, _: Any, value: int | None) -> None:
        if value is not None and not 0 <= value < 1 << 16:
            raise TensorError(f"oversampling {value} is not in 0..65535; half of the rank is a good one")

    @seed.validator
    def _check_seed(self, _: Any, value: int) -> None:
        if not 0 <= value < 1 << 63:
            raise TensorError(f"seed {value} is not in 0..2^63 - 1")

    @property
    def bonds(self) -> tuple[int, ...]:
        """Rank of each of the d - 1 bonds: what was asked for, but never more than a tensor of this shape can have."""
        ranks = self.ranks if isinstance(self.ranks, tuple) else (self.ranks,) * (len(self.shape) - 1)
        before = accumulate(self.shape[:-1], operator.mul)
        after = reversed(list(accumulate(self.shape[:0:-1], operator.mul)))
        return tuple(map(min, ranks, before, after))

    @property
    def tile(self) -> tuple[int, ...]:
        """Lengths of the tiles that blocks are cut into, on a grid from the first index of the tensor."""
        return tile_lengths(self.shape, self._maps.middle)

    @property
    def _maps(self) -> Maps:
        return maps_of(self.shape, self.bonds, self._extra, self.seed)

    @property
    def _extra(self) -> int:
        return max(8, max(self.bonds, default=1) // 2) if self.oversampling is None else self.oversampling

    def start(self) -> NDArray[Any]:
        """The state of a tensor of zeros: a vector of float64, or of complex128 for complex dtypes."""
        return np.zeros(sketch_state.length(self._description), self._description.sums)

    def update(
        self,
        state: NDArray[Any],
        block: NDArray[Any],
        offset: Sequence[int] | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> NDArray[Any]:
        """Add a block of the tensor to the state, in place, and give the state back.

        Parameters
        ----------
        state
            From :meth:`start`, :meth:`update`, :meth:`merge` or :meth:`from_bytes`.
        block
            Array of d axes of numbers, or what gives such arrays when it is sliced (a memmap, a zarr array).
        offset
            Index of its first element in the tensor; without it the block begins at the first element.
        progress
            Called with the share of the block that is done, 0..1.

        Raises
        ------
        TensorError
            A block that does not lie in the tensor, of complex numbers for a real sketch, or with NaN or infinity (the index
            is named; the state may then hold a part of the block).
        """
        block = block if hasattr(block, "dtype") else np.asarray(block)
        start = self._checked_offset(block, (0,) * len(self.shape) if offset is None else offset)
        maps, done, size = self._maps, 0, math.prod(block.shape)
        sums = self._sums(state)
        for low, lengths in tiles(self.tile, start, block.shape):
            inside = tuple(slice(at - first, at - first + n) for at, first, n in zip(low, start, lengths, strict=True))
            values = np.asarray(block[inside])
            energy = absorb(sums.slices, sums.probes, maps, (values, low))
            if not math.isfinite(energy):
                raise TensorError(what_is_wrong(values, low))
            sums.totals[:] += energy, values.size
            done += values.size
            if progress is not None:
                progress(done / size)
        return state

    def merge(self, left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
        """The state of both: of all blocks that either has seen, or of the sum of the tensors."""
        return np.asarray(self._checked(left) + self._checked(right))

    @on_one_blas_thread
    def finish(self, state: NDArray[Any]) -> TensorTrain:
        """The tensor train; its own ``error`` is ``None``, since one pass certifies nothing: :meth:`error` estimates it.

        Raises :class:`TensorError` where the sums hold what is no number.
        """
        state = self._checked(state)
        if not np.isfinite(state).all():
            raise TensorError(
                "the state of the sketch holds NaN or infinity; the blocks were too large, or it was changed"
            )
        cores = recovered(self._sums(state).slices, self._maps, self.bonds)
        return TensorTrain(tuple(core.astype(self.dtype) for core in cores))

    def norm(self, state: NDArray[Any]) -> float:
        """Frobenius norm of the tensor: exact to rounding while no element was seen twice, else an estimate."""
        sums = self._sums(state)
        energy, seen = sums.totals.real
        return math.sqrt(energy) if seen <= math.prod(self.shape) else _root_mean_square(sums.probes)

    def error(self, state: NDArray[Any], train: TensorTrain) -> float:
        """Estimated relative Frobenius error ``||x - train|| / ||x||`` of a train, from what the state knows of ``x``.

        The mean square of 256 sums of the difference under random signs (8 on the rows by 32 on the columns of the middle
        unfolding), which no map of the sketch shares: unbiased for the squared error; the error is right within a factor of 2
        nearly always, and within 10 % where the difference looks like noise. Costs the halves of the train, all rows and
        all columns of the middle unfolding.
        """
        norm = self.norm(state)
        if train.shape != self.shape:
            raise TensorError(f"a train of shape {train.shape} is no approximation of a tensor of shape {self.shape}")
        difference = self._sums(state).probes - probed(train.cores, self._maps)
        return _root_mean_square(difference) / norm if norm else float(train.norm() > 0.0)

    def to_bytes(self, state: NDArray[Any]) -> bytes:
        """A state to send or keep: the stream of FORMAT.md, section "Sketches of tensor trains"."""
        return sketch_state.to_bytes(self._checked(state), self._description)

    def from_bytes(self, stream: bytes | bytearray | memoryview) -> NDArray[Any]:
        """The state that :meth:`to_bytes` of this sketch made; :class:`CorruptStreamError` for any other bytes."""
        return sketch_state.from_bytes(stream, self._description)

    @property
    def _description(self) -> sketch_state.Description:
        return sketch_state.Description(self.dtype, self.shape, self.bonds, self._extra, self.seed)

    def _checked(self, state: NDArray[Any]) -> NDArray[Any]:
        size, kind = sketch_state.length(self._description), self._description.sums
        if not isinstance(state, np.ndarray):
            raise TensorError(f"a {type(state).__name__} is no state of a sketch; begin with start()")
        if state.shape != (size,) or state.dtype != kind:
            raise TensorError(
                f"a state of {state.dtype} and shape {state.shape} is not of this sketch, which has {size} {kind} sums"
            )
        return state

    def _sums(self, state: NDArray[Any]) -> sketch_state.Sums:
        return sketch_state.sums_of(self._checked(state), self._description)

    def _checked_offset(self, block: NDArray[Any], offset: Sequence[int]) -> tuple[int, ...]:
        start = tuple(int(at) for at in offset)
        kinds = "biufc" if self.dtype.kind == "c" else "biuf"
        if block.dtype.kind not in kinds:
            raise TensorError(
                f"a block of {block.dtype} for a sketch of {self.dtype}; convert it, or sketch as complex128"
            )
        fits = len(start) == len(block.shape) == len(self.shape)
        if not fits or any(
            not 0 <= at <= at + n <= all_ for at, n, all_ in zip(start, block.shape, self.shape, strict=True)
        ):
            raise TensorError(
                f"a block of shape {block.shape} at {start} does not lie in a tensor of shape {self.shape}"
            )
        return start


def _root_mean_square(probes: NDArray[Any]) -> float:
    return float(np.linalg.norm(probes)) / math.sqrt(probes.size)
