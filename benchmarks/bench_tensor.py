"""Tensor kernels: trains, Tucker, eigenpairs and their building blocks, with error and size beside the time."""

from __future__ import annotations

import numpy as np

from cdt_core.kernels import tall
from cdt_core.kernels.eigen import leading
from cdt_core.kernels.tensor_train import TTSketch, tt_cross, tt_svd
from cdt_core.kernels.tucker import hosvd, mttkrp_all

RTOL = 1e-3


def noisy_train(n: int, axes: int = 6, rank: int = 10) -> np.ndarray:
    """n^axes float64 of norm 1: a train of a rank, and noise of norm 1e-4."""
    rng = np.random.default_rng(7)
    x = np.ones((1, 1))
    for k in range(axes):
        right = 1 if k == axes - 1 else rank
        x = np.tensordot(x, rng.normal(size=(x.shape[1], n, right)), 1).reshape(-1, right)
    x = x.reshape((n,) * axes) / np.linalg.norm(x)
    return x + 1e-4 / np.sqrt(x.size) * rng.normal(size=x.shape)


class Trains:
    params = (["default", "exact"], ["f4", "f8"])
    param_names = ("bases", "dtype")

    def setup(self, bases, dtype):
        self.x = noisy_train(14).astype(dtype)
        self.exact = bases == "exact"

    def time_tt_svd(self, bases, dtype):
        tt_svd(self.x, RTOL, exact=self.exact)

    def peakmem_tt_svd(self, bases, dtype):
        tt_svd(self.x, RTOL, exact=self.exact)

    def track_certified_over_requested(self, bases, dtype):
        return tt_svd(self.x, RTOL, exact=self.exact).error / RTOL

    def track_ratio(self, bases, dtype):
        return tt_svd(self.x, RTOL, exact=self.exact).ratio


class Arithmetic:
    def setup(self):
        train = tt_svd(noisy_train(14), RTOL)
        self.sum = train + train + train
        self.indices = np.random.default_rng(0).integers(0, 14, (20000, 6))

    def time_round(self):
        self.sum.round(1e-8)

    def time_entries(self):
        self.sum.entries(self.indices)

    def track_largest_rank_of_a_rounded_sum(self):
        return max(self.sum.round(1e-8).ranks)


class Sampled:
    shape = (20,) * 6

    def setup(self):
        self.slabs = noisy_train(12).reshape(12, *(12,) * 5)
        self.sketch = TTSketch(self.slabs.shape, 10)

    def function(self, indices):
        return 1 / (1 + indices.sum(axis=1))

    def time_tt_cross(self):
        tt_cross(self.function, self.shape, 1e-8)

    def track_evaluations_of_tt_cross(self):
        return tt_cross(self.function, self.shape, 1e-8).evaluations

    def time_sketch(self):
        state = self.sketch.start()
        for k, slab in enumerate(self.slabs):
            state = self.sketch.update(state, slab[None], (k, 0, 0, 0, 0, 0))
        self.sketch.finish(state)


class Blocks:
    """The compiled building blocks, by the side that is long."""

    params = (["rows", "columns"], ["f4", "f8"])
    param_names = ("layout", "dtype")

    def setup(self, layout, dtype):
        x = np.random.default_rng(0).normal(size=(20, 400_000)).astype(dtype)
        self.by_rows = layout == "rows"
        self.x = x if self.by_rows else np.ascontiguousarray(x.T)
        self.basis = np.linalg.qr(np.random.default_rng(1).normal(size=(20, 10)))[0]

    def time_gram(self, layout, dtype):
        (tall.left_gram if self.by_rows else tall.right_gram)(self.x)

    def time_triangle(self, layout, dtype):
        tall.r_factor(self.x.T if self.by_rows else self.x)

    def time_project(self, layout, dtype):
        if self.by_rows:
            tall.left_project(self.basis, self.x)
        else:
            tall.right_project(self.x, self.basis)


class TuckerAndCanonical:
    params = ([(200, 200, 200), (3, 2, 3, 121, 240)],)
    param_names = ("shape",)

    def setup(self, shape):
        rng = np.random.default_rng(0)
        self.x = rng.standard_normal(shape)
        for axis in range(self.x.ndim):
            self.x = np.cumsum(self.x, axis)
        self.factors = [rng.standard_normal((n, 16)) for n in shape]

    def time_mttkrp_all(self, shape):
        mttkrp_all(self.x, self.factors)

    def time_hosvd(self, shape):
        hosvd(self.x, 1e-2)

    def track_ratio_of_hosvd(self, shape):
        return hosvd(self.x, 1e-2).ratio


class Eigenpairs:
    def setup(self):
        rng = np.random.default_rng(0)
        self.x = rng.normal(size=(20000, 800)) * 0.9 ** np.arange(800)

    def time_leading(self):
        leading(self.x, 10)

    def track_passes(self):
        return leading(self.x, 10).passes
