"""CP decomposition (CANDECOMP/PARAFAC) by alternating least squares, exact or on sampled equations."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from cdt_core.errors import TensorError
from cdt_core.kernels.blas import on_one_blas_thread
from cdt_core.kernels.tucker.bases import top
from cdt_core.kernels.tucker.certificate import energy
from cdt_core.kernels.tucker.checks import checked_change, checked_count, checked_factor, checked_tensor, must_be_finite
from cdt_core.kernels.tucker.khatri_rao import mttkrp, sweep
from cdt_core.kernels.tucker.modes import gram, three_way
from cdt_core.kernels.tucker.sampled import sampled_sweep

if TYPE_CHECKING:
    from numpy.typing import NDArray

    #: TensorLy's type, which has no annotations.
    CPTensor = Any
    Array = NDArray[Any]

__all__ = ["parafac"]

#: Root mean squares below this, and above its inverse, are scaled; by no more than a power of two that single precision holds.
_LEAST, _MOST = 1e-10, 120
#: Sampled sweeps between two exact measurements of the error.
_SWEEPS_PER_CHECK = 5


@on_one_blas_thread
def parafac(  # noqa: PLR0913 (what a user says by name)
    x: Any,
    rank: int,
    *,
    init: str | CPTensor | tuple[Any, Sequence[Any]] = "svd",
    sweeps: int = 100,
    tol: float = 1e-8,
    sampled: bool | int = False,
    seed: int = 0,
    callback: Callable[[CPTensor, float], bool | None] | None = None,
) -> CPTensor:
    """``x`` as a sum of ``rank`` outer products, found by alternating least squares: TensorLy's ``parafac`` on faster products.

    Parameters
    ----------
    x
        Tensor of at least two axes: float32, float64, complex64 or complex128 (other numbers become float64).
    rank
        Number of outer products, at least 1.
    init
        ``"svd"``: leading left singular vectors of the unfoldings, and random columns where an axis is shorter than ``rank``;
        ``"random"``: uniform numbers as TensorLy's ``random_cp``; or a ``CPTensor`` (weights go into the last factor).
    sweeps
        Alternations over all axes, at most.
    tol
        Stop when the relative error changes by less than this from one sweep (sampled: measurement) to the next; 0: never.
    sampled
        Solve each least-squares problem on this many sampled equations (``True``: as many as the rank asks for).
    seed
        Of all random numbers: the same seed, the same result.
    callback
        Called after each sweep (sampled: each measurement) with the decomposition and its relative error; ``True`` ends it.

    Returns
    -------
    tensorly.cp_tensor.CPTensor
        Weights of one, and one (n_k, rank) factor for each axis, in ``x``'s dtype.

    Raises
    ------
    TensorError
        NaN or infinite values, an empty tensor, fewer than two axes, a rank below 1, an ``init`` that does not fit, other
        options that are no numbers of their kind.

    Notes
    -----
    Kolda and Bader 2009, "Tensor decompositions and applications", figure 3.3. Exact: from the same start the iterates are
    those of ``tensorly.decomposition.parafac``, up to rounding; a sweep reads ``x`` twice and takes ``4 rank x.size``
    operations, with the two partial products of ``khatri_rao.sweep`` as extra memory. Where the other factors are dependent
    up to rounding, the solution of least norm is taken. Sampled: Larsen and Kolda 2022, "Practical leverage-based sampling
    for low-rank tensor decomposition", algorithm 5, without its combination of repeated rows; a sweep reads only the sampled
    fibres, and the exact error is measured after every few sweeps (one pass). The best measured one is returned. Sampling
    pays from some ten million numbers on; below, an exact sweep takes no longer than drawing.
    Errors are told to about the root of the dtype's epsilon, as they are differences of squares. A tensor of very large or very
    small numbers is scaled first (one copy), so that its products neither overflow nor vanish.
    Neither is certain to find a best decomposition, nor does one always exist.

    Examples
    --------
    >>> import numpy as np
    >>> from tensorly import cp_to_tensor
    >>> x = np.multiply.outer(np.arange(1.0, 4), np.add.outer(np.arange(1.0, 5), np.arange(1.0, 3)))
    >>> bool(np.allclose(cp_to_tensor(parafac(x, 2)), x))
    True
    """
    array = checked_tensor(x)
    total = energy(array)
    must_be_finite(array, total)
    rank, sweeps = checked_count(rank, "a rank of"), checked_count(sweeps, "a number of sweeps of", 0)
    seed = checked_count(seed, "a seed of", 0) % (1 << 32)
    tol = checked_change(tol)
    if array.ndim < 2:
        raise TensorError("a CP decomposition is of 2 axes or more; of one axis it would be the tensor itself")
    factors = _started(array, rank, init, seed)
    scale = _scale(math.sqrt(total / array.size)) if sweeps else 1.0
    if scale != 1:  # that of a factor does not change what alternation comes to
        array, factors[-1] = _times(array, scale), _times(factors[-1], _scale(float(np.abs(factors[-1]).max()), 1.0))
    watch = _Watch(array, math.sqrt(total) * scale, tol, callback, scale)
    if sampled:
        count = 32 * rank + 256 if sampled is True else checked_count(sampled, "a number of sampled equations of")
        rng = np.random.default_rng(seed)
        return _sampled(factors, sweeps, lambda fs: sampled_sweep(array, fs, count, rng), watch)
    for _ in range(sweeps):
        for mode, product in sweep(array, factors):
            factors[mode] = _solved(factors, mode, product)
        if watch.ended(factors, product):
            break
    return watch.made(factors)


def _scale(mean: float, least: float = _LEAST) -> float:
    """A power of two that brings a number that is far from 1 near to it."""
    if not mean or least <= mean <= 1 / least:
        return 1.0
    return math.ldexp(1.0, max(min(-math.frexp(mean)[1], _MOST), -_MOST))


def _times(x: Array, scale: float) -> Array:
    return np.asarray(x * x.dtype.type(scale))


@attrs.define
class _Watch:
    """The errors so far, and whether to go on."""

    x: Array
    norm: float
    tol: float
    callback: Callable[[CPTensor, float], bool | None] | None
    scale: float
    errors: list[float] = attrs.field(factory=list)

    def ended(self, factors: list[Array], product: Array) -> bool:
        """Measure the error from the last mode's product with the tensor, and say whether that was the last sweep."""
        inner = float(np.vdot(factors[-1], product).real)
        norms = _normal(factors, None).sum().real
        squared = abs(self.norm**2 + float(norms) - 2 * inner)
        self.errors.append(math.sqrt(squared) / self.norm if self.norm else 0.0)
        if self.callback is not None and self.callback(self.made(factors), self.errors[-1]) is True:
            return True
        return bool(self.tol) and len(self.errors) > 1 and abs(self.errors[-2] - self.errors[-1]) < self.tol

    def made(self, factors: list[Array]) -> CPTensor:
        """The decomposition as TensorLy has it."""
        from tensorly.cp_tensor import CPTensor

        last = factors[-1] if self.scale == 1 else _times(factors[-1], 1 / self.scale)
        return CPTensor((np.ones(factors[0].shape[1], self.x.dtype), [*factors[:-1], last]))


