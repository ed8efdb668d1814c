"""Sequentially truncated higher-order singular value decomposition, with a certified error."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from cdt_core.errors import TensorError
from cdt_core.kernels.blas import on_one_blas_thread
from cdt_core.kernels.tucker.bases import all_above, leading, left_vectors, orthonormal, rank_for
from cdt_core.kernels.tucker.certificate import IDENTITY_SLACK, certified, energy, identity, rounding
from cdt_core.kernels.tucker.checks import checked_ranks, checked_rtol, checked_tensor, must_be_finite
from cdt_core.kernels.tucker.cropping import cropped, occupied, spread
from cdt_core.kernels.tucker.modes import energies, gram, groups, growing_gram, marginal, project, three_way

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_core.kernels.tucker.decomposition import Tucker

    Array = NDArray[Any]

__all__ = ["hosvd"]

#: From this tolerance on, bases are searched in single precision; below the other, by orthogonal factorisations.
_SINGLE, _SQUARED = 5e-3, 1e-7
#: Least root mean square of a tensor that is searched in single precision; the largest is its inverse.
_SMALL = 1e-8
#: Shorter groups of axes are always searched in double precision: converting the tensor would cost more than it saves.
_LONG = 33
#: Longer groups are not likely to need all directions at a tolerance that single precision is enough for.
_FULL = 64
#: Share of the budget that axes may still give up where the ranks of others have spent all of it.
_LITTLE = 1e-2
#: What single precision may misjudge of the energy that an axis gives up, as a share of all; it plans with less, but no less
#: than this share of the axis's budget. What is left over is trimmed after exact measurement.
_NOISE, _PLANNED = 2e-6, 0.5


@on_one_blas_thread
def hosvd(
    x: Any,
    rtol: float | None = None,
    ranks: int | Sequence[int] | None = None,
    *,
    progress: Callable[[float], None] | None = None,
) -> Tucker:
    """Tucker decomposition of ``x`` with ``||x - full()|| <= rtol ||x||`` certified, or with given ranks.

    Parameters
    ----------
    x
        Tensor of at least one axis: float32, float64, complex64 or complex128 (other numbers become float64).
    rtol
        Largest relative error in the Frobenius norm, from 4 epsilon of the dtype to below 1.
    ranks
        Ranks at most, one for all axes or one for each. With ``rtol`` too, they win where both cannot be had: see ``error``.
    progress
        Called with the share that is done, 0 to 1.

    Returns
    -------
    Tucker
        In ``x``'s dtype. ``error`` is certified: at least the true error. An axis that cannot be truncated has the identity as
        its factor; a tensor that has no truncation within ``rtol`` is its own core.

    Raises
    ------
    TensorError
        NaN or infinite values, an empty tensor, neither ``rtol`` nor ``ranks``, ranks below 1, a tolerance that the dtype
        cannot hold.

    Notes
    -----
    Slices that are all zero, as the border of a padded image, are left out first. Axis by axis, those whose rank is capped
    first, then shortest first, the leading eigenvectors of the unfolding's Gram matrix are kept and the tensor is projected on
    them before the next (Vannieuwenhoven, Vandebril and Meerbergen 2012, "A new truncation strategy for the higher-order
    singular value decomposition", algorithm 1). The budget ``rtol^2 ||x||^2`` is shared equally by the axes that are left, so
    that what one axis does not need goes to the next. Short neighbouring axes share one Gram matrix and one projection; where
    a quarter of the tensor shows already that no direction can be left out (its Gram matrix is a lower bound), it is enough.
    From rtol 5e-3 on, bases are found in single precision, and made orthonormal, applied, measured and trimmed in double; below
    1e-7 they come from orthogonal factorisations, as Gram matrices square the singular values. Errors come from the energy
    identity, and below 1e-6 (float32: 1e-4) from a comparison with the whole tensor. If the first attempt misses the
    tolerance, a more precise one follows.

    For each axis ``n_k N + 2 r_k N`` operations, where N shrinks from ``x.size``, and ``O(n_k^3)``. Extra memory: the projected
    tensor in double precision, up to the size of ``x`` if hardly anything can be truncated, and its rounding to ``x``'s dtype;
    below 1e-7 up to three times ``x`` in double precision; where a comparison is needed, once that; and a copy of what is not
    zero where at least a tenth of ``x`` is slices of zeros.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.add.outer(np.arange(6.0), np.arange(7.0))
    >>> found = hosvd(x, rtol=1e-3)
    >>> found.ranks, found.error <= 1e-3
    ((2, 2), True)
    """
    array = checked_tensor(x)
    if rtol is None and ranks is None:
        raise TensorError("hosvd needs a tolerance or ranks; give rtol, ranks or both")
    caps = array.shape if ranks is None else checked_ranks(ranks, array.shape)
    wanted = None if rtol is None else checked_rtol(rtol, array.dtype)
    places = occupied(array)
    inner = array if places is None else cropped(array, places)
    total = energy(inner)
    must_be_finite(array, total)
    found = _found(inner, caps if places is None else checked_ranks(caps, inner.shape), total, wanted, progress)
    return found if places is None else spread(found, places, array.shape)


def _found(
    x: Array, caps: tuple[int, ...], total: float, rtol: float | None, progress: Callable[[float], None] | None
) -> Tucker:
    """The first attempt that keeps the tolerance; of capped ranks, the one that they keep from it."""
    wanted = rtol or 0.0
    for method in _methods(rtol, math.sqrt(total / x.size)):
        search = _Search(x, caps, total, wanted, method, progress)
        found = search.run()
        if rtol is None or search.capped or (found.error or 0.0) <= wanted:
            return found
    return found if caps != x.shape else identity(x)


def _methods(rtol: float | None, mean: float) -> list[str]:
    """How to search, the fastest first, for a tolerance and a root mean square (squares must fit into single precision)."""
    if rtol is None:
        return ["double"]
    single = rtol >= _SINGLE and _SMALL <= mean <= 1 / _SMALL
    return ["single"] * single + ["double"] * (rtol >= _SQUARED) + ["orthogonal"]


@attrs.define
class _Search:
    """One attempt: the tensor as it shrinks, and what of its energy has been given up."""

    x: Array
    caps: tuple[int, ...]
    total: float
    wanted: float
    method: str
    progress: Callable[[float], None] | None
    factors: list[Array | None] = attrs.field(init=False)
    core: Array = attrs.field(init=False)
    spent: float = 0.0
    left: int = 0
    capped: bool = False

    def run(self) -> Tucker:
        """Shrink along all axes, and certify."""
        self.core = self.x
        self.factors = [None] * self.x.ndim
        self.left = self.x.ndim
        wide = np.result_type(self.x.dtype, np.float64)
        order = [range(k, k + 1) for k in range(self.x.ndim)] if self.method == "orthogonal" else groups(self.x.shape)
        for axes in sorted(order, key=lambda group: not any(self._must_shrink(axis) for axis in group)):
            self._shrink(axes, wide)
            if self.progress is not None:
                self.progress(1 - self.left / self.x.ndim)
        if all(f is None for f in self.factors):
            return identity(self.x)
        made = [np.eye(n, dtype=wide) if f is None else f for n, f in zip(self.x.shape, self.factors, strict=True)]
        return certified(self.x, self.core, made, self.total, self.wanted or math.inf)

    def _must_shrink(self, axis: int) -> bool:
        """Whether an axis has to be shortened whatever the tolerance: those come first, the others share what they leave."""
        return bool(self.caps[axis] < self.x.shape[axis])

    def _allowance(self) -> float:
        """What all axes that are left may give up; where ranks have cost the tolerance, what makes no difference any more."""
        allowed = max(self.wanted - rounding(self.x, self.total), 0.0) ** 2
        if self.capped:
            return _LITTLE * allowed * self.total
        if self.method != "orthogonal":
            allowed -= IDENTITY_SLACK
        return max(allowed * self.total - self.spent, 0.0)

    def _budget(self) -> float:
        """What the next axis may give up: an equal part."""
        return self._allowance() / self.left

    def _cap(self, axis: int) -> int:
        """The largest rank an axis can use: no more than is asked for, nor than the other axes have room for."""
        now: list[int] = [n if f is None else f.shape[1] for n, f in zip(self.x.shape, self.factors, strict=True)]
        return min(self.caps[axis], math.prod(now[:axis]) * math.prod(now[axis + 1 :]))

    def _shrink(self, axes: range, wide: np.dtype[Any]) -> None:
        three = three_way(self.core, axes)
        if self.method == "orthogonal":
            bases = [
                self._taken(axes[0], *left_vectors(three.astype(wide, copy=False), self._budget(), self._cap(axes[0])))
            ]
        else:
            bases = self._from_gram(three, axes, wide)
        if any(basis is not None for basis in bases):
            lengths = self.core.shape[axes.start : axes.stop]
            filled = [
                np.eye(n, dtype=wide) if basis is None else basis for n, basis in zip(lengths, bases, strict=True)
            ]
            shape = list(self.core.shape)
            shape[axes.start : axes.stop] = [basis.shape[1] for basis in filled]
            self.core = project(reduce(np.kron, filled), three).reshape(shape)
        if self.method == "single":
            self._trim(axes)

    def _from_gram(self, three: Array, axes: range, wide: np.dtype[Any]) -> list[Array | None]:
        """Bases of a group's axes, each from what the ones before have left of the group's Gram matrix."""
        single = self.method == "single"
        narrow = np.dtype(np.complex64 if wide.kind == "c" else np.float32)
        dtype = narrow if single and three.shape[1] >= _LONG else wide
        grams = iter([gram(three, dtype)]) if single and three.shape[1] > _FULL else growing_gram(three, dtype)
        whole = next(grams)
        for more in grams:
            if self._is_full(whole, axes):
                self.left -= len(axes)
                return [None] * len(axes)
            whole = more
        lengths = self.core.shape[axes.start : axes.stop]
        bases: list[Array | None] = [None] * len(axes)
        for k in sorted(range(len(axes)), key=lambda k: not self._must_shrink(axes[k])):
            axis, budget = axes[k], self._budget()
            planned = max(budget - _NOISE * self.total, budget * _PLANNED) if single else budget
            basis = self._taken(axis, *leading(marginal(whole, lengths, k), planned, self._cap(axis), not single))
            if basis is not None:
                basis = orthonormal(basis, wide) if single else basis
                self.factors[axis] = bases[k] = basis
            if basis is not None and len(axes) > 1:
                inside = [np.eye(n) if j != k else basis @ basis.conj().T for j, n in enumerate(lengths)]
                both = reduce(np.kron, inside)
                whole = (both @ whole @ both.conj().T).astype(whole.dtype, copy=False)
        return bases

    def _is_full(self, part: Array, axes: range) -> bool:
        """Whether the Gram matrix of a part of the tensor says that no axis of a group can be shortened.

        That of the rest would only add to its eigenvalues (Weyl's inequality).
        """
        lengths = self.core.shape[axes.start : axes.stop]
        noise = 8 * float(np.finfo(part.dtype).eps) * float(np.trace(part).real)
        return all(
            self._cap(axis) == n
            and all_above(marginal(part, lengths, k), max(self._allowance() / (self.left - k), noise))
            for k, (axis, n) in enumerate(zip(axes, lengths, strict=True))
        )

    def _taken(self, axis: int, basis: Array, values: Array) -> Array | None:
        """Account for an axis; nothing is kept of a basis of full rank."""
        lost = float(np.maximum(values[basis.shape[1] :], 0).sum())
        self.capped = self.capped or (basis.shape[1] == self.caps[axis] and lost > self._allowance())
        self.left -= 1
        if basis.shape[1] == self.x.shape[axis]:
            return None
        self.spent += lost
        self.factors[axis] = basis
        return basis

    def _trim(self, axes: range) -> None:
        """Leave out what turns out to fit into the budget, now that energies are known exactly."""
        for k, axis in enumerate(axes):
            basis = self.factors[axis]
            if basis is None:
                continue
            values = energies(self.core, axis)
            self.spent = max(self.total - float(values.sum()), 0.0)
            r = rank_for(values, self._allowance() / (self.left + len(axes) - k), self.caps[axis])
            if r < len(values):
                self.spent += float(values[r:].sum())
                self.core = np.ascontiguousarray(np.take(self.core, range(r), axis))
                self.factors[axis] = basis[:, :r]
