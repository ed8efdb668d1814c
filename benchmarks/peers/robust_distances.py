"""Robust rules by distance beside BLAS, NumPy and Flower: ``python -m benchmarks.peers.robust_distances [--only WORD,...]``.

100 sites of 1e6 float32. Medians of CPU seconds of calls that take turns, on one core: run it with
``OPENBLAS_NUM_THREADS=1 taskset -c 1``. With ``CDT_SIMD=avx2 OPENBLAS_CORETYPE=Haswell`` both sides use AVX2.
Flower's rules (``pip install flwr``) take a tenth of the length, ours beside them too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.linalg.blas import ssyrk

from benchmarks.peers.summary import Row
from benchmarks.peers.table import main, seconds
from cdt_core.kernels import _robust_distances, robust

SITES, WRONG, LENGTH = 100, 20, 1_000_000
FLOWER_LENGTH = LENGTH // 10


def updates(length: int = LENGTH) -> Any:
    """Normal noise."""
    return np.random.default_rng(0).standard_normal((SITES, length), dtype=np.float32)


def distances() -> Iterator[Row]:
    """All distances against the product of the matrix with its own transpose."""
    x = updates()
    ours, syrk, gemm = seconds(lambda: robust.distances(x), lambda: ssyrk(1.0, x.T, trans=1), lambda: x @ x.T)
    yield Row("distances / ssyrk", (1.0,), (0.75,), (ours / syrk,), at_most=True)
    yield Row("distances / x @ x.T", (), (), (ours / gemm,), at_most=True)
    yield Row("distances, s", (), (), (ours,), at_most=True)


def rules() -> Iterator[Row]:
    """The rules in seconds."""
    x = updates()
    krum, bulyan = seconds(lambda: robust.krum(x, WRONG), lambda: robust.bulyan(x, WRONG), repeats=3)
    yield Row("Krum, s", (), (), (krum,), at_most=True)
    yield Row("Bulyan, s", (0.5,), (0.25,), (bulyan,), at_most=True)


def weiszfeld(x: Any, iterations: int) -> Any:
    """The iteration as one writes it in NumPy, distances without a copy of the updates."""
    z = x.mean(axis=0)
    for _ in range(iterations):
        away = np.array([np.linalg.norm(row - z) for row in x])
        weights = (1 / away / (1 / away).sum()).astype(np.float32)
        z = weights @ x
    return z


def medians() -> Iterator[Row]:
    """The geometric median against NumPy, and against reading the updates once."""
    x = updates()
    once = np.full(SITES, 1 / SITES, np.float32)
    ours, plain, read = seconds(
        lambda: robust.geometric_median(x, iterations=2), lambda: weiszfeld(x, 2), lambda: once @ x
    )
    yield Row("geometric median of 2 iterations, s", (0.1,), (0.06,), (ours,), at_most=True)
    yield Row("NumPy's / ours", (), (), (plain / ours,))
    yield Row("ours / one weighted sum of the updates in BLAS", (), (), (ours / read,), at_most=True)


def flower() -> Iterator[Row]:
    """Flower's own functions, on records that are made before."""
    figures = (f"Flower's Krum / ours, {FLOWER_LENGTH} numbers", f"Flower's Bulyan / ours, {FLOWER_LENGTH} numbers")
    try:
        krum, bulyan = _flower_rules(updates(FLOWER_LENGTH))
    except ImportError:
        for figure in figures:
            yield Row(figure, (), (), (math.nan,))
        return
    x = updates(FLOWER_LENGTH)
    ours, theirs = seconds(lambda: robust.krum(x, WRONG), krum, repeats=2)
    yield Row(figures[0], (), (), (theirs / ours,))
    ours, theirs = seconds(lambda: robust.bulyan(x, WRONG), bulyan, repeats=1)
    yield Row(figures[1], (), (), (theirs / ours,))


def _flower_rules(x: Any) -> tuple[Callable[[], Any], Callable[[], Any]]:
    from flwr.app import ArrayRecord, RecordDict
    from flwr.serverapp.strategy.bulyan import aggregate_n_closest_weights
    from flwr.serverapp.strategy.multikrum import select_multikrum

    records = [RecordDict({"arrays": ArrayRecord([row])}) for row in x]
    chosen = SITES - 2 * WRONG

    def krum() -> Any:
        return select_multikrum(records, WRONG, 1)

    def bulyan() -> Any:
        best = [record["arrays"].to_numpy_ndarrays() for record in select_multikrum(records, WRONG, chosen)]
        middle = [np.median([arrays[0] for arrays in best], axis=0)]
        return aggregate_n_closest_weights(middle, best, chosen - 2 * WRONG)

    return krum, bulyan


PARTS = {"distances": distances, "rules": rules, "medians": medians, "flower": flower}

if __name__ == "__main__":
    main(__doc__ or "", PARTS, _robust_distances.kernels_name)
