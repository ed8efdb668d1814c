"""The leading eigenpairs of a data matrix's normal matrix: principal components, of data of any size."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.errors import TensorError
from cdt_core.kernels.blas import on_one_blas_thread
from cdt_core.kernels.eigen.gram import by_columns, by_rows
from cdt_core.kernels.eigen.krylov import Ritz, Space, block_width
from cdt_core.kernels.eigen.moments import rows_of
from cdt_core.kernels.eigen.pairs import Eigenpairs
from cdt_core.kernels.eigen.rows import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["leading"]

#: A dense matrix of this side is 1 GiB; where more is needed the iteration goes on, however long.
_LARGEST_SIDE = 11_585

#: What a sum of squares may have lost: no gap is proven that it could close.
_TRACE_ROUNDING = 2.0**-36

Progress = Callable[[float], None]


@on_one_blas_thread
def leading(
    x: Any, k: int, tol: float = 1e-10, *, centre: bool = True, seed: int = 0, progress: Progress | None = None
) -> Eigenpairs:
    """The k largest eigenvalues of ``x^H x`` and their vectors, each with a certificate: PCA without a copy of the data.

    Few variables (or few samples): the dense ``x^H x`` (or ``x x^H``) and LAPACK. Otherwise block Krylov iteration with full
    reorthogonalisation (Golub and Underwood 1977; Saad, Numerical Methods for Large Eigenvalue Problems, 2011, section 6.4):
    blocks of 8 to 32 vectors, one pass over ``x`` for each. If that has cost more than the dense way would have, the dense way
    is taken after all.

    Parameters
    ----------
    x
        (m, n) samples by variables, real or complex: an ndarray or memmap, or a Zarr or Dask array, which is read by blocks of
        rows of 64 MB; where the dense way is taken for few samples, by such blocks of columns (chunks that are wider are read
        once for each block then). Float32 and integers are summed in float64. Variables of different units are to be scaled by
        the caller.
    k
        Number of pairs, 1 to n.
    tol
        Accuracy of each value, relative to it, but never asked below what rounding allows (about ``4 sqrt(n) 2^-52`` times the
        largest). Vectors are then right to about the root of it over the relative gap; ask for 1e-15 to have them as exact as
        float64 holds.
    centre
        Subtract each column's mean: in a tile, never in a copy, and without loss of digits where means are large.
    seed
        Of the random first block. The same seed gives the same result.
    progress
        Called with the share done, 0 to 1.

    Returns
    -------
    Eigenpairs
        Values, vectors, residuals, error bounds. Divide the values by ``m - 1`` for variances.

    Raises
    ------
    TensorError
        NaN or Inf, masked values, no matrix, k out of range, a tolerance that is not above 0.

    Notes
    -----
    Cost: ``4 m n b`` operations a pass; 9 passes at b = 8 (7 at b = 16) for k = 20 of spectra such as fields have, and one
    before that for the means (two where the first row is far from them). Extra memory: ``n (3 k + 10 b)`` numbers at most and
    one tile, or, where the dense way is chosen, two matrices of the smaller side and ``6 n k`` numbers. An eigenvalue that
    occurs more than b times, exactly, among many others may be given fewer times than it should be; ``proven`` is False then.
    Ctrl-C is heard within a tenth of a second, but not inside LAPACK: the dense way with a side of n takes about
    ``n^3 / 10^10`` seconds there.

    Examples
    --------
    >>> import numpy as np
    >>> from cdt_core.kernels.eigen import leading
    >>> x = np.random.default_rng(1).standard_normal((500, 3)) * [3.0, 1.0, 0.1] + 40
    >>> found = leading(x, 2)
    >>> bool(np.allclose(found.values, np.linalg.eigvalsh(499 * np.cov(x.T))[:0:-1]))
    True
    >>> found.explained.round(2)
    array([0.9, 0.1])
    """
    _check(k, tol, seed)
    rows, total, read = rows_of(x, centre)
    m, n = rows.shape
    if k > n:
        raise TensorError(f"{k} eigenpairs were asked of {n} variables: ask for 1 to {n}")
    budget, trace = _dense_cost(m, n), total / rows.unit * (1 + _TRACE_ROUNDING)
    if budget <= _expected_cost(m, n, k):
        ritz, vectors, passes = _dense(rows, k, trace)
    else:
        ritz, vectors, passes = _iterate(rows, k, tol, trace, (seed, budget, progress))
    if progress is not None:
        progress(1.0)
    values = np.maximum(ritz.values[:k], 0.0)
    rounding = rows.rounding * float(values[0])
    residuals, bounds = ((found + rounding) * rows.unit for found in (ritz.residuals, ritz.bounds))
    signed = vectors * _phases(vectors)
    return Eigenpairs(values * rows.unit, signed, residuals, bounds, ritz.proven, total, rows.mean, passes + read)


def _check(k: Any, tol: Any, seed: Any) -> None:
    if not isinstance(k, Integral) or k < 1:
        raise TensorError(f"{k!r} eigenpairs: ask for a whole number of them, from 1 to the number of variables")
    if not isinstance(tol, Real) or not float(tol) > 0:
        raise TensorError(f"a tolerance of {tol!r} can never be met: give a number above 0, such as 1e-10")
    if not isinstance(seed, Integral) or seed < 0:
        raise TensorError(f"seed {seed!r}: seeds are whole numbers from 0 on")


def _dense_cost(m: int, n: int) -> float:
    """Operations of the dense way, LAPACK's weighted with how much slower they are; infinite where memory would not do."""
    side = min(m, n)
    return float("inf") if side > _LARGEST_SIDE else float(m) * n * side + 6.0 * side**3


