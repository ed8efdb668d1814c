"""Generated fields: seeded, append-only, so that figures stay comparable over time."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np


def gaussian_field(side: int, ndim: int = 3, exponent: float = -5 / 3, seed: int = 1) -> np.ndarray:
    """Gaussian random field with energy spectrum k**exponent: float32, ``(side,) * ndim``, zero mean, unit deviation."""
    noise = np.random.default_rng(seed).standard_normal((side,) * ndim, dtype=np.float32)
    spectrum = np.fft.rfftn(noise)
    axes = [np.fft.fftfreq(side, 1 / side)] * (ndim - 1) + [np.fft.rfftfreq(side, 1 / side)]
    k = np.sqrt(sum(axis**2 for axis in np.meshgrid(*axes, indexing="ij", sparse=True)))
    k[(0,) * ndim] = 1.0
    spectrum *= k ** ((exponent - (ndim - 1)) / 2)
    spectrum[(0,) * ndim] = 0.0
    field = np.fft.irfftn(spectrum, s=(side,) * ndim, axes=range(ndim))
    return (field / field.std()).astype(np.float32)


@lru_cache(maxsize=1)
def _noise(seed: int) -> np.ndarray:
    """Normal noise that blocks cut windows from: 16 MiB, so that a virtual field is not a test of the generator."""
    return np.random.default_rng(seed).standard_normal((2048, 2048), dtype=np.float32) * np.float32(1e-3)


@lru_cache(maxsize=4)
def _across(start: tuple[int, ...], shape: tuple[int, ...]) -> np.ndarray:
    y, x = (np.arange(s, s + n, dtype=np.float32) for s, n in zip(start, shape, strict=True))
    return np.sin(y / 37)[:, None] * np.cos(x / 53)[None, :] + 0.3 * np.sin((y[:, None] + 2 * x[None, :]) / 211)


def waves_block(start: tuple[int, ...], shape: tuple[int, ...], seed: int = 1) -> np.ndarray:
    """A block of an endless smooth 3-d field with 1e-3 noise, float32: the same values wherever blocks are cut along axis 0."""
    block = np.empty(shape, np.float32)
    across, noise = _across(start[1:], shape[1:]), _noise(seed)
    for row, depth in enumerate(np.arange(start[0], start[0] + shape[0], dtype=np.float32)):
        np.multiply(across, np.cos(depth / 19), out=block[row])
        block[row] += np.sin(depth / 91)
        top, left = (np.random.default_rng([seed, int(depth)]).integers(0, 1024, 2)).tolist()
        block[row] += noise[top : top + shape[1], left : left + shape[2]]
    return block


def waves_file(path: Path, gigabytes: float = 1.0) -> Path:
    """A ``.npy`` file of :func:`waves_block`, planes of 1024 x 1024, made once."""
    planes = max(1, round(gigabytes * 1e9 / (1024 * 1024 * 4)))
    if path.is_file() and path.stat().st_size > planes * 1024 * 1024 * 4:
        return path
    values = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(planes, 1024, 1024))
    for plane in range(0, planes, 8):
        count = min(8, planes - plane)
        values[plane : plane + count] = waves_block((plane, 0, 0), (count, 1024, 1024))
    values.flush()
    return path


def turbulence_file(path: Path, gigabytes: float = 1.0) -> Path:
    """A ``.npy`` file like :func:`waves_file`'s: each plane another mix of six Gaussian random fields, so that none repeats."""
    planes = max(1, round(gigabytes * 1e9 / (1024 * 1024 * 4)))
    parts = np.stack([gaussian_field(1024, 2, seed=seed) for seed in range(6)])
    values = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(planes, 1024, 1024))
    speeds = np.sqrt(np.array([2, 3, 5, 7, 11, 13])) / 19
    for plane in range(planes):
        values[plane] = np.tensordot(np.cos(speeds * plane).astype(np.float32), parts, 1)
    values.flush()
    return path


def waves_dataset(gigabytes: float):
    """A virtual dataset of :func:`waves_block`: lazy, chunks of 2 planes, nothing stored anywhere."""
    import dask.array as da
    import xarray as xr

    planes = max(2, round(gigabytes * 1e9 / (1024 * 1024 * 4)))

    def make(block_info=None):
        where = block_info[None]["array-location"]
        return waves_block(tuple(a for a, _ in where), tuple(b - a for a, b in where))

    chunks = ((2,) * (planes // 2) + ((1,) if planes % 2 else ()), (1024,), (1024,))
    array = da.map_blocks(make, chunks=chunks, dtype=np.float32, meta=np.empty((0, 0, 0), np.float32))
    return xr.Dataset({"waves": (("z", "y", "x"), array, {"units": "1"})})
