"""The codec cdt.tensor beside SPERR at one root mean square error: 60 dB below the range of each array."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.peers import tensor_arrays
from benchmarks.peers.arrays import load
from benchmarks.peers.peer import Array
from benchmarks.peers.summary import Row, geomean
from cdt_core.kernels import tensor_stream
from cdt_core.model import Bound

DECIBEL = 60.0
REAL = ("eraint_z", "eraint_u", "eraint_v", "a1b", "example4d_i16")


def noise_ratio(x: Array, y: Array) -> float:
    """PSNR in dB: the range over the root mean square of the differences."""
    wide = x.astype(np.float64)
    return float(20 * np.log10(np.ptp(wide) / np.sqrt(np.mean((wide - y) ** 2))))


def foldings(x: Array) -> list[Array]:
    """An array as the three axes that SPERR takes: its last two kept, the middle ones joined, or all leading ones joined."""
    n = x.shape
    shapes = {(-1, *n[-2:]), (-1, n[-1])} | ({(n[0], -1, n[-1])} if x.ndim > 3 else set())
    return [np.ascontiguousarray(x.reshape(shape)) for shape in shapes]


def sperr_bytes(x: Array) -> int:
    """The smallest stream that measures DECIBEL or more, over the foldings, its own target bisected."""
    import imagecodecs

    found = []
    for view in foldings(x if x.dtype.kind == "f" else x.astype(np.float64)):
        low, high = DECIBEL - 40, DECIBEL + 6
        for _ in range(18):
            target = (low + high) / 2
            stream = imagecodecs.sperr_encode(view, target, "psnr", numthreads=1)
            back = imagecodecs.sperr_decode(stream, shape=view.shape, dtype=view.dtype, numthreads=1)
            if noise_ratio(view, back) >= DECIBEL:
                found.append(len(stream))
                high = target
            else:
                low = target
    return min(found)


def rows() -> Iterator[Row]:
    """A row for each array, the geometric mean of them, and how much of the allowed error is used."""
    arrays = {name: x for name, x in load(None, REAL) if not isinstance(x, str)}
    if len(arrays) < len(REAL):
        raise FileNotFoundError("the test data are not all there")
    arrays["smooth 4-d"] = tensor_arrays.smooth()
    ratios, used = {}, {}
    for name, x in arrays.items():
        asked = float(np.ptp(x.astype(np.float64))) * 10 ** (-DECIBEL / 20)
        stream = tensor_stream.encode(x, Bound("rmse", asked)).stream
        rest = x.astype(np.float64) - tensor_stream.decode(stream)
        ratios[name] = sperr_bytes(x) / len(stream)
        used[name] = float(np.sqrt(np.mean(rest**2))) / asked
        yield Row(f"cdt.tensor {name} at 60 dB: ratio / SPERR", (), (1.3,), (ratios[name],))
    yield Row("cdt.tensor at 60 dB, geometric mean: ratio / SPERR", (1,), (1.3,), (geomean(ratios.values()),))
    real = [value for name, value in ratios.items() if name in REAL]
    yield Row("the same of the real arrays alone", (1,), (1.3,), (geomean(real),))
    yield Row(
        "cdt.tensor: rmse / asked, least and most", (0.97, 0.97), (0.97, 0.97), (min(used.values()), max(used.values()))
    )
    yield Row("the same, at most", (1,), (1,), (max(used.values()),), at_most=True)
