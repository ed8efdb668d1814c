"""Products of matrices with few rows or few columns, of which the other side is long: what tensor decompositions consist of.

Sums are in double precision whatever the array's. Results do not depend on the number of threads: the long side is cut at
places that follow from its length alone, and the parts are added in order.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.linalg

from cdt_core.kernels import _tensor
from cdt_core.kernels.crew import share
from cdt_core.kernels.normal import normal_product

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = [
    "energy",
    "has_products",
    "left_gram",
    "left_project",
    "normal_product",
    "project",
    "r_factor",
    "right_gram",
    "right_project",
    "triangle",
]

#: Bytes of one part: few enough for an interrupt to be seen at once, many enough for its call to cost nothing.
_PART_BYTES = 16 << 20
#: More basis vectors than this are multiplied faster by BLAS, which packs them once for many rows.
_FEW = 32
#: Numbers of a matrix that are reflected at once: 1 MiB of float64, about what a second-level cache holds.
_PIECE = 1 << 17
#: Columns that LAPACK reflects at once. The best of 8, 16 and 32 for 20 to 200 columns.
_PANEL = 16
#: Matrices of so many times more rows than columns are reflected in pieces.
_TALL = 4
#: Numbers that are widened at once to be squared: they stay in cache.
_WIDENED = 1 << 14
#: Numbers in the tiles of a compiled projection, of 320 numbers a row or 8 places: with more they leave the caches.
_MOST_IN_TILES = 1 << 19


def left_gram(a: NDArray[Any], *, workers: int = 1) -> NDArray[Any]:
    """``a @ a^H`` of an (n, m) array, m the long side.

    Parameters
    ----------
    a
        (n, m) of float32, float64, complex64 or complex128; rows without gaps, else it is copied in parts.
    workers
        Threads that share the work.

    Returns
    -------
    ndarray
        (n, n), float64 or complex128. One pass over ``a``; n * m multiply-adds for n up to 128, at the speed of the nearest
        cache.
    """
    return _summed(lambda part: _gram(part, by_rows=True), a, 1, workers)


def right_gram(a: NDArray[Any], *, workers: int = 1) -> NDArray[Any]:
    """``a^H @ a`` of an (m, n) array, m the long side; else as :func:`left_gram`."""
    return _summed(lambda part: _gram(part, by_rows=False), a, 0, workers)


def _gram(a: NDArray[Any], *, by_rows: bool) -> NDArray[Any]:
    n, a = a.shape[0 if by_rows else 1], np.require(a, requirements="A")
    if _is_compiled(a, n):
        sums = np.zeros((n, n))
        _tensor.gram(_without_gaps(a, by_rows), sums, by_rows)
        return sums
    wide = a.astype(np.result_type(a.dtype, np.float64), copy=False)
    rows = wide if by_rows else wide.T
    if not has_products(wide.dtype):
        made: NDArray[Any] = rows @ rows.conj().T
        return made if by_rows else made.conj()
    upper = np.zeros((n, n))
    _tensor.product(rows, rows.T, upper, True)
    return np.triu(upper) + np.triu(upper, 1).T


def left_project(basis: NDArray[Any], a: NDArray[Any]) -> NDArray[Any]:
    """``basis^H @ a`` of an (n, r) basis and an (n, m) array: (r, m), of the array's dtype."""
    made: NDArray[Any] = project(a[..., None], basis, None)[0][..., 0]
    return made


def right_project(a: NDArray[Any], basis: NDArray[Any]) -> NDArray[Any]:
    """``a @ basis`` of an (m, n) array and an (n, r) basis: (m, r), of the array's dtype."""
    made: NDArray[Any] = project(a[None], None, basis)[0][0]
    return made


def project(
    x: NDArray[Any],
    left: NDArray[Any] | None,
    right: NDArray[Any] | None,
    *,
    out: NDArray[Any] | None = None,
    workers: int = 1,
    measure: bool = True,
) -> tuple[NDArray[Any], tuple[float, float]]:
    """``left^H x right`` of an (n, c, k) array in one pass, and the sums of squares before and after.

    Parameters
    ----------
    x
        (n, c, k), without gaps but along the first axis, else it is copied.
    left, right
        (n, r) and (k, s); None: not projected there.
    out
        (r, c, s), of the array's dtype, to be filled.
    workers
        Threads that share the work.
    measure
        False: the energies are not needed (and NaN where they would cost a pass).

    Returns
    -------
    ndarray, (float, float)
        The projection, rounded to the array's dtype; the energies of ``x`` and of the projection before it was rounded. With
        orthonormal bases their difference is what the projection left out.
    """
    n, c, k = x.shape
    r, s = n if left is None else left.shape[1], k if right is None else right.shape[1]
    result = np.empty((r, c, s), x.dtype) if out is None else out
    parts = _parts(c, n * k * x.itemsize)

    def do(start: int, stop: int) -> tuple[float, float]:
        before, after = 0.0, 0.0
        for part in range(start, stop):
            here = slice(*parts[part])
            energies = _project(x[:, here], left, right, result[:, here], measure=measure)
            before, after = before + energies[0], after + energies[1]
        return before, after

    found = share(do, len(parts), workers, most=1)
    return result, (sum(pair[0] for pair in found), sum(pair[1] for pair in found))


