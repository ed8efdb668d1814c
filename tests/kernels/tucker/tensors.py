"""Tensors to decompose, drawn by hypothesis: shapes of 1 to 6 axes, all types, low and full rank, and awkward ones."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

DTYPES = (np.float32, np.float64, np.complex64, np.complex128)


def normal(rng, shape, dtype):
    values = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def low_rank(rng, shape, rank, dtype, decay=1.0):
    """A sum of `rank` outer products, each `decay` times the one before."""
    whole = np.zeros(shape, np.complex128)
    for r in range(rank):
        part = np.array(decay**r, np.complex128)
        for n in shape:
            part = np.multiply.outer(part, normal(rng, n, dtype))
        whole += part
    return (whole if np.dtype(dtype).kind == "c" else whole.real).astype(dtype)


@st.composite
def tensors(draw, dtypes=DTYPES, least_axes=1):
    axes = draw(st.integers(least_axes, 6))
    longest = {1: 200, 2: 40, 3: 14, 4: 8, 5: 5, 6: 4}[axes]
    shape = tuple(draw(st.lists(st.integers(1, longest), min_size=axes, max_size=axes)))
    dtype = draw(st.sampled_from(dtypes))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    kind = draw(st.sampled_from(("full", "rank 1", "rank 3", "ill", "zero", "one number")))
    if kind == "full":
        x = normal(rng, shape, dtype)
    elif kind == "ill":
        x = low_rank(rng, shape, 6, dtype, 1e-3)
    elif kind in ("rank 1", "rank 3"):
        x = low_rank(rng, shape, int(kind[-1]), dtype)
    else:
        x = np.zeros(shape, dtype)
        x[(0,) * axes] = kind == "one number"
    scale = draw(st.sampled_from((1.0, 1e-9, 1e9)))
    return x * np.array(scale, dtype)


def true_error(x, tensor):
    """Relative error of a decomposition, evaluated in double precision."""
    wide = np.complex128 if x.dtype.kind == "c" else np.float64
    whole = tensor.core.astype(wide)
    for axis, factor in enumerate(tensor.factors):
        whole = np.moveaxis(np.tensordot(factor.astype(wide), whole, (1, axis)), 0, axis)
    norm = np.linalg.norm(x.astype(wide))
    return np.linalg.norm(whole - x) / norm if norm else np.linalg.norm(whole)
