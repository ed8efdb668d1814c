"""Matricised tensor times Khatri-Rao product (MTTKRP): the product that alternating least squares consists of."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.kernels import _tensor
from cdt_core.kernels.tucker.checks import checked_factors, checked_tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
    Product = Callable[[Array, Sequence[Array], int], Array]

__all__ = ["khatri_rao", "mttkrp", "mttkrp_all", "sweep"]

#: Trailing axes are taken together until they make rows as long as the first, if not longer than the second.
_ROW, _LONGEST_ROW = 16, 4096
#: Axes before those are taken together until there are as many rows as this.
_ROWS = 64
#: Numbers of a complex partial product that are in memory at once.
_PIECE = 1 << 18
#: Multiplications of one compiled call: some tenths of a second, so that an interrupt is heard in between.
_CALL = 1 << 32


def mttkrp(x: Array, factors: Sequence[Array | None], mode: int) -> Array:
    """``unfold(x, mode) @ conj(khatri_rao(factors but that of mode))``, with neither of the two ever formed.

    Parameters
    ----------
    x
        Tensor of at least one axis, float32, float64, complex64 or complex128 (other numbers become float64).
    factors
        One (n_k, rank) array for each axis; that of ``mode`` is not read and may be ``None``.
    mode
        The axis that stays (negative: counted from the end).

    Returns
    -------
    (n_mode, rank) array of ``x``'s dtype.

    Raises
    ------
    TensorError
        ``x`` is no array of numbers, a factor does not fit, or there is no such axis.

    Notes
    -----
    ``2 rank x.size`` operations in one pass over ``x``; ranks are rounded up to a multiple of 8 (float32: 16). Extra memory: a
    copy of ``x`` unless it is C-contiguous, Khatri-Rao products of groups of short axes, and a tile of 256 rows of a factor.
    Neighbouring axes are grouped to three; a tile's product with the last group is weighted and summed while it is in cache, as
    in Phan, Tichavsky and Cichocki 2013, "Fast alternating LS algorithms for high order CANDECOMP/PARAFAC tensor
    factorizations", section III. Complex arrays go through the same steps in NumPy.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(24.0).reshape(2, 3, 4)
    >>> mttkrp(x, [None, np.ones((3, 1)), np.ones((4, 1))], 0)
    array([[ 66.],
           [210.]])
    """
    array = checked_tensor(x)
    axis, used = checked_factors(array, factors, mode)
    second, third = _groups(array.shape)
    starts = (0, second, third, array.ndim)
    group = next(g for g in range(3) if axis < starts[g + 1])
    branch = range(starts[group], starts[group + 1])
    return _fold(_partial(array, used, starts, group), used, branch, axis)[:, : used[axis].shape[1]]


def mttkrp_all(x: Array, factors: Sequence[Array]) -> list[Array]:
    """``[mttkrp(x, factors, mode) for each mode]`` from two passes over ``x`` in place of one for each mode.

    The same arguments and errors, with all factors given. Extra memory: the partial products of ``sweep`` besides.

    Examples
    --------
    >>> import numpy as np
    >>> [y.ravel().tolist() for y in mttkrp_all(np.arange(6.0).reshape(2, 3), [np.ones((2, 1)), np.ones((3, 1))])]
    [[3.0, 12.0], [3.0, 5.0, 7.0]]
    """
    array = checked_tensor(x)
    _, used = checked_factors(array, factors, -1, keep=True)
    return [product for _, product in sweep(array, used)]


def sweep(x: Array, factors: Sequence[Array]) -> Iterator[tuple[int, Array]]:
    """Each mode in turn with its MTTKRP, for a caller that changes ``factors[mode]`` before it asks for the next.

    A dimension tree of two branches (Phan et al. 2013, section IV): ``x`` is read twice for all modes, not once for each. The
    branches are split where their partial products, (product of the lengths in the branch, rank), are smallest together.
    """
    rank = factors[0].shape[1]
    split = _split(x.shape)
    for group, branch in ((0, range(split)), (2, range(split, x.ndim))):
        if not branch:
            continue
        sums = _partial(x, factors, _around(x.shape, branch), group)
        for mode in branch:
            yield mode, _fold(sums, factors, branch, mode)[:, :rank]


def khatri_rao(factors: Sequence[Array]) -> Array:
    """Column-wise Kronecker product of (n_k, rank) arrays, at least one: (product of n_k, rank), the last one fastest."""
    product = factors[0]
    for factor in factors[1:]:
        product = (product[:, None, :] * factor).reshape(-1, factor.shape[1])
    return product


def _groups(shape: tuple[int, ...]) -> tuple[int, int]:
    """Where the second and the third group of axes start: the third makes rows, the second some tens of them."""
    third = len(shape) - 1
    while third > 0 and math.prod(shape[third:]) < _ROW and math.prod(shape[third - 1 :]) <= _LONGEST_ROW:
        third -= 1
    return _tail(shape, third), third


def _tail(shape: tuple[int, ...], stop: int) -> int:
    """Where the shortest group that ends at ``stop`` and has ``_ROWS`` places starts."""
    start = max(stop - 1, 0)
    while start > 0 and math.prod(shape[start:stop]) < _ROWS:
        start -= 1
    return start


def _split(shape: tuple[int, ...]) -> int:
    """Where the axes are divided for a sweep: the partial products of the two branches are as small as can be."""
    return min(range(1, len(shape)), key=lambda k: math.prod(shape[:k]) + math.prod(shape[k:]), default=0)


def _around(shape: tuple[int, ...], branch: range) -> tuple[int, int, int, int]:
    """Where groups start if one is the first or last branch of axes, and the others divide the rest."""
    if branch.start:
        return 0, _tail(shape, branch.start), branch.start, len(shape)
    if branch.stop == len(shape):
        return 0, 0, 0, len(shape)
    return 0, branch.stop, max(branch.stop, _groups(shape)[1]), len(shape)


def _partial(x: Array, factors: Sequence[Array], starts: tuple[int, ...], group: int) -> Array:
    """Sums over the two other groups of axes: (places of the group, rank rounded up)."""
    three = x.reshape([math.prod(x.shape[a:b]) for a, b in pairwise(starts)])
    others = [
        np.ones((1, factors[0].shape[1]), x.dtype) if g == group or a == b else khatri_rao(factors[a:b])
        for g, (a, b) in enumerate(pairwise(starts))
    ]
    if x.dtype.kind == "c":
        return _complex_partial(three, others, group)
    return _real_partial(three, [_padded(f) for f in others], group)


def _real_partial(x: Array, factors: list[Array], group: int) -> Array:
    """Compiled, a piece of the first axis (or of the second, where the first is 1) at a time."""
    width, along = factors[0].shape[1], 0 if x.shape[0] > 1 else 1
    sums = np.empty((x.shape[group], width), x.dtype)
    step = max(_CALL * x.shape[along] // (x.size * width), 1)
    for start in range(0, x.shape[along], step):
        piece = slice(start, start + step)
        part = x[piece] if along == 0 else x[:, piece]
        given: list[Array | None] = [f[piece] if k == along else f for k, f in enumerate(factors)]
        given[group] = None
        if group == along:
            _tensor.mttkrp(part, given[0], given[1], given[2], group, sums[piece])
        else:
            more = sums if not start else np.empty_like(sums)
            _tensor.mttkrp(part, given[0], given[1], given[2], group, more)
            if start:
                sums += more
    return sums


def _fold(sums: Array, factors: Sequence[Array], branch: range, mode: int) -> Array:
    """Sums over all axes of a branch but one."""
    for axis in reversed(range(mode + 1, branch.stop)):
        sums = _folded(sums.reshape(-1, factors[axis].shape[0], sums.shape[-1]), factors[axis], 0)
    for axis in range(branch.start, mode):
        sums = _folded(sums.reshape(factors[axis].shape[0], -1, sums.shape[-1]), factors[axis], 1)
    return sums


def _folded(sums: Array, factor: Array, keep: int) -> Array:
    if sums.dtype.kind == "c":
        return np.asarray(np.einsum("ijr,jr->ir" if keep == 0 else "ijr,ir->jr", sums, factor.conj()))
    left = np.empty((sums.shape[keep], sums.shape[2]), sums.dtype)
    _tensor.mttkrp_fold(sums, _padded(factor), keep, left)
    return left


def _width(factor: Array) -> int:
    """Columns of a factor, rounded up to what the kernels take."""
    step = _tensor.MTTKRP_BYTES // factor.dtype.itemsize
    return int(-(-factor.shape[1] // step) * step)


def _padded(factor: Array) -> Array:
    more = _width(factor) - factor.shape[1]
    return np.pad(factor, ((0, 0), (0, more))) if more else np.ascontiguousarray(factor)


def _complex_partial(x: Array, factors: Sequence[Array], group: int) -> Array:
    """The same in NumPy, a piece of the first axis at a time."""
    a, b, c = (f.conj() for f in factors)
    sums = np.zeros((x.shape[group], c.shape[1]), x.dtype)
    step = max(_PIECE // max(x.shape[1] * c.shape[1], 1), 1)
    for start in range(0, x.shape[0], step):
        piece = slice(start, start + step)
        if group == 2:
            sums += np.einsum("ijk,ir,jr->kr", x[piece], a[piece], b, optimize=True)
            continue
        t = x[piece] @ c
        if group == 0:
            sums[piece] = np.einsum("ijr,jr->ir", t, b)
        else:
            sums += np.einsum("ijr,ir->jr", t, a[piece])
    return sums
