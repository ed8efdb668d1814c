"""States of a problem: as users give them, and what energy they have."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import AnnealError
from cdt_core.kernels.anneal.couplings import row_sums
from cdt_core.kernels.anneal.weights import magnitude

__all__ = ["energies", "read_states"]

Array = NDArray[Any]

#: Local fields of so many spins are held at once: 4 MiB of float32, which caches hold.
_BLOCK = 2**20
#: Couplings times states that are multiplied in one call: some 30 ms.
_WORK = 2**25


def read_states(states: Any, size: int, binary: bool) -> Array:
    """States (k, n), int8 in {-1, +1}, of one or more states; of 0 and 1 where variables are binary.

    Raises
    ------
    AnnealError
        Another shape, or another value; names its index.
    """
    given = np.asarray(states)
    if given.ndim not in (1, 2) or given.shape[-1] != size:
        raise AnnealError(f"states have shape {given.shape}; they must be ({size},) or (k, {size})")
    if given.dtype.kind not in "biuf":
        raise AnnealError(f"states have dtype {given.dtype}; they must be integers")
    rows = np.atleast_2d(given)
    if rows.dtype == np.int8 and (np.abs(rows) == 1).all():
        return rows.copy()
    zeros = (rows == 0) if binary else np.zeros(rows.shape, bool)
    up, down = rows == 1, rows == -1
    if zeros.any():
        down = zeros
    if not (up | down).all():
        i, j = (int(k) for k in np.argwhere(~(up | down))[0])
        allowed = "0 and 1, or -1 and +1" if binary else "-1 and +1"
        where = f"states[{i}, {j}]" if given.ndim == 2 else f"states[{j}]"
        raise AnnealError(f"{where} is {rows[i, j]!s}; states hold {allowed}")
    return np.where(up, np.int8(1), np.int8(-1))


def energies(states: Array, fields: Array, couplings: tuple[Array, Array, Array], offset: int | float) -> Array:
    """``offset + h.s + sum_{i<j} J_ij s_i s_j`` of states (k, n) of int8: (k,), of the fields' dtype.

    A state has the same energy, to the last bit, whatever other states come with it. Cost: 2 m k additions.
    """
    work, total = _arithmetic(fields, couplings)
    twice = 2 * fields.astype(work)[:, None]
    found = np.empty(len(states), fields.dtype)
    step = max(1, _BLOCK // fields.size)
    for first in range(0, len(states), step):
        spins = np.ascontiguousarray(states[first : first + step].T, dtype=work)
        local = _local_fields(couplings, spins)  # each edge is in both its rows: what comes of it is twice the energy
        local += twice
        local *= spins
        found[first : first + step] = np.ascontiguousarray(local.T).sum(axis=1, dtype=total)
    return found // 2 + offset if fields.dtype.kind == "i" else found / 2 + offset


def _local_fields(couplings: tuple[Array, Array, Array], spins: Array) -> Array:
    """What neighbours add to the fields of spins (n, k), in their dtype: some rows after others, so that Ctrl-C is heard."""
    from scipy import sparse

    start, neighbours, weights = couplings
    size, most = spins.shape[0], max(1, _WORK // spins.shape[1])
    local, first = np.empty_like(spins), 0
    while first < size:
        stop = max(first + 1, int(np.searchsorted(start, start[first] + most, side="right")) - 1)
        some = slice(start[first], start[stop])
        rows = (weights[some].astype(spins.dtype), neighbours[some], start[first : stop + 1] - start[first])
        local[first:stop] = sparse.csr_array(rows, shape=(stop - first, size)) @ spins
        first = stop
    return local


def _arithmetic(fields: Array, couplings: tuple[Array, Array, Array]) -> tuple[Any, Any]:
    """Dtypes for local fields and for their sum: of integers the fastest that hold them exactly."""
    start, _, weights = couplings
    if fields.dtype.kind == "f":
        return np.float64, np.float64
    total = 2 * magnitude(fields) + magnitude(weights)
    if total >= 2**53:
        return np.int64, np.int64
    largest = (2 * np.abs(fields) + row_sums(start, np.abs(weights))).max()
    return np.float32 if largest < 2**24 else np.float64, np.float64
