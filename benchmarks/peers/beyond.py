"""The promises that need arrays of their own: small ones, scattered NaN, two threads, noise, and the speed of memcpy."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from statistics import median

import numpy as np

from benchmarks.peers.measure import Run, absolute, measure, timed
from benchmarks.peers.peer import Array, Cdt
from benchmarks.peers.summary import Row, geomean

BOUND = "rel:1e-3"
SIDES = (30, 45, 62)  # float32 cubes of 0.11, 0.36 and 0.95 MB
NAN_SHARES = (0.01, 0.1)
BLOCK = 32 * 1024


def _run(profile: str, array: Array, bound: str, repeats: int) -> Run:
    return measure(Cdt(profile, bound), array, bound, repeats)


def _shares(part: Run, whole: Run) -> tuple[float, float]:
    return (part.c / whole.c, part.d / whole.d) if part.valid and whole.valid else (math.nan, math.nan)


def small_and_missing(field: Array, profiles: Sequence[str], repeats: int) -> list[Row]:
    """Speeds of small cubes cut from ``field`` and of ``field`` with NaN strewn in, as a share of its own speed."""
    bound = f"abs:{absolute(BOUND, field)!r}"
    cuts = [np.ascontiguousarray(field[:side, :side, :side]) for side in SIDES]
    strewn = []
    for share in NAN_SHARES:
        missing = np.random.default_rng(1).random(field.shape) < share
        strewn.append(np.where(missing, field.dtype.type(np.nan), field))
    rows = []
    for profile in profiles:
        whole = _run(profile, field, bound, repeats)
        for word, arrays in (("0.1-1 MB, slowest of three", cuts), ("1 % and 10 % NaN, slower", strewn)):
            found = [_shares(_run(profile, array, bound, repeats), whole) for array in arrays]
            lowest = tuple(float(np.min(column)) for column in zip(*found, strict=True))
            rows.append(Row(f"{profile}, {word}: share of speed, c and d", (0.6, 0.6), (0.8, 0.8), lowest))
    return rows


def _wall(call: Callable[[], object], repeats: int) -> float:
    seconds = []
    for _ in range(max(3, repeats)):
        begin = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begin)
    return median(seconds)


def threads(field: Array, profiles: Sequence[str], repeats: int) -> list[Row]:
    """Two threads against one in wall time; needs two cores in this process' affinity."""
    rows = []
    for profile in profiles:
        speedups: tuple[float, ...] = (math.nan, math.nan)
        if len(os.sched_getaffinity(0)) > 1:
            speedups = _two_against_one(field, profile, repeats)
        rows.append(Row(f"{profile}: 2 threads / 1 thread, c and d", (1.8, 1.8), (2, 2), speedups))
    return rows


def _two_against_one(field: Array, profile: str, repeats: int) -> tuple[float, ...]:
    import cdt_core

    walls = []
    for workers in (1, 2):
        coded = Cdt(profile, BOUND, workers=workers)
        try:
            stream = coded.encode(field, 0.0)[0]
            encoding = _wall(lambda coded=coded: coded.encode(field, 0.0), repeats)
            decoding = _wall(lambda s=stream, n=workers: cdt_core.decompress(s, workers=n), repeats)
        except TypeError:  # a version without the argument
            return (math.nan, math.nan)
        walls.append((encoding, decoding))
    (encode_one, decode_one), (encode_two, decode_two) = walls
    return (encode_one / encode_two, decode_one / decode_two)


def noise(profiles: Sequence[str]) -> Row:
    """Bytes beyond raw that each further 32 K samples of noise cost, the most of all types and profiles."""
    draw = np.random.default_rng(1)
    most = -math.inf
    for profile in profiles:
        for kind in ("u1", "i2", "u4", "i8", "f2", "f4", "f8"):
            raw = draw.bytes(9 * BLOCK * np.dtype(kind).itemsize)
            beyond = []
            for blocks in (1, 9):
                array = np.frombuffer(raw, kind, blocks * BLOCK)
                try:
                    stream = Cdt(profile, "lossless").encode(array, 0.0)[0]
                except TypeError:  # a version without profiles
                    return Row("noise: bytes beyond raw per 32 K samples", (64,), (64,), (math.nan,), at_most=True)
                beyond.append(len(stream) - array.nbytes)
            most = max(most, (beyond[1] - beyond[0]) / 8)
    return Row("noise: bytes beyond raw per 32 K samples", (64,), (64,), (most,), at_most=True)


def memcpy_speed(array: Array, repeats: int) -> float:
    """MB/s of ``np.copyto`` between two arrays of this size, bytes copied per CPU second."""
    target = np.empty_like(array)
    _, seconds = timed(lambda: np.copyto(target, array), max(5, repeats))
    return array.nbytes / 1e6 / seconds


def memcpy_row(array: Array, bounds: Sequence[str], repeats: int) -> Row:
    """``fast`` on an array that no cache holds, as a share of the speed of a copy in the same run."""
    speed = memcpy_speed(array, repeats)
    runs = [run for bound in bounds if (run := _run("fast", array, bound, repeats)).valid]
    shares = (geomean(run.c for run in runs) / speed, geomean(run.d for run in runs) / speed)
    return Row(f"fast, 256 MiB: share of memcpy ({speed / 1e3:.1f} GB/s), c and d", (), (0.3, 0.5), shares)