def _expected_cost(m: int, n: int, k: int) -> float:
    """Of the iteration, where the spectrum falls as those of fields do: the space is about 3 k + 50 wide when it is done.

    An operation of its kernel takes half the time of one of the dense way; steps take their time however small the matrix.
    """
    return 2.0 * m * n * (3 * k + 50) + 1e8


def _dense(rows: Rows, k: int, total: float) -> tuple[Ritz, NDArray[Any], int]:
    m, n = rows.shape
    ritz, vectors = by_columns(rows, k, total) if n <= m else by_rows(rows, k, total)
    return ritz, vectors, 1 if n <= m else 3


def _iterate(
    rows: Rows, k: int, tol: float, total: float, options: tuple[int, float, Progress | None]
) -> tuple[Ritz, NDArray[Any], int]:
    """Grow the space until each of the k bounds is met."""
    seed, budget, progress = options
    m, n = rows.shape
    width = block_width(k, isinstance(rows.array, np.ndarray))
    space = Space(n, width, max(3 * k + 10 * width, 6 * width), rows.dtype, seed)
    doubt, best, passes = _Doubt(), 0.0, 0
    while True:
        space.grow(rows.product)
        passes += 1
        if space.size < min(n, k + width):
            continue
        ritz = space.ritz(k, total)
        done = _share_done(ritz.bounds, ritz.values[:k] * tol, space.rounding)
        if (done >= 1 and not doubt.remains(space, ritz)) or not space.width:
            return ritz, space.vectors(ritz, k), passes
        best = max(best, done)
        if progress is not None:
            progress(min(best, 0.99))
        if 4.0 * m * n * width * passes > budget:
            dense = _dense(rows, k, total)
            return dense[0], dense[1], passes + dense[2]
        if space.size + space.width > space.limit:
            space.restart(ritz, min(space.size, k + 3 * width))


class _Doubt:
    """Whether a space that ran out of directions may have missed some.

    A block of b vectors sees b copies of an eigenvalue that occurs more often. It then ends in an invariant subspace before the
    trace is used up, and what follows starts from new random directions: if those end, too, and the values are still the same,
    nothing was missed.
    """

    def __init__(self) -> None:
        self.values: NDArray[np.float64] | None = None
        self.exhausted = 0

    def remains(self, space: Space, ritz: Ritz) -> bool:
        if ritz.proven.all() or not space.exhausted:
            return False
        if space.exhausted == self.exhausted:
            return True
        before, now = self.values, ritz.values[: len(ritz.bounds)]
        self.values, self.exhausted = now, space.exhausted
        return before is None or bool((now - before > 2 * ritz.bounds).any())


def _share_done(bounds: NDArray[np.float64], wanted: NDArray[np.float64], rounding: float) -> float:
    """1 when each bound is met; before, how many of the digits the worst of them has."""
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = float(np.max(bounds / np.maximum(wanted, 2 * rounding)))
    if not excess > 1:
        return 1.0
    return float(min(0.99, max(0.0, 1 - np.log10(excess) / 12)))


def _phases(vectors: NDArray[Any]) -> NDArray[Any]:
    """What makes the largest number of each vector positive, so that signs do not depend on how a vector was found."""
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=0)[None], axis=0)[0]
    return np.asarray(np.conj(largest) / np.abs(largest))
