"""Golden streams: what each released format version wrote, kept for ever.

``python -m tests.golden.make`` writes the streams that do not exist yet, and their entries in the manifest. It never changes one
that exists: a changed stream is a broken promise, or a new version of the format.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cdt_core.kernels import compress
from cdt_core.model import Bound

#: Of the version that the encoder writes. Folders of older versions keep what was written then.
FOLDER = Path(__file__).parent / "v2"
MANIFEST = FOLDER / "manifest.json"


class Case(NamedTuple):
    """An array that integers and exact operations make, on any machine, and how it is encoded."""

    make: Callable[[], NDArray[Any]]
    bound: str
    options: Mapping[str, Any] = {}

    def stream(self) -> bytes:
        """The stream that the encoder makes today."""
        return compress.encode(self.make(), Bound.parse(self.bound), **self.options).stream


def noise(size: int, seed: int = 1) -> NDArray[Any]:
    """Pseudo-random 64-bit numbers (Steele, Lea & Flood 2014, SplitMix64)."""
    z = np.arange(1, size + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def bits(dtype: str, *shape: int, seed: int = 1) -> NDArray[Any]:
    """Any bits at all: every NaN, subnormal and extreme."""
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    return noise(-(-size // 8), seed).view(np.uint8)[:size].view(dtype).reshape(shape)


def walk(dtype: str, *shape: int, seed: int = 1) -> NDArray[Any]:
    """A rough surface: integers summed along each axis, times a power of two."""
    values = ((noise(int(np.prod(shape)), seed) >> np.uint64(60)).astype(np.int64) - 7).reshape(shape)
    for axis in range(len(shape)):
        values = np.cumsum(values, axis=axis)
    if np.dtype(dtype).kind in "iumMb":
        return values.astype(np.dtype("i8") if dtype[0] in "mM" else dtype).view(dtype)
    return (values * 2.0**-6).astype(dtype)


def holes(dtype: str, *shape: int) -> NDArray[Any]:
    """A surface with NaN, infinities, zeros of both signs, subnormals and fill values."""
    values = walk(dtype, *shape, seed=9)
    least = np.finfo(dtype).smallest_subnormal
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, least, -999.0, np.finfo(dtype).max], dtype)
    flat = values.reshape(-1)
    flat[::5] = special[(noise(flat[::5].size, 4) >> np.uint64(61)).astype(np.intp)]
    return values


def plane(dtype: str, *shape: int) -> NDArray[Any]:
    """A quadratic along each axis, that second differences predict."""
    grids = np.meshgrid(*(np.arange(n, dtype=np.float64) for n in shape), indexing="ij")
    return (sum(grid * grid for grid in grids) * 0.125).astype(dtype)


def complex_walk(dtype: str, *shape: int) -> NDArray[Any]:
    """Two surfaces as the parts of complex numbers."""
    return walk(f"f{np.dtype(dtype).itemsize // 2}", *shape, 2).view(dtype)[..., 0]


_INTEGERS = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")

PROFILES = compress.PROFILES

CASES: Mapping[str, Case] = {
    **{f"bits-{d}": Case(lambda d=d: bits(d, 7, 23), "lossless") for d in (*_INTEGERS, "f2", "f4", "f8", "c8", "c16")},
    **{f"walk-{d}": Case(lambda d=d: walk(d, 9, 31), "lossless") for d in (*_INTEGERS, "f2", "f4", "f8")},
    "instants": Case(lambda: walk("M8[s]", 9, 31), "lossless"),
    "durations": Case(lambda: walk("m8[25us]", 9, 31), "abs:1"),
    **{f"steps-{d}": Case(lambda d=d: walk(d, 9, 31), "abs:3", {"missing": (7, 0)}) for d in _INTEGERS},
    "bool": Case(lambda: (walk("i8", 9, 31) > 0), "lossless"),
    "durations-without-unit": Case(lambda: np.array([1, 5, -(2**63), 9], "m8"), "abs:1"),
    **{f"abs-{d}-{p}": Case(lambda d=d: walk(d, 12, 40), "abs:0.05", {"profile": p}) for d in ("f2", "f4", "f8") for p in PROFILES},
    **{f"abs-{d}-holes": Case(lambda d=d: holes(d, 12, 40), "abs:0.05", {"missing": (-999.0,)}) for d in ("f4", "f8")},
    **{f"pw-rel-{d}": Case(lambda d=d: holes(d, 12, 40), "pw_rel:0.01", {"missing": (-999.0,)}) for d in ("f4", "f8")},
    **{f"abs-{d}-wide": Case(lambda d=d: bits(d, 300), "abs:1e30") for d in ("f4", "f8")},
    "abs-f8-below-the-last-place": Case(lambda: walk("f8", 50), "abs:1e-310"),
    "abs-c8": Case(lambda: complex_walk("c8", 6, 20), "abs:0.1"),
    "pw-rel-c16": Case(lambda: complex_walk("c16", 6, 20), "pw_rel:0.001"),
    "second-differences": Case(lambda: plane("f8", 20, 20), "abs:0.01"),
    "third-dimension": Case(lambda: walk("f4", 5, 6, 17), "abs:0.5"),
    **{f"blocks-{p}": Case(lambda: walk("f4", 230, 410), "abs:0.25", {"profile": p}) for p in PROFILES},
    "four-axes": Case(lambda: walk("i2", 3, 4, 5, 6), "lossless"),
    "eleven-axes": Case(lambda: walk("i4", *(2,) * 11), "abs:2"),
    "axes-of-one": Case(lambda: walk("f4", 1, 20, 1, 3, 1), "abs:0.25"),
    "constant": Case(lambda: np.full((30, 40), 2.5, "f4"), "abs:0.1"),
    "constant-nan": Case(lambda: np.full(40, 0x7FF8000000000123, "u8").view("f8"), "pw_rel:0.1"),
    "one-level": Case(lambda: 100 + (noise(90) >> np.uint64(63)).astype("f8") * 0.25, "abs:10"),
    "scalar-f4": Case(lambda: np.array(1.5, "f4"), "abs:0.1"),
    "scalar-c16": Case(lambda: np.array(1.5 - 2j), "lossless"),
    "empty": Case(lambda: np.zeros((0, 5), "f4"), "abs:0.1"),
    "empty-block-grid": Case(lambda: np.zeros((3, 0, 70000), "i2"), "lossless"),
}  # fmt: skip


def digest(values: NDArray[Any]) -> str:
    """SHA-256 of the values as little-endian bytes in C order."""
    little = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"), copy=False))
    return hashlib.sha256(little.tobytes()).hexdigest()


def entry(stream: bytes) -> dict[str, Any]:
    """What the manifest says of a stream."""
    values = compress.decode(stream)
    return {
        "stream_sha256": hashlib.sha256(stream).hexdigest(),
        "dtype": values.dtype.newbyteorder("<").str,
        "shape": list(values.shape),
        "values_sha256": digest(values),
    }


def streams() -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Names, and what makes the stream of each: the cases, and one for each path through the format."""
    from tests.kernels.path_cases import FURTHER, PATHS

    for name, case in CASES.items():
        yield name, case.stream
    for path, taken in {**PATHS, **FURTHER}.items():
        yield re.sub("[^a-z0-9]+", "-", f"path {path}".lower()), taken.stream


def main() -> None:
    """Write what does not exist yet."""
    FOLDER.mkdir(exist_ok=True)
    entries = json.loads(MANIFEST.read_text()) if MANIFEST.exists() else {}
    for name, make in streams():
        if name not in entries:
            stream = make()
            (FOLDER / f"{name}.bin").write_bytes(stream)
            entries[name] = entry(stream)
            sys.stdout.write(f"{name}: {len(stream)} bytes\n")
    MANIFEST.write_text(json.dumps(entries, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
