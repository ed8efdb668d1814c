"""Dense tensors to decompose, and what is promised of their trains."""

from __future__ import annotations

import numpy as np


def noisy(shape, rank, noise, dtype="f8", seed=0):
    """A tensor of a train of some rank, of norm 1, and noise of a norm."""
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)

    def normal(size):
        x = rng.normal(size=size)
        return x + 1j * rng.normal(size=size) if dtype.kind == "c" else x

    x = np.ones((1, 1))
    for k, n in enumerate(shape):
        x = np.tensordot(x.reshape(-1, x.shape[-1]), normal((x.shape[-1], n, 1 if k == len(shape) - 1 else rank)), 1)
    x, e = x.reshape(shape), normal(shape)
    return (x / np.linalg.norm(x) + noise * e / np.linalg.norm(e)).astype(dtype)


def true_error(x, train):
    wide = x.astype(np.result_type(x.dtype, np.float64))
    norm = np.linalg.norm(wide)
    return np.linalg.norm(wide - train.full().astype(wide.dtype)) / norm if norm else np.linalg.norm(train.full())


def check(x, train, rtol):
    assert train.shape == x.shape
    error = true_error(x, train)
    assert error <= train.error * (1 + 1e-12) + 1e-15
    assert rtol is None or train.error <= rtol
