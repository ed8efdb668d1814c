"""The couplings of a problem as CSR arrays: both directions of each edge, rows sorted, no loops, no zeros."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import AnnealError
from cdt_core.kernels.anneal.terms import LARGEST_EDGES, Terms

__all__ = ["check_couplings", "one_triangle", "refuse_loops", "row_sums", "symmetric"]

Array = NDArray[Any]

#: Elements of a float matrix and of its transpose may differ by this much, relative to the largest: an energy, a sum of
#: all of them, is rounded by as much.
_ROUNDING = 16 * 2.0**-52


def one_triangle(terms: Terms) -> Terms:
    """One term for each edge, of a matrix that is triangular or symmetric.

    Raises
    ------
    AnnealError
        The matrix is neither; names the pair that differs most.
    """
    from scipy import sparse

    matrix = _summed(terms.first, terms.second, terms.weights, terms.size)
    above, below = sparse.triu(matrix, 1, format="csr"), sparse.tril(matrix, -1, format="csr").T.tocsr()
    if above.nnz and below.nnz:
        _check_symmetry(above, below, terms)
        if terms.weights.dtype.kind == "f":
            above = (above + below) * 0.5
    edges = (above if above.nnz else below).tocoo()
    loops = terms.first == terms.second
    return attrs.evolve(
        terms,
        first=np.concatenate([edges.row, terms.first[loops]], dtype=np.int64),
        second=np.concatenate([edges.col, terms.second[loops]], dtype=np.int64),
        weights=np.concatenate([edges.data, terms.weights[loops]]),
        matrix=False,
    )


def refuse_loops(terms: Terms) -> None:
    """An edge from a variable to itself is no part of an Ising model or a cut."""
    loops = (terms.first == terms.second) & (terms.weights != 0)
    if loops.any():
        k = int(np.argmax(loops))
        raise AnnealError(
            f"{terms.place(k)} = {terms.weights[k]} is a self loop; s * s is always 1: leave it out, "
            "or add it to the offset"
        )


def symmetric(terms: Terms) -> tuple[Array, Array, Array]:
    """CSR arrays (start, neighbours, weights) of both directions of each edge; loops are left out, repeated edges summed."""
    low, high = np.minimum(terms.first, terms.second), np.maximum(terms.first, terms.second)
    edges = low != high
    upper = _summed(low[edges], high[edges], terms.weights[edges], terms.size)
    if upper.nnz > LARGEST_EDGES:
        raise AnnealError(f"{terms.name} has {upper.nnz} edges; a problem has at most 2**31 - 1")
    both = (upper + upper.T).tocsr()
    both.sort_indices()
    return both.indptr.astype(np.int64), both.indices.astype(np.int32), both.data


def row_sums(start: Array, weights: Array) -> Array:
    """Sum of the weights of each row."""
    sums = np.zeros(weights.size + 1, weights.dtype)
    np.cumsum(weights, out=sums[1:])
    return sums[start[1:]] - sums[start[:-1]]


def check_couplings(size: int, start: Array, neighbours: Array, weights: Array) -> None:
    """Refuse CSR arrays that :func:`symmetric` would not have made."""
    if start.shape != (size + 1,) or start[0] != 0 or start[-1] != neighbours.size or (np.diff(start) < 0).any():
        raise AnnealError(f"start must be {size + 1} numbers that rise from 0 to the {neighbours.size} neighbours")
    if neighbours.shape != weights.shape or neighbours.ndim != 1:
        raise AnnealError(f"{neighbours.shape} neighbours have {weights.shape} weights; each has one")
    rows = np.repeat(np.arange(size), np.diff(start))
    ahead = np.diff(neighbours) > 0
    ahead[start[1:-1][(start[1:-1] > 0) & (start[1:-1] < neighbours.size)] - 1] = True
    for wrong, why in (
        ((neighbours < 0) | (neighbours >= size), f"is no variable 0 .. {size - 1}"),
        (neighbours == rows, "is the row itself, a self loop"),
        (weights == 0, "has the weight 0; leave it out"),
        (np.append(False, ~ahead)[: neighbours.size], "is not above the one before; rows are sorted"),
    ):
        if wrong.any():
            k = int(np.argmax(wrong))
            raise AnnealError(f"neighbour {k}, {neighbours[k]} in row {rows[k]}, {why}")
    _check_both_directions(size, rows, start, neighbours, weights)


def _check_both_directions(size: int, rows: Array, start: Array, neighbours: Array, weights: Array) -> None:
    """The columns of a symmetric matrix, from first to last, are its rows."""
    from scipy import sparse

    columns = sparse.csr_array((weights, neighbours, start), shape=(size, size)).tocsc()
    if all(
        np.array_equal(*pair)
        for pair in ((columns.indptr, start), (columns.indices, neighbours), (columns.data, weights))
    ):
        return
    turned = np.repeat(np.arange(size), np.diff(columns.indptr))
    k = int(np.argmax((turned != rows) | (columns.indices != neighbours) | (columns.data != weights)))
    # Of the two elements at the first place that differs, the one that comes first has no counterpart.
    i, j = min((int(rows[k]), int(neighbours[k])), (int(turned[k]), int(columns.indices[k])))
    raise AnnealError(f"J[{i}, {j}] and J[{j}, {i}] are not the same; J must be symmetric")


def _check_symmetry(above: Any, below: Any, terms: Terms) -> None:
    difference = abs(above - below).tocoo()
    k = int(np.argmax(difference.data)) if difference.nnz else 0
    allowed = _ROUNDING * float(np.abs(terms.weights).max()) if terms.weights.dtype.kind == "f" else 0
    if difference.nnz and difference.data[k] > allowed:
        i, j = int(difference.row[k]), int(difference.col[k])
        raise AnnealError(
            f"{terms.name}[{i}, {j}] = {above[i, j]} but {terms.name}[{j}, {i}] = {below[i, j]}; "
            f"{terms.name} must be symmetric or triangular"
        )


def _summed(rows: Array, columns: Array, weights: Array, size: int) -> Any:
    """CSR matrix in which repeated elements are summed, and those that come to 0 are not there."""
    from scipy import sparse

    matrix = sparse.coo_array((weights, (rows, columns)), shape=(size, size)).tocsr()
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return matrix
