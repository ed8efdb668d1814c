"""Fields and functions with each index split into digits, as tensor trains: the matrix-product-state form of a vector."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cdt_core.errors import TensorError
from cdt_core.kernels.tensor_train import arithmetic, slicing
from cdt_core.kernels.tensor_train.arguments import whole
from cdt_core.kernels.tensor_train.sources import array_of
from cdt_core.kernels.tensor_train.train import TensorTrain

__all__ = ["QuanticsTrain", "quantics", "split_digits"]

Array = NDArray[Any]
Interval = tuple[float, float]


@attrs.frozen(eq=False, repr=False)
class QuanticsTrain:
    """An array whose indices are split into digits, as a tensor train with one axis for each digit.

    Parameters
    ----------
    train
        Its axis k has the length ``modes[k][1]``.
    modes
        ``(axis, length)`` of each digit, in the train's order; of one axis the coarsest digit comes first, so that
        index ``i`` is the mixed-radix number of its digits.
    shape
        Of the array.
    intervals
        For each axis the ends (a, b) of what it covers: point ``i`` is the middle of cell i, ``a + (b - a) (i + 1/2) /
        n``.

    Notes
    -----
    2^30 values of a smooth function take some kilobytes: ranks do not grow with the number of digits. In the words of
    quantum computing the train is the matrix-product state whose amplitudes are the values, a superposition of basis
    states ``|digits>``; nothing here needs a quantum computer. Oseledets, Approximation of 2^d x 2^d matrices using
    tensor decomposition (SIAM J. Matrix Anal. Appl. 31, 2010); Khoromskij, O(d log N)-quantics approximation of N-d
    tensors (Constr. Approx. 34, 2011).
    """

    train: TensorTrain
    modes: tuple[tuple[int, int], ...]
    shape: tuple[int, ...]
    intervals: tuple[Interval, ...] | None = None

    @property
    def ndim(self) -> int:
        """Number of axes of the array."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Elements of the array."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the values."""
        return self.train.dtype

    @property
    def error(self) -> float | None:
        """Certified relative Frobenius error; ``None`` for functions, of which only samples are known."""
        return self.train.error

    def __repr__(self) -> str:
        error = "unknown" if self.error is None else f"{self.error:.2g}"
        return (
            f"QuanticsTrain(shape={self.shape}, dtype={self.dtype}, digits={len(self.modes)}, "
            f"max_rank={max(self.train.ranks)}, ratio={self.train.ratio:.4g}, error={error})"
        )

    def full(self) -> Array:
        """The array itself."""
        order = [k for axis in range(self.ndim) for k, mode in enumerate(self.modes) if mode[0] == axis]
        return self.train.full().transpose(order).reshape(self.shape)

    def __array__(self, dtype: np.dtype[Any] | None = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise ValueError("a tensor train cannot become an array without making one; leave out copy=False")
        return self.full() if dtype is None else self.full().astype(dtype, copy=False)

    def entries(self, indices: ArrayLike) -> Array:
        """The values at (m, ndim) integer indices: (m,). Cost: ``2 * m * r^2`` flops for each digit."""
        return self.train.entries(_digits(slicing.positions(indices, self.shape), self.modes))

    def evaluate(self, points: ArrayLike) -> Array:
        """The values at (m, ndim) points of the intervals, or (m,) where there is one axis: (m,).

        Linear between the grid's points along each axis, constant within half a cell of the ends; 2^ndim entries a
        point.

        Raises
        ------
        TensorError
            No intervals, or a point outside of them.
        """
        try:
            where = np.asarray(points, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise TensorError(f"points that are no real numbers: {error}") from error
        where = where[:, None] if where.ndim == 1 and self.ndim == 1 else where
        if where.ndim != 2 or where.shape[1] != self.ndim:
            raise TensorError(f"points of shape {where.shape}: give (m, {self.ndim}), one row for each point")
        ends = np.array(self._intervals())
        inside = (ends[:, 0] <= where) & (where <= ends[:, 1])
        if not inside.all():
            row = int(np.flatnonzero(~inside.all(axis=1))[0])
            raise TensorError(f"point {row}, {where[row]}, is not within the intervals {self._intervals()}")
        lengths = np.array(self.shape)
        cells = (where - ends[:, 0]) / (ends[:, 1] - ends[:, 0]) * lengths - 0.5
        lower = np.clip(np.floor(cells), 0, np.maximum(lengths - 2, 0)).astype(np.int64)
        weight = np.clip(cells - lower, 0.0, 1.0)
        found = np.zeros(len(where), dtype=np.result_type(self.dtype, np.float64))
        for corner in product((0, 1), repeat=self.ndim):
            share = np.where(corner, weight, 1.0 - weight).prod(axis=1)
            found += share * self.entries(np.minimum(lower + corner, lengths - 1))
        return found

    def integrate(self) -> Any:
        """The integral over all intervals, by the midpoint rule on the whole grid. Cost: ``2 * r^2`` for each digit.

        Raises
        ------
        TensorError
            No intervals are known.
        """
        return arithmetic.mean(self.train.cores) * math.prod(b - a for a, b in self._intervals())

    def round(self, rtol: float | None = None, max_rank: int | None = None) -> QuanticsTrain:
        """The same with smaller ranks, as :meth:`TensorTrain.round`."""
        return attrs.evolve(self, train=self.train.round(rtol, max_rank))

    def _intervals(self) -> tuple[Interval, ...]:
        if self.intervals is None:
            raise TensorError("the axes have no intervals, only indices; give quantics(..., interval=(a, b))")
        return self.intervals


def quantics(
    x: ArrayLike | Callable[[Array], Any],
    rtol: float | None = None,
    max_rank: int | None = None,
    *,
    base: int = 2,
    levels: int = 30,
    interval: Interval | Sequence[Interval] | None = None,
) -> QuanticsTrain:
    """An array, or a function on a grid too fine to be stored, as a tensor train over the digits of its indices.

    Digits of all axes are interleaved, the coarsest of each axis first.

    Parameters
    ----------
    x
        An array: an axis of length ``m * base^k`` becomes a mode of length m, the coarsest, and k digits; lengths are
        not padded, so that an axis without the factor ``base`` stays whole. Or a function, of one variable: (m,) points
        to (m,) values; of several: (m, d) points to (m,) values.
    rtol
        For arrays the relative Frobenius error, certified (``tt_svd``); this or ``max_rank`` must be given. For
        functions the largest error relative to the largest value, an estimate (``tt_cross``), 1e-10 where it is
        ``None``.
    max_rank
        No rank is larger.
    base
        Of the digits, at least 2.
    levels
        For functions: digits of each variable, so that it has ``base^levels`` points.
    interval
        ``(a, b)``, or one for each axis. Functions need it; arrays may have it, for ``evaluate`` and ``integrate``.

    Returns
    -------
    QuanticsTrain

    Raises
    ------
    TensorError
        An interval that is none, more than 62 bits of points on an axis, a value of the function that is not finite or
        missing (the point is named), and what ``tt_svd`` or ``tt_cross`` refuse.

    Notes
    -----
    Arrays cost what ``tt_svd`` costs, and a copy where there are several axes. Functions are evaluated at some
    ``levels * d * base * r^2`` points; r is small for smooth functions, jumps and powers, and for sums and products of
    them.

    Examples
    --------
    >>> import numpy as np
    >>> wave = quantics(np.sin, 1e-10, levels=30, interval=(0.0, np.pi))
    >>> wave.shape, wave.train.parameters, round(wave.integrate(), 9)
    ((1073741824,), 232, 2.0)
    """
    base = whole(base, "base", 2)
    if callable(x):
        digits = (base,) * whole(levels, "levels", 1)
        return _of_function(x, 1e-10 if rtol is None else rtol, max_rank, digits, _checked(interval))
    from cdt_core.kernels.tensor_train.svd import tt_svd

    array = array_of(x)
    intervals = None if interval is None else _checked(interval)
    if intervals is not None and len(intervals) != array.ndim:
        raise TensorError(f"{len(intervals)} intervals for {array.ndim} axes; give one for each")
    split, modes = split_digits(array, base)
    return QuanticsTrain(tt_svd(split, rtol, max_rank), tuple(modes), array.shape, intervals)


def split_digits(array: Array, base: int) -> tuple[Array, list[tuple[int, int]]]:
    """An array with an axis for each digit of its indices, and the ``modes`` of :class:`QuanticsTrain`; a copy if need be.

    Raises
    ------
    TensorError
        No axes, or an axis of length 0.
    """
    if not array.ndim or 0 in array.shape:
        raise TensorError(
            f"an array of shape {array.shape} has no digits; give one with at least one element on each axis"
        )
    lengths = [_split(n, base) for n in array.shape]
    if not any(lengths):
        lengths[0] = [1]
    modes = _interleaved(lengths)
    places = [(axis, j) for axis, parts in enumerate(lengths) for j in range(len(parts))]
    seen = [0] * array.ndim
    order = []
    for axis, _ in modes:
        order.append(places.index((axis, seen[axis])))
        seen[axis] += 1
    split = array.reshape([length for axis in lengths for length in axis])
    return np.ascontiguousarray(split.transpose(order)), modes


def _of_function(
    f: Callable[[Array], Any],
    rtol: float,
    max_rank: int | None,
    digits: tuple[int, ...],
    intervals: tuple[Interval, ...],
) -> QuanticsTrain:
    from cdt_core.kernels.tensor_train.cross import tt_cross

    points = math.prod(digits)
    if points > 1 << 62:
        raise TensorError(f"{len(digits)} levels of base {digits[0]}; give at most 62 bits of points")
    modes = _interleaved([list(digits)] * len(intervals))
    starts, ends = np.array(intervals).T

    def values(indices: NDArray[np.int64]) -> Any:
        where = starts + (ends - starts) * ((_indices(indices, modes, len(intervals)) + 0.5) / points)
        found = f(where[:, 0].copy() if len(intervals) == 1 else where.copy())
        if getattr(found, "shape", None) == (len(where),) and found.dtype.kind in "fc":
            wrong = ~np.isfinite(np.ma.getdata(found)) | np.ma.getmaskarray(found)
            if wrong.any():
                row = int(wrong.argmax())
                raise TensorError(
                    f"the function is {found[row]} at {where[row]}; it must be finite on the whole interval"
                )
        return found

    train = tt_cross(values, [length for _, length in modes], rtol, max_rank=max_rank).train
    return QuanticsTrain(train, tuple(modes), (points,) * len(intervals), intervals)


def _checked(interval: Interval | Sequence[Interval] | None) -> tuple[Interval, ...]:
    """One (a, b) for each axis, a below b."""
    if interval is None:
        raise TensorError("a function has no grid without an interval; give interval=(a, b), or one for each variable")
    try:
        pairs = np.asarray(interval, dtype=np.float64)
    except (TypeError, ValueError):
        pairs = np.zeros(0)
    pairs = pairs[None] if pairs.ndim == 1 else pairs
    fits = pairs.ndim == 2 and pairs.shape[1] == 2
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = pairs[:, 1] - pairs[:, 0] if fits else np.zeros(1)
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        raise TensorError(
            f"interval {interval}: give (a, b) with a < b and a finite b - a, or one such pair for each axis"
        )
    return tuple((float(a), float(b)) for a, b in pairs)


def _split(n: int, base: int) -> list[int]:
    """``n`` as a remainder and digits of the base, coarsest first; nothing for an axis of length 1."""
    digits = []
    while n % base == 0 and n > 1:
        digits.append(base)
        n //= base
    return [n, *digits] if n > 1 else digits


def _interleaved(lengths: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """(axis, length) of all modes: the first of each axis, then the second of each, and so on."""
    deepest = max(len(parts) for parts in lengths)
    return [(axis, parts[j]) for j in range(deepest) for axis, parts in enumerate(lengths) if j < len(parts)]


def _digits(indices: NDArray[np.int64], modes: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    """(m, modes) digits of (m, axes) indices."""
    rest = indices.copy()
    found = np.empty((len(indices), len(modes)), dtype=np.int64)
    for k in range(len(modes) - 1, -1, -1):
        axis, length = modes[k]
        rest[:, axis], found[:, k] = np.divmod(rest[:, axis], length)
    return found


def _indices(digits: NDArray[np.int64], modes: Sequence[tuple[int, int]], ndim: int) -> NDArray[np.int64]:
    """(m, axes) indices of (m, modes) digits."""
    found = np.zeros((len(digits), ndim), dtype=np.int64)
    for k, (axis, length) in enumerate(modes):
        found[:, axis] = found[:, axis] * length + digits[:, k]
    return found
