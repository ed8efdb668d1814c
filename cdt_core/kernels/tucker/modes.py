"""Gram matrices and projections along neighbouring axes of a tensor, a piece at a time, without unfolding it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.kernels import _tensor, tall

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

__all__ = ["energies", "gram", "groups", "growing_gram", "marginal", "project", "three_way"]

#: Numbers of a piece: a product with one takes a few hundredths of a second, so that an interrupt is heard in between.
_PIECE = 1 << 22
#: Numbers of a piece that is copied to be transposed: it stays in cache; and of one that is converted for a projection.
_COPY, _CONVERTED = 1 << 16, 1 << 18
#: From this length on, the last axis is worth products of its own; up to the other, tall products are.
_SHORT, _NARROW = 16, 32
#: Columns that are summed in single precision before they are added to a sum in double.
_COLUMNS = 1 << 14
#: Parts of a tensor that are multiplied one by one, at least, and numbers of each, at least.
_PARTS, _LEAST = 8, 1 << 14
#: Columns that the compiled product takes at once, and rows that are mirrored at once.
_DEPTH, _BLOCK = 256, 64
#: Slices with fewer numbers are not multiplied one by one: calls would take longer than products.
_SLICE = 1 << 12
#: Short neighbouring axes are taken together while their product is no longer than this, and they are no more than those.
_GROUP, _AXES = 64, 12
#: The first and last axes, whose unfoldings are no copies and whose products are long, come before those not shorter by this.
_OUTER = 0.7


def groups(shape: tuple[int, ...]) -> list[range]:
    """Neighbouring axes whose Gram matrices come from one pass, shortest first: the tensor shrinks before the long ones."""
    found: list[range] = []
    for axis, length in enumerate(shape):
        last = found[-1] if found else range(0)
        if last and len(last) < _AXES and math.prod(shape[last.start : last.stop]) * length <= _GROUP:
            found[-1] = range(last.start, axis + 1)
        else:
            found.append(range(axis, axis + 1))
    outer = {0, len(shape)}
    return sorted(
        found, key=lambda g: math.prod(shape[g.start : g.stop]) * (_OUTER if {g.start, g.stop} & outer else 1)
    )


def three_way(x: Array, axes: range) -> Array:
    """``x`` as (all axes before, the axes, all axes after)."""
    before, after = math.prod(x.shape[: axes.start]), math.prod(x.shape[axes.stop :])
    return x.reshape(before, -1, after)


def gram(three: Array, dtype: np.dtype[Any]) -> Array:
    """``unfolding @ unfolding^H`` along the middle axis of a three-way tensor, multiplied in ``dtype``."""
    return next(_grams(three, dtype, _pieces(three, 1)))


def growing_gram(three: Array, dtype: np.dtype[Any]) -> Iterator[Array]:
    """The Gram matrix of about a quarter of a tensor, and that of all of it: no eigenvalue of the first is the larger one."""
    return _grams(three, dtype, _share(three, quarter=True), _share(three, quarter=False))


def _share(three: Array, *, quarter: bool) -> Iterator[Array]:
    """Every fourth piece of a tensor, or the others."""
    return (piece for turn, piece in enumerate(_pieces(three, _PARTS)) if (turn % 4 == 1) is quarter)


def _grams(three: Array, dtype: np.dtype[Any], *parts: Iterator[Array]) -> Iterator[Array]:
    """The Gram matrix of the pieces so far, after each part."""
    n = three.shape[1]
    compiled = tall.has_products(np.dtype(dtype)) and n > _NARROW
    sums = _Sums(np.zeros((n, n), dtype))
    for part in parts:
        for piece in part:
            matrix = _matrix(piece).astype(dtype, copy=False)
            if compiled:
                _tensor.product(matrix, matrix.T, sums.part, True)
            elif n > _NARROW:
                sums.part += matrix @ matrix.conj().T
            else:
                sums.part += tall.right_gram(matrix.T).conj() if piece.shape[2] == 1 else tall.left_gram(matrix)
            sums.added(matrix.shape[1])
        whole = sums.whole()
        if compiled:
            _mirror(whole)
        yield whole


def _mirror(upper: Array) -> None:
    """Copy what is above the diagonal of a real matrix to what is below, in blocks."""
    n = len(upper)
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        corner = upper[start:stop, start:stop]
        corner[:] = np.triu(corner) + np.triu(corner, 1).T
        upper[stop:, start:stop] = upper[start:stop, stop:].T


class _Sums:
    """A sum in double precision of parts in another, each of not too many columns: rounding does not grow with the tensor."""

    def __init__(self, part: Array) -> None:
        self.part = part
        self._wide = (
            part if part.dtype in (np.float64, np.complex128) else part.astype(np.result_type(part, np.float64))
        )
        self._columns = 0

    def added(self, columns: int) -> None:
        """Take note of what was added to ``part``."""
        self._columns += columns
        if self._columns >= _COLUMNS:
            self.whole()

    def whole(self) -> Array:
        """What was added so far, in the dtype of the parts."""
        if self._wide is not self.part:
            self._wide += self.part
            self.part[:] = 0
            self._columns = 0
        return self._wide.astype(self.part.dtype)


def project(basis: Array, three: Array) -> Array:
    """``basis^H`` times the middle axis: (before, r, after), in the basis's dtype."""
    a, n, b = three.shape
    made = np.zeros((a, basis.shape[1], b), basis.dtype)
    left = np.ascontiguousarray(basis.conj().T)
    numbers = _PIECE if three.dtype == basis.dtype else _CONVERTED
    if b == 1:
        step = max(numbers // n, 1)
        for i in range(0, a, step):
            _add(three[i : i + step, :, 0].astype(basis.dtype, copy=False), left.T, made[i : i + step, :, 0])
    elif b >= _SHORT and _SLICE <= n * b <= numbers:
        for i in range(a):
            _add(left, three[i].astype(basis.dtype, copy=False), made[i])
    else:
        rows, columns = max(numbers // (n * b), 1), max(numbers // n, 1)
        for i in range(0, a, rows):
            for j in range(0, b, columns):
                part = (slice(i, i + rows), slice(None), slice(j, j + columns))
                np.matmul(left, three[part].astype(basis.dtype, copy=False), out=made[part])
    return made


def _add(a: Array, b: Array, y: Array) -> None:
    """Add ``a @ b`` to ``y``, which is zero."""
    if tall.has_products(y.dtype):
        _tensor.product(a, b, y)
    else:
        np.matmul(a, b, out=y)


def marginal(whole: Array, lengths: tuple[int, ...], axis: int) -> Array:
    """The Gram matrix of one axis of a group, from that of the group: the trace over its other axes."""
    k, n = len(lengths), lengths[axis]
    left = list(range(k))
    right = [k if j == axis else j for j in range(k)]
    return np.asarray(np.einsum(whole.reshape(lengths * 2), left + right, [axis, k])).reshape(n, n)


def energies(x: Array, axis: int) -> Array:
    """Sum of squares of each slice along an axis, in double precision."""
    three = three_way(x, range(axis, axis + 1))
    return np.asarray(np.einsum("ijk,ijk->j", three, three.conj()).real, np.float64)


def _pieces(three: Array, parts: int) -> Iterator[Array]:
    """Parts along the first axis; where slices across it are large enough for products of their own, along the last, too."""
    a, n, b = three.shape
    numbers = min(max(three.size // parts, _LEAST), _PIECE)
    if a > 1 and (b < _SHORT or n * b < _SLICE):
        step = max((numbers if b == 1 else min(numbers, _COPY)) // (n * b), 1)
        step = -(-step // _DEPTH) * _DEPTH if b == 1 else step
        yield from (three[start : start + step] for start in range(0, a, step))
        return
    step = max(-(-numbers // (n * _DEPTH)), 1) * _DEPTH
    for i in range(a):
        yield from (three[i : i + 1, :, start : start + step] for start in range(0, b, step))


def _matrix(piece: Array) -> Array:
    """The middle axis as rows: a view of a piece with one place before or after, a copy of others."""
    if len(piece) == 1:
        return np.asarray(piece[0])
    return piece[:, :, 0].T if piece.shape[2] == 1 else piece.transpose(1, 0, 2).reshape(piece.shape[1], -1)
