"""One run of one compressor: its ratio, its speeds, and whether it kept the bound, checked value by value."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

import numpy as np

from benchmarks.peers.peer import Array, Peer

T = TypeVar("T")

LOSSLESS = "lossless"
# A call shorter than SHORT is done once before it counts, and repeated until this much time is measured (seconds).
SHORT, ENOUGH, MOST = 2.0, 0.05, 40


@dataclass(frozen=True, slots=True)
class Run:
    """Figures of one compressor on one array at one bound; speeds in MB/s of the array's own bytes per second of CPU."""

    peer: str
    bound: str
    ratio: float = 0.0
    c: float = 0.0
    d: float = 0.0
    err_over_bound: float = float("inf")
    valid: bool = False
    note: str = ""


def value_range(array: Array) -> float:
    """Largest minus smallest finite value."""
    if array.dtype.kind in "iu":
        return float(int(array.max()) - int(array.min()))
    finite = array[np.isfinite(array)]
    return float(finite.max()) - float(finite.min()) if finite.size else 0.0


def absolute(bound: str, array: Array) -> float:
    """``rel:X`` or ``abs:X`` as an absolute bound; 0 for lossless."""
    kind, _, number = bound.partition(":")
    return 0.0 if kind == LOSSLESS else float(number) * (value_range(array) if kind == "rel" else 1.0)


def error_over_bound(array: Array, decoded: Array, bound: float) -> float:
    """Maximum error as a share of ``bound``; infinite where a NaN or an infinity is lost or a lossless copy differs."""
    if decoded.shape != array.shape or decoded.dtype != array.dtype:
        return float("inf")
    if bound == 0:
        words = f"u{array.itemsize}"
        return 0.0 if np.array_equal(array.view(words), decoded.view(words)) else float("inf")
    if array.dtype.kind == "f":
        finite = np.isfinite(array)
        if (
            not np.array_equal(array[~finite], decoded[~finite], equal_nan=True)
            or not np.isfinite(decoded[finite]).all()
        ):
            return float("inf")
        # A longdouble holds the difference of two float64 of one binade without rounding; float64 does not.
        error = np.abs(array[finite].astype(np.longdouble) - decoded[finite].astype(np.longdouble)).max(initial=0)
    else:
        error = np.abs(array.astype(np.int64) - decoded.astype(np.int64)).max(initial=0)
    return float(np.longdouble(error) / np.longdouble(bound))


def timed(call: Callable[[], T], repeats: int) -> tuple[T, float]:
    """The result and the median CPU seconds of one call, on this process alone."""
    seconds: list[float] = []
    begin = time.process_time()
    result = call()
    first = time.process_time() - begin
    if first >= SHORT:
        seconds.append(first)
    while len(seconds) < repeats or (sum(seconds) < ENOUGH and len(seconds) < MOST):
        begin = time.process_time()
        result = call()
        seconds.append(time.process_time() - begin)
    return result, median(seconds)


def _measure_view(peer: Peer, array: Array, bound: str, repeats: int) -> Run:
    limit = absolute(bound, array)
    streams, encoding = timed(lambda: peer.encode(array, limit), repeats)
    decoded, decoding = timed(lambda: peer.decode(streams, array), repeats)
    over = error_over_bound(array, decoded, limit)
    ratio = array.nbytes / sum(len(stream) for stream in streams)
    c, d = (array.nbytes / 1e6 / max(seconds, 1e-9) for seconds in (encoding, decoding))
    return Run(peer.name, bound, ratio, c, d, over, over <= 1)


def measure(peer: Peer, array: Array, bound: str, repeats: int) -> Run:
    """The best valid view of the array that the peer knows; a refusal or a failure is a run with a note."""
    if reason := peer.refuses(array, absolute(bound, array)):
        return Run(peer.name, bound, note=reason)
    try:
        runs = [_measure_view(peer, view, bound, repeats) for view in peer.views(array)]
    except Exception as error:  # a peer that fails is a result of the comparison, whatever its library raises
        return Run(peer.name, bound, note=f"{type(error).__name__}: {error}".splitlines()[0])
    return max(runs, key=lambda run: (run.valid, run.ratio))


class Children:
    """A child process for peers whose library may kill it; a new one after each death."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    def measure(self, peer: Peer, array: Array, bound: str, repeats: int) -> Run:
        if not peer.isolated:
            return measure(peer, array, bound, repeats)
        # Spawned, not forked: OpenMP does not survive a fork.
        self._pool = self._pool or ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        try:
            return self._pool.submit(measure, peer, array, bound, repeats).result()
        except BrokenProcessPool:
            self.close()
            return Run(peer.name, bound, note="its process died")

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
