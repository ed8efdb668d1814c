"""The arrays of the tensor table: seeded ones, and fields and images of the test-data folder."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np

from benchmarks.peers.arrays import data_folder
from benchmarks.peers.peer import Array
from cdt_core.kernels.tensor_train import TensorTrain


def noisy_train(n: int) -> Array:
    """n^6 float64 of norm 1: a train of rank 10 whose middle bond decays by halves, and noise of norm 1e-4."""
    rng = np.random.default_rng(7)
    x = np.ones((1, 1))
    for k in range(6):
        rank = 1 if k == 5 else 10
        core = rng.normal(size=(x.shape[1] * n, rank))
        if len(core) >= rank:
            core = np.linalg.qr(core)[0]
        core = core * 0.5 ** np.arange(rank) if k == 2 else core
        x = np.tensordot(x, core.reshape(x.shape[1], n, rank), 1).reshape(-1, rank)
    x = x.reshape((n,) * 6)
    x /= np.linalg.norm(x)
    for part in x:  # in parts, so that noise needs no second tensor
        part += 1e-4 / np.sqrt(x.size) * rng.normal(size=part.shape)
    return x


def doubled_train() -> TensorTrain:
    """A train of six axes of 100 places and rank 80, which is one of rank 40 added to itself."""
    rng = np.random.default_rng(3)
    ranks = [1, 40, 40, 40, 40, 40, 1]
    train = TensorTrain([rng.normal(size=(a, 100, b)) / np.sqrt(40) for a, b in pairwise(ranks)])
    return train + train


@cache
def eraint() -> Array:
    """Heights and winds of ERA-Interim, each standardised: (3, 2, 3, 241, 480) float64."""
    import xarray as xr

    with xr.open_dataset(data_folder() / "geospatial" / "eraint_uvz.nc", engine="scipy") as file:
        fields = [file[name].values.astype(np.float64) for name in "uvz"]
    return np.stack([(field - field.mean()) / field.std() for field in fields])


@cache
def image() -> Array:
    """A magnetic resonance image: (128, 96, 24, 2) float64."""
    import nibabel

    return np.ascontiguousarray(nibabel.load(data_folder() / "imaging_medical" / "example4d.nii.gz").get_fdata())


def patches(side: int) -> Array:
    """Overlapping square patches of nine fields of ERA-Interim as rows: 54050 x 1296 for sides of 12, 12992 x 3600 for 20."""
    fields = eraint()[:, 0].reshape(9, 241, 480)
    step = {12: 1, 20: 3}[side]
    windows = np.lib.stride_tricks.sliding_window_view(fields, (side, side), axis=(1, 2))[:, ::step, ::step]
    rows = windows.transpose(1, 2, 0, 3, 4).reshape(-1, 9 * side * side)
    wanted = {12: 54050, 20: 12992}[side]
    return np.ascontiguousarray(rows[np.linspace(0, len(rows) - 1, min(wanted, len(rows))).astype(int)])


def smooth() -> Array:
    """Twelve wave packets in four dimensions: (12, 24, 48, 64) float64."""
    rng = np.random.default_rng(4)
    axes = np.meshgrid(*(np.linspace(0, 1, n) for n in (12, 24, 48, 64)), indexing="ij")
    found = np.zeros(axes[0].shape)
    for _ in range(12):
        waves, centre, width = rng.normal(0, 3, 4), rng.random(4), rng.uniform(0.15, 0.5)
        packet = np.exp(-sum((x - c) ** 2 for x, c in zip(axes, centre, strict=True)) / width**2)
        found += rng.normal() * packet * np.cos(2 * sum(k * x for k, x in zip(waves, axes, strict=True)))
    return found
