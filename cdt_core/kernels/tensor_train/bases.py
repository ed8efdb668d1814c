"""Orthonormal bases of the first or the last axes of a tensor, as chains of cores."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.linalg
from attrs import frozen

from cdt_core.errors import TensorError
from cdt_core.kernels import tall
from cdt_core.kernels.spectrum import leading, rank_of_singular

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Chain", "Limits", "chain", "check_finite", "of_gram", "root_of_gram", "single"]


@frozen(eq=False)
class Chain:
    """Cores of the axes at one end, the basis (n, r) that they make, and the energy that it leaves out, in all."""

    cores: list[NDArray[Any]]
    basis: NDArray[Any]
    left_out: float


@frozen
class Limits:
    """What a bond may leave out of a tensor's energy, and its largest rank."""

    budget: float
    rank: int | None


def check_finite(sums: NDArray[Any] | float) -> None:
    """Raise :class:`TensorError` where a sum over the array is not finite."""
    if not np.all(np.isfinite(sums)):
        raise TensorError(
            "the array has NaN or infinite values, or squares that overflow; fill missing values, or scale it, before it is "
            "decomposed"
        )


def of_gram(gram: NDArray[Any], limits: Limits, *, exact: bool = True) -> tuple[NDArray[Any], float]:
    """The leading eigenvectors (n, r) of an (n, n) Gram matrix, and the energy that they leave out.

    Raises
    ------
    TensorError
        The matrix, and so the array that it is of, has values that are not finite.
    """
    check_finite(gram)
    vectors, energies = leading(gram, limits.budget, limits.rank, exact)
    left_out = float(np.sum(np.maximum(energies[vectors.shape[1] :], 0)))
    return np.ascontiguousarray(vectors), left_out


def root_of_gram(gram: NDArray[Any]) -> NDArray[Any]:
    """A square root (n, n) of an (n, n) Gram matrix: ``root @ root^H`` is it, columns by falling energy.

    Raises
    ------
    TensorError
        As :func:`of_gram`.
    """
    check_finite(gram)
    values, vectors = scipy.linalg.eigh(gram, check_finite=False, driver="evd")
    return np.ascontiguousarray((vectors * np.sqrt(np.maximum(values, 0)))[:, ::-1])


def chain(
    values: NDArray[Any], lengths: Sequence[int], edge: int, limits: Limits, *, left: bool, precise: bool = False
) -> Chain:
    """The cores of some axes at one end of a tensor, outermost first.

    Parameters
    ----------
    values
        (edge, *lengths, w) at the left end, (w, *lengths, edge) at the right, in one piece of memory: the tensor, rows or
        columns sampled from it, or a root of its Gram matrix.
    lengths
        Of the axes, in the order of the tensor.
    edge
        The rank at the outer side of the axes: 1 at the very end.
    limits
        What each bond may leave out, and the largest rank.
    left
        Which end.
    precise
        By triangles instead of Gram matrices: for tolerances below 1e-7.

    References
    ----------
    Oseledets, "Tensor-Train Decomposition", SIAM J. Sci. Comput. 33(5), 2011, algorithm 1.
    """
    cores: list[NDArray[Any]] = []
    basis: NDArray[Any] = np.eye(edge)
    left_out = 0.0
    rest = values
    for length in lengths if left else lengths[::-1]:
        n = edge * length
        rest = rest.reshape((n, -1) if left else (-1, n))
        vectors, lost = _basis(rest, limits, left=left, precise=precise)
        rank, left_out = vectors.shape[1], left_out + lost
        if left:
            rest = tall.left_project(vectors, rest)
            cores.append(vectors.reshape(edge, length, rank))
            basis = np.tensordot(basis, cores[-1], 1).reshape(-1, rank)
        else:
            rest = tall.right_project(rest, vectors)
            cores.insert(0, np.ascontiguousarray(vectors.conj().T).reshape(rank, length, edge))
            basis = np.einsum("te,ler->ltr", basis, vectors.reshape(length, edge, rank)).reshape(-1, rank)
        edge = rank
    if basis.shape[0] == basis.shape[1]:
        return _everything(lengths, basis, left_out, left=left)
    return Chain(cores, np.ascontiguousarray(basis), left_out)


def single(vectors: NDArray[Any], length: int, edge: int, left_out: float, *, left: bool) -> Chain:
    """The chain of one axis from a basis (n, r) of it."""
    if vectors.shape[0] == vectors.shape[1]:
        return _everything([length], vectors, left_out, left=left)
    core = (
        vectors.reshape(edge, length, -1) if left else np.ascontiguousarray(vectors.conj().T).reshape(-1, length, edge)
    )
    return Chain([core], vectors, left_out)


def _everything(lengths: Sequence[int], basis: NDArray[Any], left_out: float, *, left: bool) -> Chain:
    """Cores that keep every direction as it is: a basis that turns them all would only cost a pass."""
    n = len(basis)
    edge = n // math.prod(lengths)
    cores: list[NDArray[Any]] = []
    for length in lengths if left else lengths[::-1]:
        whole = np.eye(edge * length, dtype=basis.dtype)
        shape = (edge, length, -1) if left else (-1, length, edge)
        cores.insert(len(cores) if left else 0, whole.reshape(shape))
        edge *= length
    return Chain(cores, np.eye(n, dtype=basis.dtype), left_out)


def _basis(matrix: NDArray[Any], limits: Limits, *, left: bool, precise: bool) -> tuple[NDArray[Any], float]:
    """The leading singular vectors on one side of a matrix, and the energy that they leave out."""
    if not precise:
        return of_gram(tall.left_gram(matrix) if left else tall.right_gram(matrix), limits)
    triangle = tall.r_factor(matrix.T).conj() if left else tall.r_factor(matrix)
    check_finite(triangle)
    _, sizes, vectors = scipy.linalg.svd(triangle, full_matrices=False, check_finite=False)
    rank, lost = rank_of_singular(sizes, limits.budget, limits.rank)
    return np.ascontiguousarray(vectors[:rank].conj().T), lost
