"""States of a problem: as users give them, and what energy they have."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import AnnealError
from cdt_core.kernels import _anneal
from cdt_core.kernels.anneal.replicas import GROUP

__all__ = ["energies", "read_states"]

Array = NDArray[Any]

#: Weights that one call adds up for each state.
_TERMS = 2**20


def read_states(states: Any, size: int, binary: bool) -> Array:
    """States (k, n), int8 in {-1, +1}, of one or more states; of 0 and 1 where variables are binary.

    Raises
    ------
    AnnealError
        Another shape, or another value; names its index.
    """
    try:
        given = np.asarray(states)
    except ValueError as error:
        raise AnnealError(f"states are no array: {error}") from error
    if np.ma.is_masked(states):
        raise AnnealError("states have masked values; each is -1 or +1")
    if given.ndim not in (1, 2) or given.shape[-1] != size:
        raise AnnealError(f"states have shape {given.shape}; they must be ({size},) or (k, {size})")
    if given.dtype.kind not in "biuf":
        raise AnnealError(f"states have dtype {given.dtype}; they must be integers")
    rows = np.atleast_2d(given)
    if rows.dtype == np.int8 and (np.abs(rows) == 1).all():
        return np.ascontiguousarray(rows)
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

    A state has the same energy, to the last bit, whatever other states come with it. Cost: m additions for each state,
    of four at once.
    """
    start, neighbours, weights = couplings
    step = GROUP * max(1, _TERMS // (fields.size + weights.size // 2))  # Ctrl-C is heard between calls
    found = [
        _anneal.energies(start, neighbours, weights, fields, states[first : first + step])
        for first in range(0, len(states), step)
    ]
    return np.concatenate([np.empty(0, fields.dtype), *found]) + offset
