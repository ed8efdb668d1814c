"""Arrays that each take one path through the format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cdt_core.kernels import compress
from cdt_core.model import Bound
from tests.golden.make import bits, holes, noise, plane, walk


def few(*shape: int, count: int = 200, dtype: str = "f8") -> NDArray[Any]:
    """Few distinct numbers, at random places."""
    numbers = noise(count, 3).astype(np.float64) * 2.0**-62
    return numbers.astype(dtype)[noise(int(np.prod(shape)), 5) % np.uint64(count)].reshape(shape)


def slabs() -> NDArray[Any]:
    """Few distinct numbers along the first axis, others at each place of it."""
    values = np.stack([few(2000, count=60) * (i + 1.3) for i in range(5)])
    values[2] = np.nan  # all exact, in a palette all the same
    return values


def spots(values: NDArray[Any], *shape: int, size: int = 1) -> NDArray[Any]:
    """Values with missing ones at places that repeat along the axes that ``shape`` leaves out."""
    values[..., np.repeat((noise(int(np.prod(shape)), 8) >> np.uint64(63)).astype(bool).reshape(shape), size, -1)] = (
        np.nan
    )
    return values


def islands(*shape: int, dtype: str = "f4") -> NDArray[Any]:
    """Noise here and there in a sea of zeros."""
    values = (noise(int(np.prod(shape))) >> np.uint64(54)).astype(dtype)
    values[np.arange(values.size) // 70 % 5 > 0] = 0
    return values.reshape(shape)


def ramp(*shape: int, dtype: str = "f4") -> NDArray[Any]:
    """Smooth, with a little noise."""
    rough = (noise(int(np.prod(shape)), 2) >> np.uint64(56)).astype(np.float64).reshape(shape) * 2.0**-12
    return (plane("f8", *shape) * 2.0**-6 + rough).astype(dtype)


def bump(dtype: str) -> NDArray[Any]:
    """Rises to the largest number of a type, and another down to the least."""
    i, j = np.ogrid[:40, :50]
    away = ((i - 20) ** 2 + (j - 25) ** 2) // 8 + (noise(2000) % np.uint64(3)).astype(int).reshape(40, 50)
    return np.concatenate([np.iinfo(dtype).max - away, np.iinfo(dtype).min + away[::-1]]).astype(dtype)


def months(*shape: int, dtype: str = "f4") -> NDArray[Any]:
    """Maps that have much in common, at many times."""
    one = (noise(int(np.prod(shape[1:])), 6) >> np.uint64(56)).astype("f8").reshape(shape[1:])
    weather = (noise(int(np.prod(shape)), 7) >> np.uint64(60)).astype("f8").reshape(shape)
    return (one + weather / 4).astype(dtype)


class Case(NamedTuple):
    """An array that takes a path."""

    make: Callable[[], NDArray[Any]]
    bound: str = "lossless"
    profile: str = "balanced"

    def stream(self) -> bytes:
        """The stream that the encoder makes."""
        return compress.encode(self.make(), Bound.parse(self.bound), profile=self.profile).stream


PATHS: Mapping[str, Case] = {
    "raw": Case(lambda: bits("f4", 50)),
    "constant": Case(lambda: bits("f8", 1).repeat(9)),
    "planes": Case(lambda: walk("f4", 20, 30), "abs:0.01", "fast"),
    "planes, lossless map": Case(lambda: walk("i2", 20, 30), "lossless", "fast"),
    "contexts": Case(lambda: walk("f4", 20, 30), "abs:0.01"),
    "contexts, lossless map": Case(lambda: walk("i4", 20, 30)),
    "contexts, series": Case(lambda: walk("f4", 3001), "abs:0.01"),
    "contexts, lossless map, series": Case(lambda: walk("i8", 3001)),
    "two rows above": Case(lambda: walk("f4", 40001), "abs:0.01"),
    "silent groups": Case(lambda: islands(40, 200), "abs:0.01"),
    "interpolated": Case(lambda: ramp(40, 50), "abs:0.01", "dense"),
    "planes of 4 bytes": Case(lambda: walk("f4", 20, 30), "abs:0.01", "fast"),
    "planes of 8 bytes": Case(lambda: walk("f8", 20, 30), "pw_rel:1e-9", "fast"),
    "contexts of 4 bytes": Case(lambda: walk("f4", 20, 30), "abs:0.01"),
    "contexts of 8 bytes": Case(lambda: walk("f8", 20, 30), "pw_rel:1e-9"),
    "floats interpolated in 4 bytes": Case(lambda: ramp(40, 50), "abs:0.01", "dense"),
    "floats interpolated in 8 bytes": Case(lambda: ramp(40, 50, dtype="f8"), "abs:0.01", "dense"),
    "straight ends": Case(lambda: ramp(40, 50), "abs:0.01", "dense"),
    "interpolated, snapped": Case(lambda: ramp(40, 50, dtype="f2"), "abs:0.5", "dense"),
    "interpolated, lossless map, snapped": Case(lambda: ramp(40, 50, dtype="i2"), "lossless", "dense"),
    "interpolated, snapped, numbers": Case(lambda: (ramp(40, 50) * 64).astype("u2"), "abs:2", "dense"),
    "base": Case(lambda: months(40, 12, 20), "abs:0.5", "dense"),
    "palette": Case(lambda: few(50, 100)),
    "palette by keys": Case(lambda: np.ldexp(1.5, ((few(50, 100) - 2) * 500).astype(int))),
    "palette by grid": Case(lambda: np.round(few(50, 100, count=90) ** 2, 3)),
    "one palette": Case(lambda: few(50, 100, dtype="f2")),
    "palettes": Case(lambda: slabs()),
    "ranks: contexts, lossless map": Case(lambda: few(50, 100, dtype="f4")),
    "ranks: contexts, lossless map, series": Case(lambda: few(20000, count=1500)),
    "ranks: interpolated, lossless map, snapped": Case(lambda: few(50, 100), "lossless", "dense"),
    "map key <f2 in 4 bytes": Case(lambda: walk("f2", 30)),
    "map key <f4 in 4 bytes": Case(lambda: bits("f4", 30)),
    "map key <f8 in 8 bytes": Case(lambda: bits("f8", 30)),
    "map linear <f2 in 4 bytes": Case(lambda: walk("f2", 12, 40), "abs:0.05"),
    "map linear <f8 in 4 bytes": Case(lambda: walk("f8", 12, 40), "abs:0.05"),
    "map linear <f8 in 8 bytes": Case(lambda: np.cumsum(few(40, 50)), "abs:1e-9"),
    "map key steps <f4 in 4 bytes": Case(lambda: holes("f4", 12, 40), "pw_rel:0.01"),
    "map key steps <f8 in 4 bytes": Case(lambda: holes("f8", 12, 40), "pw_rel:0.01"),
    "map key steps <f8 in 8 bytes": Case(lambda: np.cumsum(few(40, 50)), "pw_rel:1e-8"),
    "offset": Case(lambda: 0.125 + walk("i4", 40, 60) * 0.25),
    "exact numbers: none": Case(lambda: walk("f4", 20, 30), "abs:0.01"),
    "exact numbers: alike": Case(lambda: spots(walk("f4", 20, 30), 30), "abs:0.01"),
    "exact numbers: of both sets": Case(lambda: holes("f4", 12, 40), "abs:0.01"),
    "exact numbers: each": Case(lambda: walk("f4", 20, 30) + np.diag(np.arange(1, 31) * np.float32(1e30))[:20], "abs:0.01"),
    "lag 0": Case(lambda: spots(walk("f4", 20, 30), 30), "abs:0.01"),
    "lag 1": Case(lambda: spots(walk("f4", 20, 70), 70), "abs:0.01"),
    "lag 2": Case(lambda: spots(walk("f4", 5, 20, 70), 20, 70), "abs:0.01"),
    "lag 3": Case(lambda: spots(walk("f4", 5, 4, 5, 21), 4, 5, 21), "abs:0.01"),
    "bitmap, lag 0": Case(lambda: spots(walk("f4", 21, 31), 31), "abs:0.01", "fast"),
    "bitmap, lag 1": Case(lambda: spots(walk("f4", 20, 70), 70), "abs:0.01", "fast"),
    "bitmap, lag 2": Case(lambda: spots(walk("f4", 5, 20, 70), 20, 70), "abs:0.01", "fast"),
    "bitmap, lag 3": Case(lambda: spots(walk("f4", 5, 4, 5, 21), 4, 5, 21), "abs:0.01", "fast"),
    "runs in 4 states": Case(lambda: spots(walk("f4", 60, 70), 70), "abs:0.01"),
    "runs in 16 states": Case(lambda: spots(walk("f4", 20000), 20000), "abs:0.5"),
    "runs in 32 states": Case(lambda: spots(walk("f4", 140000), 140000), "abs:100"),
    "axes in another order": Case(lambda: walk("i4", 40, 60, 3)),
    "axes in another order interpolated": Case(lambda: ramp(40, 60, 3), "abs:0.01", "dense"),
    "split axes 001": Case(lambda: ramp(500), "abs:0.01", "dense"),
    "split axes 011": Case(lambda: ramp(50, 60), "abs:0.01", "dense"),
    "split axes 111": Case(lambda: ramp(20, 30, 40), "abs:0.01", "dense"),
    **{f"kind {k}": Case(lambda: ramp(20, 30, 40), "abs:0.01", "dense") for k in range(5)},
    "1 levels with weights": Case(lambda: ramp(50, 60), "abs:0.01", "dense"),
    "2 levels with weights": Case(lambda: ramp(200, 200), "abs:0.05", "dense"),
    "3 levels with weights": Case(lambda: ramp(400, 400), "abs:10", "dense"),
    "4 levels with weights": Case(lambda: ramp(800, 800), "abs:100", "dense"),
    "4 states": Case(lambda: walk("f4", 8, 9), "abs:0.1"),
    "8 states": Case(lambda: walk("f4", 25, 30), "abs:0.01"),
    "16 states": Case(lambda: walk("f4", 50, 60), "abs:0.01"),
    "32 states": Case(lambda: walk("f4", 150, 100), "abs:0.01"),
    "64 states": Case(lambda: walk("f4", 400, 200)),
}  # fmt: skip


def nearly_repeated() -> NDArray[Any]:
    """Holes that repeat from row to row, but for some."""
    values = spots(walk("f4", 30, 70), 70)
    values[7::9, 3::4] = 1
    return values


#: Arrays that meet rules within these paths.
FURTHER: Mapping[str, Case] = {
    "large tokens in three axes": Case(lambda: ramp(20, 30, 40) * (np.arange(1, 41) ** 2), "abs:0.05", "dense"),
    "large numbers without sign": Case(lambda: (ramp(40, 50) * 64).astype("u4") + np.uint32(3 << 30), "abs:2", "dense"),
    "6000 runs": Case(lambda: spots(walk("f4", 12000), 12000), "abs:0.5"),
    "places that are left out of a lag": Case(nearly_repeated, "abs:0.01"),
    "rounding to binary32 twice": Case(
        lambda: (300.1 + 0.37 * np.cumsum(noise(2400) % np.uint64(7)).reshape(40, 60)).astype("f4"), "abs:0.4"
    ),
    "silence only": Case(lambda: np.zeros((40, 200), "f4") + np.float32(1e-3) * (np.arange(200) == 0), "abs:0.01"),
    "silent groups in three axes": Case(lambda: ramp(20, 70, 140) * (np.arange(140) > 100), "abs:0.2", "dense"),
    "silent groups of a series": Case(lambda: islands(50000), "abs:0.01"),
    "numbers to the limits of one byte": Case(lambda: bump("u1"), "abs:2", "dense"),
    "numbers to the limits of two bytes": Case(lambda: bump("i2"), "abs:2", "dense"),
    "a base in 8 bytes": Case(lambda: months(40, 3, 5, 16, dtype="f8"), "abs:0.5", "dense"),
    "a batch": Case(lambda: ramp(4, 5, 20, 30), "abs:0.01", "dense"),
    "batches with holes": Case(lambda: spots(ramp(4, 5, 20, 30), 30), "abs:0.01", "dense"),
}
