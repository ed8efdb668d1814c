"""Functions of indices to sample."""

from __future__ import annotations

import numpy as np


def hilbert(indices):
    """``1 / (1 + sum x^2)``."""
    return 1.0 / (1.0 + (indices.astype(float) ** 2).sum(axis=1))


def gaussian(centre, variance):
    """One peak of height 1."""
    return lambda indices: np.exp(-((indices - np.asarray(centre)) ** 2).sum(axis=1) / (2.0 * variance))


def of_array(x):
    """The elements of an array."""
    return lambda indices: x[tuple(indices.T)]


def everywhere(f, shape):
    """All values of a function: an array."""
    indices = np.indices(shape).reshape(len(shape), -1).T
    return f(indices).reshape(shape)


def digits(f):
    """A function on [0, 1) of binary digits, the largest first."""
    return lambda indices: f(indices @ 2.0 ** -np.arange(1, indices.shape[1] + 1))


class Counted:
    """A function that remembers how often it was asked, and how much at most at once."""

    def __init__(self, f):
        self.f = f
        self.asked = 0
        self.most = 0

    def __call__(self, indices):
        assert indices.dtype == np.int64
        self.asked += len(indices)
        self.most = max(self.most, indices.size)
        return self.f(indices)