def _sampled(factors: list[Array], sweeps: int, renew: Callable[[list[Array]], None], watch: _Watch) -> CPTensor:
    """Sampled sweeps, with one exact step of the last mode where the error is measured."""
    x, best, least = watch.x, list(factors), math.inf
    for done in range(1, sweeps + 1):
        renew(factors)
        if done % _SWEEPS_PER_CHECK and done < sweeps:
            continue
        product = mttkrp(x, factors, -1)
        factors[-1] = _solved(factors, x.ndim - 1, product)
        ended = watch.ended(factors, product)
        if watch.errors[-1] < least:
            best, least = list(factors), watch.errors[-1]
        if ended:
            break
    return watch.made(best)


def _normal(factors: Sequence[Array], mode: int | None) -> Array:
    """Elementwise product of ``factor^H factor`` over all modes but one, in double precision."""
    rank = factors[0].shape[1]
    product = np.ones((rank, rank), np.result_type(factors[0].dtype, np.float64))
    for k, factor in enumerate(factors):
        if k != mode:
            wide = factor.astype(product.dtype, copy=False)
            product = product * (wide.conj().T @ wide)
    return product


def _solved(factors: Sequence[Array], mode: int, product: Array) -> Array:
    """The factor that solves ``factor @ conj(normal) = product``; of least norm where the others are as good as dependent."""
    normal = _normal(factors, mode)
    right = product.astype(normal.dtype, copy=False)
    values, vectors = np.linalg.eigh(normal)
    least = values[-1] * len(values) * float(np.finfo(product.dtype).eps)
    if values[0] > least:
        return np.ascontiguousarray(np.linalg.solve(normal.conj().T, right.T).T, product.dtype)
    inverse = np.divide(1, values, out=np.zeros_like(values), where=values > least)
    return np.ascontiguousarray((right @ vectors.conj() * inverse) @ vectors.T, product.dtype)


def _started(x: Array, rank: int, init: Any, seed: int) -> list[Array]:
    """One (n_k, rank) factor for each axis."""
    rng = np.random.RandomState(seed)
    if isinstance(init, str) and init == "random":
        return [rng.random_sample((n, rank)).astype(x.dtype) for n in x.shape]
    if isinstance(init, str) and init == "svd":
        return [_singular(x, axis, rank, rng) for axis in range(x.ndim)]
    if isinstance(init, str):
        raise TensorError(f"no start is called {init!r}; use 'svd', 'random' or a CPTensor")
    try:
        weights, given = init[0], list(init[1])
    except (TypeError, ValueError, IndexError) as error:
        raise TensorError(f"a start of {type(init).__name__} is no pair of weights and factors: {error}") from error
    factors = [checked_factor(f, k, x.dtype).copy() for k, f in enumerate(given)]
    weights = np.ones(rank) if weights is None else weights
    if [f.shape for f in factors] != [(n, rank) for n in x.shape] or np.shape(weights) != (rank,):
        raise TensorError(
            f"a start with factors of shapes {[f.shape for f in factors]} and weights of shape {np.shape(weights)} "
            f"does not fit a tensor of shape {x.shape}, rank {rank}"
        )
    factors[-1] = factors[-1] * checked_factor(weights, x.ndim - 1, x.dtype)
    if not all(np.isfinite(f).all() for f in factors):
        raise TensorError("the factors of the start have NaN or infinite values; use 'svd' or 'random'")
    return factors


def _singular(x: Array, axis: int, rank: int, rng: np.random.RandomState) -> Array:
    wide = np.result_type(x.dtype, np.float64)
    three = three_way(x, range(axis, axis + 1))
    vectors = top(gram(three, wide), min(rank, x.shape[axis]))
    more = rank - vectors.shape[1]
    return np.ascontiguousarray(np.hstack([vectors, rng.random_sample((x.shape[axis], more))]), x.dtype)
