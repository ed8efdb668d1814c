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
from cdt_core.kernels.tensor_train.arguments import axis_lengths, whole, whole_numbers
from cdt_core.kernels.tensor_train.parts import DTYPES
from cdt_core.kernels.tensor_train.sketch_absorb import absorb
from cdt_core.kernels.tensor_train.sketch_maps import Maps, maps_of
from cdt_core.kernels.tensor_train.sketch_solve import probed, recovered
from cdt_core.kernels.tensor_train.tiles import tile_lengths, tiles, what_is_wrong
from cdt_core.kernels.tensor_train.train import TensorTrain

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["TTSketch"]


#: Sums beyond these are scaled before they are multiplied with each other.
_SMALL, _LARGE = 2.0**-480, 2.0**480
#: Below this an energy may lack squares that are too small to be held.
_LEAST_ENERGY = 2.0**-1000


def _ranks(ranks: Any) -> int | tuple[int, ...]:
    return whole_numbers(ranks, "ranks", 1) if isinstance(ranks, Sequence | np.ndarray) else whole(ranks, "ranks", 1)


def _oversampling(number: Any) -> int | None:
    return None if number is None else whole(number, "oversampling", 0, (1 << 16) - 1)


def _seed(seed: Any) -> int:
    return whole(seed, "seed", 0, (1 << 63) - 1)


