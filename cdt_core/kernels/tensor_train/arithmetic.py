"""What is done with the cores of tensor trains, without ever making the full array.

Cores are a sequence of arrays ``(r_k, n_k, r_{k+1})`` with ``r_0 = r_d = 1``; each function returns new ones.
Oseledets, Tensor-Train Decomposition (SIAM J. Sci. Comput. 33, 2011, section 4) gives the formulae.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdt_core.kernels.tensor_train.triangle import right_factors, times_power

__all__ = ["add", "contract", "dot", "entries", "full", "hadamard", "mean", "norm", "total"]

Array = NDArray[Any]
Cores = Sequence[Array]

#: Numbers that the rows of :func:`entries` may take at once: a quarter of a MiB of float64.
_ROWS = 1 << 15


def full(cores: Cores) -> Array:
    """The array that the cores stand for; two half products and one large one, at the bond where that is least work."""
    shape = tuple(core.shape[1] for core in cores)
    split = _cheapest_split(shape, [core.shape[0] for core in cores] + [1])
    left = cores[0].reshape(-1, cores[0].shape[2])
    for core in cores[1:split]:
        left = (left @ core.reshape(core.shape[0], -1)).reshape(-1, core.shape[2])
    if split == len(cores):
        return left.reshape(shape)
    right = cores[-1].reshape(cores[-1].shape[0], -1)
    for core in reversed(cores[split:-1]):
        right = (core.reshape(-1, core.shape[2]) @ right).reshape(core.shape[0], -1)
    return (left @ right).reshape(shape)


def _cheapest_split(shape: Sequence[int], ranks: Sequence[int]) -> int:
    """How many cores the left half has: the bond with the fewest multiplications in all three products."""
    d = len(shape)
    if d == 1:
        return 1
    left, right = [0.0] * (d + 1), [0.0] * (d + 1)
    elements = float(shape[0])
    for k in range(1, d):
        left[k + 1] = left[k] + elements * ranks[k] * shape[k] * ranks[k + 1]
        elements *= shape[k]
    size, elements = elements, float(shape[-1])
    for k in range(d - 2, -1, -1):
        right[k] = right[k + 1] + elements * ranks[k] * shape[k] * ranks[k + 1]
        elements *= shape[k]
    return min(range(1, d), key=lambda k: left[k] + right[k] + size * ranks[k])


def entries(cores: Cores, indices: NDArray[np.int64]) -> Array:
    """The elements at ``(m, d)`` indices, none negative: ``(m,)``. Cost: ``m * sum(r_k * r_{k+1})`` multiplications."""
    found = np.empty(len(indices), dtype=cores[0].dtype)
    step = max(256, _ROWS // max(core.shape[2] for core in cores))
    for start in range(0, len(indices), step):
        found[start : start + step] = _some_entries(cores, np.ascontiguousarray(indices[start : start + step].T))
    return found


def _some_entries(cores: Cores, columns: NDArray[np.int64]) -> Array:
    """The elements at ``(d, m)`` indices; few enough of them that a row of partial products for each stays in the cache."""
    # Rows are kept in the order of the index that was last multiplied in: each slice of a core then meets one block of
    # rows.
    places = np.arange(columns.shape[1])
    rows = cores[0][0, columns[0], :]
    for core, column in zip(cores[1:], columns[1:], strict=True):
        index = column[places]
        if len(rows) < 4 * core.shape[1]:
            rows = (rows[:, None, :] @ core.transpose(1, 0, 2)[index])[:, 0, :]
            continue
        # 16 bits are sorted by counting, several times as fast.
        order = np.argsort(index.astype(np.uint16) if core.shape[1] <= 1 << 16 else index, kind="stable")
        places, sorted_rows = places[order], rows[order]
        rows = np.empty((len(rows), core.shape[2]), dtype=rows.dtype)
        ends = np.cumsum(np.bincount(index, minlength=core.shape[1]))
        for value, (start, end) in enumerate(pairwise((0, *ends))):
            if start < end:
                np.matmul(sorted_rows[start:end], core[:, value, :], out=rows[start:end])
    found = np.empty(len(rows), dtype=rows.dtype)
    found[places] = rows[:, 0]
    return found


def add(a: Cores, b: Cores) -> list[Array]:
    """Cores of the sum: blocks on a diagonal, ranks add."""
    if len(a) == 1:
        return [a[0] + b[0]]
    dtype = np.result_type(a[0], b[0])
    found = [np.concatenate([a[0], b[0]], axis=2, dtype=dtype)]
    for left, right in zip(a[1:-1], b[1:-1], strict=True):
        (p, n, q), (r, _, s) = left.shape, right.shape
        core = np.zeros((p + r, n, q + s), dtype=dtype)
        core[:p, :, :q] = left
        core[p:, :, q:] = right
        found.append(core)
    return [*found, np.concatenate([a[-1], b[-1]], axis=0, dtype=dtype)]


def hadamard(a: Cores, b: Cores) -> list[Array]:
    """Cores of the elementwise product: Kronecker products of slices, ranks multiply."""
    return [
        (x[:, None, :, :, None] * y[None, :, :, None, :]).reshape(
            x.shape[0] * y.shape[0], x.shape[1], x.shape[2] * y.shape[2]
        )
        for x, y in zip(a, b, strict=True)
    ]


def contract(a: Cores, b: Cores) -> list[Array]:
    """Cores of ``np.tensordot(a, b, 1)``, the last axis of a with the first of b; one core (1, 1, 1) where no axis is left."""
    bond = a[-1][:, :, 0] @ b[0][0]
    if len(b) > 1:
        return [*a[:-1], np.tensordot(bond, b[1], 1), *b[2:]]
    if len(a) > 1:
        return [*a[:-2], np.tensordot(a[-2], bond, 1)]
    return [bond.reshape(1, 1, 1)]


def dot(a: Cores, b: Cores) -> Any:
    """``sum(conj(a) * b)``, in double precision.

    Cost: ``sum(n_k * r_k * r_{k+1} * (r_k + r_{k+1}))`` multiplications for equal ranks.
    """
    double = np.result_type(a[0], b[0], np.float64)
    bond = np.ones((1, 1), dtype=double)
    for x, y in zip(a, b, strict=True):
        half = (bond @ y.reshape(y.shape[0], -1)).reshape(-1, y.shape[2])
        bond = x.reshape(-1, x.shape[2]).conj().T.astype(double, copy=False) @ half
    return bond[0, 0].item()


def total(cores: Cores) -> Any:
    """The sum of all elements, in double precision."""
    return _along_axes(cores, np.sum)


def mean(cores: Cores) -> Any:
    """The mean of all elements, in double precision: of more of them than floats have, too."""
    return _along_axes(cores, np.mean)


def _along_axes(cores: Cores, reduction: Callable[..., Any]) -> Any:
    row = np.ones((1, 1), dtype=np.result_type(cores[0], np.float64))
    for core in cores:
        row = row @ reduction(core, axis=1, dtype=row.dtype)
    return row[0, 0].item()


def norm(cores: Cores) -> float:
    """The Frobenius norm, by QR: exact to rounding for differences too, where ``sqrt(dot)`` loses half the digits."""
    right = right_factors(cores)
    return float(times_power(np.asarray(right.norm), sum(right.powers)))