def _project(
    x: NDArray[Any], left: NDArray[Any] | None, right: NDArray[Any] | None, out: NDArray[Any], *, measure: bool
) -> tuple[float, float]:
    x = np.require(x, requirements="A")
    few = max(0 if basis is None else basis.shape[1] for basis in (left, right)) <= _FEW
    if few and _is_compiled(x, 1) and len(x) * max(320, 8 * x.shape[2]) <= _MOST_IN_TILES:
        energies = np.zeros(2)
        bases = [None if basis is None else np.require(basis, np.float64, ["C", "A"]) for basis in (left, right)]
        _tensor.project(_without_gaps(x, by_rows=True), bases[0], bases[1], out, energies)
        return float(energies[0]), float(energies[1])
    wide = x.astype(np.result_type(x.dtype, np.float64), copy=False)
    made = wide
    if left is not None:
        made = _times(left.conj().T, made.reshape(len(x), -1)).reshape(left.shape[1], *x.shape[1:])
    if right is not None:
        made = _times(made.reshape(-1, x.shape[2]), right).reshape(*made.shape[:2], right.shape[1])
    out[...] = made
    return (energy(wide), energy(made)) if measure else (math.nan, math.nan)


def _times(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """A product of matrices in double precision."""
    if not has_products(np.result_type(a, b)):
        return np.asarray(a @ b)
    made = np.zeros((a.shape[0], b.shape[1]))
    _tensor.product(a.astype(np.float64, copy=False), b.astype(np.float64, copy=False), made)
    return made


def has_products(dtype: np.dtype[Any]) -> bool:
    """Whether the compiled product of matrices, of which one side is some hundreds, is no slower than that of NumPy's BLAS."""
    return dtype.kind == "f" and _tensor.kernels_name() != "baseline"


def energy(a: NDArray[Any]) -> float:
    """The sum of squares of a contiguous array, in double precision."""
    flat, double = a.reshape(-1), np.result_type(a.dtype, np.float64)
    step = len(flat) if a.dtype == double else _WIDENED
    total = 0.0
    for start in range(0, len(flat), max(1, step)):
        part = flat[start : start + step].astype(double, copy=False)
        total += float(np.vdot(part, part).real)
    return total


def r_factor(a: NDArray[Any]) -> NDArray[Any]:
    """The upper triangle ``r`` of ``a = q @ r``; ``q`` is never formed.

    Parameters
    ----------
    a
        (m, n), contiguous or the transpose of a contiguous array; m the long side.

    Returns
    -------
    ndarray
        (min(m, n), n), float64 or complex128: its singular values are those of ``a`` to about 1e-16 of the largest, where a
        Gram matrix resolves 1e-8. 2 * m * n**2 operations, in tiles by Householder reflections.

    References
    ----------
    Roehrig-Zoellner, Thies, Basermann, "Performance of the low-rank TT-SVD for large dense tensors on modern multicore CPUs",
    SIAM J. Sci. Comput. 44(4), 2022: the Q-less tall-skinny QR.
    """
    m, n = a.shape
    if _is_compiled(a, n) and m >= n:
        r = np.zeros((n, n))
        by_rows = not a.flags.c_contiguous
        for start, stop in _parts(m, n * a.itemsize):
            part = np.require(a[start:stop], requirements="A")
            _tensor.triangle(_without_gaps(part.T if by_rows else part, by_rows), r, by_rows)
        return r
    if m >= _TALL * n:
        return triangle(a)
    wide = a.astype(np.result_type(a.dtype, np.float64), copy=False)
    return np.asarray(scipy.linalg.qr(wide, mode="r", check_finite=False)[0])[: min(m, n)]


def triangle(a: NDArray[Any]) -> NDArray[Any]:
    """``r`` (n, n), upper triangular, of ``a = q @ r``, in double precision; ``a`` is (m, n), Fortran order is quickest.

    A sequential TSQR (Demmel, Grigori, Hoemmen, Langou, SIAM J. Sci. Comput. 34, 2012): each piece of rows is
    eliminated against the triangle so far (LAPACK's ``tpqrt``, ``2 m n^2`` flops in all). ``q`` is never formed.
    Backward stable, at nearly twice the speed of one ``geqrf`` of the whole for 8000 x 80; memory for one piece.
    """
    m, n = a.shape
    double = np.result_type(a.dtype, np.float64)
    (eliminate,) = scipy.linalg.get_lapack_funcs(("tpqrt",), dtype=double)
    r = np.zeros((n, n), dtype=double, order="F")
    step = max(2 * n, _PIECE // n)
    for start in range(0, m, step):
        piece = np.array(a[start : start + step], dtype=double, order="F")
        r = eliminate(0, min(_PANEL, n), r, piece, overwrite_a=True, overwrite_b=True)[0]
    return np.triu(r)


def _summed(do: Callable[[NDArray[Any]], NDArray[Any]], a: NDArray[Any], axis: int, workers: int) -> NDArray[Any]:
    """The sum of ``do`` over parts of the long axis."""
    parts = _parts(a.shape[axis], a.shape[1 - axis] * a.itemsize)

    def one(start: int, stop: int) -> NDArray[Any]:
        here = slice(*parts[start])
        return do(a[:, here] if axis else a[here])

    found = share(one, len(parts), workers, most=1)
    n = a.shape[1 - axis]
    return sum(found[1:], found[0]) if found else np.zeros((n, n), np.result_type(a.dtype, np.float64))


def _parts(length: int, width: int) -> list[tuple[int, int]]:
    """Where to cut ``length`` places of ``width`` bytes."""
    step = max(1, _PART_BYTES // max(1, width))
    return [(start, min(start + step, length)) for start in range(0, length, step)]


def _is_compiled(a: NDArray[Any], n: int) -> bool:
    return a.dtype in (np.float32, np.float64) and 0 < n <= _tensor.TALL_MOST


def _without_gaps(a: NDArray[Any], by_rows: bool) -> NDArray[Any]:
    """An array as the kernels take it: its own memory where that is possible."""
    rows = by_rows and a.size and a[0].flags.c_contiguous and a.strides[0] >= 0 and a.strides[0] % a.itemsize == 0
    return a if rows or a.flags.c_contiguous else np.ascontiguousarray(a)
