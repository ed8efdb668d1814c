"""Tensors to sketch, and how far a train is from them."""

from __future__ import annotations

import numpy as np

from cdt_core.kernels.reference import tensor_train as trains_by_the_book
from tests.kernels.tensor_train.trains import numbers, random_train


def noisy(shape, noise=1e-3, dtype="float64", seed=0):
    """Singular values that fall by a constant factor, and noise."""
    make = np.random.default_rng(seed)
    train = random_train(shape, 6, "complex128" if np.dtype(dtype).kind == "c" else "float64", seed)
    fall = [core * 0.3 ** np.arange(core.shape[2]) for core in train.cores]
    x, wrong = trains_by_the_book.full(fall), numbers(make, shape, dtype)
    return (x / np.linalg.norm(x) + noise * wrong / np.linalg.norm(wrong)).astype(dtype)


def relative(found, x):
    return float(np.linalg.norm(found - x) / np.linalg.norm(x))


def whole(sketch, x):
    return sketch.update(sketch.start(), x)