def _dtype(dtype: Any) -> np.dtype[Any]:
    try:
        found: np.dtype[Any] = np.dtype(dtype).newbyteorder("=")
    except TypeError as error:
        raise TensorError(f"dtype {dtype!r} is none: {error}") from error
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

    shape: tuple[int, ...] = attrs.field(converter=axis_lengths)
    ranks: int | tuple[int, ...] = attrs.field(converter=_ranks)
    oversampling: int | None = attrs.field(default=None, converter=_oversampling)
    seed: int = attrs.field(default=0, converter=_seed)
    dtype: np.dtype[Any] = attrs.field(default=np.dtype(np.float64), converter=_dtype)

    @ranks.validator
    def _check_ranks(self, _: Any, value: int | tuple[int, ...]) -> None:
        if isinstance(value, tuple) and len(value) != len(self.shape) - 1:
            raise TensorError(
                f"ranks {value} for {len(self.shape)} axes; give one, or {len(self.shape) - 1}, each >= 1"
            )

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
        size, kind = sketch_state.length(self._description), self._description.sums
        try:
            return np.zeros(size, kind)
        except (MemoryError, ValueError) as error:
            raise TensorError(f"a state of {size} {kind} sums does not fit into memory; give smaller ranks") from error

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
            Array of d axes of numbers, or what gives such arrays when it is sliced (a memmap, a zarr array). A masked one has
            to have all of its values.
        offset
            Index of its first element in the tensor; without it the block begins at the first element.
        progress
            Called with the share of the block that is done, 0..1.

        Raises
        ------
        TensorError
            A block that does not lie in the tensor, of complex numbers for a real sketch, or with NaN, infinity or missing
            values (the index is named; the state may then hold a part of the block); a state that is read-only.
        """
        block = block if hasattr(block, "dtype") else _array(block)
        start = self._checked_offset(block, (0,) * len(self.shape) if offset is None else offset)
        maps, done, size = self._maps, 0, math.prod(block.shape)
        sums = self._sums(state)
        if not state.flags.writeable:
            raise TensorError("the state is read-only, and blocks are added in place; give a copy of it")
        for low, lengths in tiles(self.tile, start, block.shape):
            inside = tuple(slice(at - first, at - first + n) for at, first, n in zip(low, start, lengths, strict=True))
            part = block[inside]
            energy = (
                math.nan if np.ma.is_masked(part) else absorb(sums.slices, sums.probes, maps, (np.asarray(part), low))
            )
            if not math.isfinite(energy):
                raise TensorError(what_is_wrong(part, low))
            sums.totals[:] += energy, math.prod(lengths)
            done += math.prod(lengths)
            if progress is not None:
                progress(done / size)
        return state

    def merge(self, left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
        """The state of both: of all blocks that either has seen, or of the sum of the tensors."""
        with np.errstate(over="ignore", invalid="ignore"):  # sums that are not finite are refused when they are used
            return np.asarray(self._checked(left) + self._checked(right))

    @on_one_blas_thread
    def finish(self, state: NDArray[Any]) -> TensorTrain:
        """The tensor train; its own ``error`` is ``None``, since one pass certifies nothing: :meth:`error` estimates it.

        Raises :class:`TensorError` where the sums hold what is no number, or the train what its dtype does not.
        """
        slices = self._finite(state).slices
        top = max(float(np.abs(part).max()) for part in slices)
        scale = 1.0 if not top or _SMALL < top < _LARGE else 2.0 ** -min(1000, max(-1000, math.frexp(top)[1]))
        cores = recovered([part * scale for part in slices] if scale != 1.0 else slices, self._maps, self.bonds)
        with np.errstate(over="ignore", invalid="ignore"):
            cores = [core.astype(self.dtype) for core in [*cores[:-1], cores[-1] * (1.0 / scale)]]
        if not np.isfinite(cores[-1]).all():
            raise TensorError(f"the tensor is too large for {self.dtype}; sketch it as double precision")
        return TensorTrain(tuple(cores))

    def norm(self, state: NDArray[Any]) -> float:
        """Frobenius norm of the tensor: exact to rounding where no element was seen twice and squares do not underflow.

        Where they do, and where more elements were seen than there are, the estimate of :meth:`error`, right within a factor of
        about 2. (Where fewer were seen, but some of them twice, it is neither: the state knows how many it saw, not which.)
        """
        sums = self._finite(state)
        energy, seen = sums.totals.real
        exact = energy >= _LEAST_ENERGY and seen <= math.prod(self.shape)
        return math.sqrt(energy) if exact else _root_mean_square(sums.probes)

    def error(self, state: NDArray[Any], train: TensorTrain) -> float:
        """Estimated relative Frobenius error ``||x - train|| / ||x||`` of a train, from what the state knows of ``x``.

        The mean square of 256 sums of the difference under random signs (8 on the rows by 32 on the columns of the middle
        unfolding), which no map of the sketch shares: unbiased for the squared error; the error is right within a factor of 2
        nearly always, and within 10 % where the difference looks like noise. Costs the halves of the train, all rows and
        all columns of the middle unfolding.
        """
        norm = self.norm(state)
        if not isinstance(train, TensorTrain) or train.shape != self.shape:
            what = f"train of shape {train.shape}" if isinstance(train, TensorTrain) else type(train).__name__
            raise TensorError(f"a {what} is no approximation of a tensor of shape {self.shape}")
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

    def _finite(self, state: NDArray[Any]) -> sketch_state.Sums:
        sums = self._sums(state)
        if not np.isfinite(state).all():
            raise TensorError(
                "the state of the sketch holds NaN or infinity; the blocks were too large, or it was changed"
            )
        return sums

    def _checked_offset(self, block: NDArray[Any], offset: Sequence[int]) -> tuple[int, ...]:
        start = whole_numbers(offset, "offset", 0)
        kinds = "biufc" if self.dtype.kind == "c" else "biuf"
        if block.dtype.kind not in kinds:
            raise TensorError(
                f"a block of {block.dtype} for a sketch of {self.dtype}; convert it, or sketch as complex128"
            )
        fits = len(start) == len(block.shape) == len(self.shape)
        if not fits or any(at + n > all_ for at, n, all_ in zip(start, block.shape, self.shape, strict=True)):
            raise TensorError(
                f"a block of shape {block.shape} at {start} does not lie in a tensor of shape {self.shape}"
            )
        return start


def _array(block: Any) -> NDArray[Any]:
    try:
        return np.asarray(block)
    except (TypeError, ValueError) as error:
        raise TensorError(f"a {type(block).__name__} is no block of a tensor: {error}") from error


def _root_mean_square(probes: NDArray[Any]) -> float:
    """Of numbers whose squares may be too small or too large."""
    sizes = np.abs(probes)
    top = float(sizes.max())
    return float(np.linalg.norm(sizes / top)) * top / math.sqrt(sizes.size) if top else 0.0
