"""Tensor kernels beside the libraries a user would pick instead: ``python -m benchmarks.peers.tensor [--only WORD,...]``.

Medians of CPU seconds of calls that take turns, on one core: run it with ``OPENBLAS_NUM_THREADS=1 taskset -c 1``. Peers:
``pip install -e '.[peers]'``. Real arrays are those of the test-data folder (``CDT_TEST_DATA``); without it their rows are not
measured.
"""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.peers import tensor_arrays as arrays
from benchmarks.peers import tensor_codec
from benchmarks.peers.summary import Row
from benchmarks.peers.table import main, seconds
from cdt_core.kernels import _tensor
from cdt_core.kernels.tensor_train import tt_svd

RTOL = 1e-3


def extra_memory(call: Callable[[], Any], x: Any) -> float:
    """The most memory that a call takes beside its input, as a share of it; not seen: work space of C kernels, below 1 MiB."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / float(x.nbytes)


def by_gram(x: Any, rtol: float) -> list[Any]:
    """The plain way in NumPy: a Gram matrix of each unfolding from the left, its eigenvectors, a projection."""
    budget = rtol**2 * float(np.vdot(x, x)) / (x.ndim - 1)
    cores, rank, rest = [], 1, x
    for length in x.shape[:-1]:
        rest = rest.reshape(rank * length, -1)
        values, vectors = np.linalg.eigh(rest @ rest.T)
        tails = np.cumsum(np.maximum(values, 0))[::-1]
        kept = max(1, int(np.count_nonzero(tails > budget)))
        basis = vectors[:, ::-1][:, :kept]
        cores.append(basis.reshape(rank, length, kept))
        rank, rest = kept, basis.T @ rest
    return [*cores, rest.reshape(rank, x.shape[-1], 1)]


def relative(x: Any, full: Any) -> float:
    return float(np.linalg.norm(x - full) / np.linalg.norm(x))


def trains() -> Iterator[Row]:
    """tt_svd of the generated tensors: exact, by samples, memory, errors."""
    for n in (20, 22):
        x = arrays.noisy_train(n)
        plain, exact, default = seconds(
            lambda x=x: by_gram(x, RTOL),
            lambda x=x: tt_svd(x, RTOL, exact=True),
            lambda x=x: tt_svd(x, RTOL),
            repeats=3,
        )
        size = x.nbytes / 1e9
        yield Row(f"tt_svd {n}^6 exact: GB/s, / NumPy Gram", (1.8, 1.5), (2.5, 1.5), (size / exact, plain / exact))
        yield Row(f"tt_svd {n}^6 default: GB/s, / NumPy Gram", (3.5, 3), (5, 3), (size / default, plain / default))
        memory = tuple(extra_memory(lambda x=x, e=e: tt_svd(x, RTOL, exact=e), x) for e in (True, False))
        yield Row(f"tt_svd {n}^6 extra memory / input: exact, default", (0.3, 0.3), (0.3, 0.1), memory, at_most=True)
        found = [tt_svd(x, RTOL, exact=e) for e in (True, False)]
        errors = tuple(float(train.error or math.nan) / RTOL for train in found)
        yield Row(f"tt_svd {n}^6 certified / requested: exact, default", (1, 1), (1, 1), errors, at_most=True)
        more = max(b - a for a, b in zip(found[0].ranks, found[1].ranks, strict=True))
        yield Row(f"tt_svd {n}^6 ranks by samples above the exact ones, at most", (1,), (0,), (more,), at_most=True)


def corner() -> Iterator[Row]:
    """TensorLy with the ranks given, where it ends in reasonable time."""
    from tensorly.decomposition import tensor_train

    x = arrays.noisy_train(16)
    ranks = list(tt_svd(x, RTOL).ranks)
    theirs, ours = seconds(lambda: tensor_train(x, ranks), lambda: tt_svd(x, RTOL), repeats=1)
    yield Row("tt_svd 16^6 default / TensorLy with ranks", (50,), (120,), (theirs / ours,))


def triangles() -> Iterator[Row]:
    x = np.random.default_rng(0).normal(size=(20, 1_600_000))
    sides = {"rows": (x, True), "columns": (np.ascontiguousarray(x.T), False)}
    times = seconds(*(lambda a=a, b=b: _tensor.triangle(a, np.zeros((20, 20)), b) for a, b in sides.values()))
    yield Row("Q-less TSQR n = 20, GB/s: by rows, by columns", (3, 3), (5, 5), tuple(x.nbytes / 1e9 / t for t in times))


def winds() -> Iterator[Row]:
    from tensorly.decomposition import tensor_train

    x = arrays.eraint()
    for rtol, must, aim in ((1e-1, 6, 9), (1e-2, 5, 6.5), (1e-3, 4, 5)):
        ranks = list(tt_svd(x, rtol).ranks)
        theirs, ours = seconds(lambda r=ranks: tensor_train(x, r), lambda t=rtol: tt_svd(x, t))
        yield Row(f"tt_svd eraint at {rtol:g} / TensorLy with ranks", (must,), (aim,), (theirs / ours,))
        error = relative(x, tt_svd(x, rtol).full()) / rtol
        yield Row(f"tt_svd eraint at {rtol:g}: true error / requested", (1,), (1,), (error,), at_most=True)


def rounding() -> Iterator[Row]:
    import teneva

    train = arrays.doubled_train()
    norm, exact = train.norm(), train.round(1e-10)
    theirs, ours = seconds(lambda: teneva.truncate(list(train.cores), 1e-10 * norm), lambda: train.round(1e-10))
    yield Row("round d=6 n=100 80 -> 40 / teneva", (1.5,), (2.5,), (theirs / ours,))
    yield Row("round: largest rank (40 is exact)", (40,), (40,), (max(exact.ranks),), at_most=True)


def tucker() -> Iterator[Row]:
    import pyttb

    from cdt_core.kernels.tucker import hosvd

    for name, x in (("eraint", arrays.eraint()), ("MRI", arrays.image())):
        tensor = pyttb.tensor(x)
        for rtol in (1e-1, 1e-2):
            theirs, ours = seconds(
                lambda a=tensor, t=rtol: pyttb.hosvd(a, t, verbosity=0), lambda a=x, t=rtol: hosvd(a, t)
            )
            yield Row(f"hosvd {name} at {rtol:g} / pyttb", (2,), (3,), (theirs / ours,))
            error = relative(x, hosvd(x, rtol).full()) / rtol
            yield Row(f"hosvd {name} at {rtol:g}: true error / requested", (1,), (1,), (error,), at_most=True)


def khatri_rao() -> Iterator[Row]:
    from tensorly.tenalg import unfolding_dot_khatri_rao

    from cdt_core.kernels.tucker import mttkrp_all

    rng = np.random.default_rng(0)
    kinds = {
        (241, 480, 18): (3, 5), (18, 241, 480): (3, 5), (200, 200, 200): (3, 5), (3, 2, 3, 241, 480): (30, 70),
    }  # fmt: skip
    for shape, (must, aim) in kinds.items():
        x, factors = rng.standard_normal(shape), [rng.standard_normal((n, 16)) for n in shape]
        theirs, ours = seconds(
            lambda x=x, f=factors: [unfolding_dot_khatri_rao(x, (None, f), k) for k in range(x.ndim)],
            lambda x=x, f=factors: mttkrp_all(x, f),
        )
        yield Row(f"MTTKRP R=16, all modes of {shape} / TensorLy", (must,), (aim,), (theirs / ours,))


def eigenpairs() -> Iterator[Row]:
    from scipy.sparse.linalg import LinearOperator, eigsh

    from cdt_core.kernels.eigen import leading

    for side, must, aim in ((12, 2.5, 4.5), (20, 2.5, 4.5)):
        x = arrays.patches(side)
        mean = x.mean(axis=0)
        centred = x - mean

        def product(v: Any, x: Any = centred) -> Any:
            return x.T @ (x @ v)

        operator = LinearOperator((x.shape[1],) * 2, matvec=product, dtype=x.dtype)
        theirs, ours = seconds(lambda o=operator: eigsh(o, 20, tol=0), lambda x=x: leading(x, 20, tol=1e-10), repeats=3)
        values = np.sort(eigsh(operator, 20, tol=0)[0])[::-1]
        worst = float(np.max(np.abs(leading(x, 20, tol=1e-10).values / values - 1)))
        yield Row(f"eigen.leading k=20 of {x.shape} / scipy eigsh", (must,), (aim,), (theirs / ours,))
        yield Row(
            f"eigen.leading of {x.shape}: worst relative error of a value / 1e-10",
            (1,),
            (1,),
            (worst / 1e-10,),
            at_most=True,
        )


PARTS: dict[str, Callable[[], Iterator[Row]]] = {
    "trains": trains, "corner": corner, "triangles": triangles, "winds": winds, "rounding": rounding, "tucker": tucker,
    "mttkrp": khatri_rao, "eigen": eigenpairs, "codec": tensor_codec.rows,
}  # fmt: skip


if __name__ == "__main__":
    main(__doc__, PARTS, _tensor.kernels_name)
