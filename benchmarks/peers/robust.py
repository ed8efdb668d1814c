"""Robust rules by coordinate beside NumPy and Flower: ``python -m benchmarks.peers.robust [--only WORD,...] [--json FILE]``.

Medians of CPU seconds of calls that take turns, on one core: run it with ``OPENBLAS_NUM_THREADS=1 taskset -c 1``,
``CDT_SIMD=avx2`` for that instruction set. Peer: ``pip install flwr``. Rules by distance:
``benchmarks.peers.robust_distances``.
"""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.peers.summary import Row
from benchmarks.peers.table import main, seconds
from cdt_core.kernels import _robust
from cdt_core.kernels.robust import mean, median, trimmed_mean, weighted_median

SITES, LENGTH = 100, 1_000_000
TRIM = 0.2
#: Numbers of the arrays whose number of rows varies.
NUMBERS = 20_000_000


def updates(sites: int, length: int) -> Any:
    return np.random.default_rng(sites).standard_normal((sites, length), np.float32)


def by_flower(rule: str, x: Any) -> Any:
    from flwr.server.strategy import aggregate

    results = [([row], 1) for row in x]
    return getattr(aggregate, f"aggregate_{rule}")(results, *((TRIM,) if rule == "trimmed_avg" else ()))[0]


def flower_seconds(rule: str, x: Any) -> float:
    """NaN where Flower is not installed."""
    try:
        import flwr.server.strategy.aggregate  # noqa: F401
    except ImportError:
        return math.nan
    return seconds(lambda: by_flower(rule, x), repeats=1)[0]


def medians() -> Iterator[Row]:
    """100 sites, a million numbers each."""
    x = updates(SITES, LENGTH)
    ours, plain, peer = seconds(lambda: median(x), lambda: np.sort(x, axis=0), lambda: np.median(x, axis=0), repeats=3)
    yield Row("median: np.sort / ours, np.median / ours", (4, 18), (7, 32), (plain / ours, peer / ours))
    yield Row("median: Flower's / ours", (18,), (32,), (flower_seconds("median", x) / ours,))


def rows() -> Iterator[Row]:
    """Other numbers of sites, against np.sort."""
    for sites, must, aim in (
        (5, 2, 4),
        (16, 2, 4),
        (33, 4, 7),
        (64, 4, 7),
        (128, 4, 7),
        (129, 2, 4),
        (500, 2, 4),
        (2000, 2, 4),
    ):
        x = updates(sites, NUMBERS // sites)
        ours, plain = seconds(lambda x=x: median(x), lambda x=x: np.sort(x, axis=0), repeats=3)
        yield Row(f"median of {sites}: np.sort / ours", (must,), (aim,), (plain / ours,))


def trimmed() -> Iterator[Row]:
    """100 sites, a fifth cut at each end."""
    x = updates(SITES, LENGTH)
    cut = int(TRIM * SITES)
    ours, plain = seconds(
        lambda: trimmed_mean(x, TRIM), lambda: np.partition(x, (cut, SITES - cut - 1), axis=0), repeats=3
    )
    yield Row("trimmed mean 20 %: np.partition / ours", (18,), (35,), (plain / ours,))
    yield Row("trimmed mean 20 %: Flower's / ours", (18,), (35,), (flower_seconds("trimmed_avg", x) / ours,))


def others() -> Iterator[Row]:
    """The mean against a product with BLAS, the weighted median against the median by sorting."""
    x = updates(SITES, LENGTH)
    weights = np.random.default_rng(0).integers(10, 1000, SITES)
    shares = (weights / weights.sum()).astype(np.float32)
    ours, product = seconds(lambda: mean(x, weights), lambda: shares @ x)
    yield Row("mean: seconds / a float32 product's", (), (1,), (ours / product,), at_most=True)
    voted, plain = seconds(lambda: weighted_median(x, weights), lambda: np.sort(x, axis=0), repeats=3)
    yield Row("weighted median: np.sort / ours", (), (2,), (plain / voted,))


def memory() -> Iterator[Row]:
    """What a call takes beside its input, as a share of it."""
    x = updates(SITES, LENGTH)
    taken = []
    for rule in (median, lambda x: trimmed_mean(x, TRIM)):
        for given in (x, list(x), np.asfortranarray(x)):
            tracemalloc.start()
            rule(given)
            taken.append(tracemalloc.get_traced_memory()[1] / x.nbytes)
            tracemalloc.stop()
    yield Row("memory beside the input / input", (0.1,), (0.02,), (max(taken),), at_most=True)


PARTS = {"medians": medians, "rows": rows, "trimmed": trimmed, "others": others, "memory": memory}

if __name__ == "__main__":
    main(__doc__, PARTS, _robust.kernels_name)
