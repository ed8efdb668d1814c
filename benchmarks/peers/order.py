"""Parameters of tensor trains in the file's order of axes, in the order that is chosen, and in the best of all.

``python -m benchmarks.peers.order [--only eraint] [--rtol 0.1,0.01] [--json FILE]``: some minutes, of which the choice
itself takes seconds; the rest is a train of every order and grouping of the axes, up to reversal.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from functools import partial
from itertools import permutations
from pathlib import Path

import numpy as np

from benchmarks.peers import tensor_arrays
from benchmarks.peers.peer import Array
from cdt_core.kernels.blas import on_one_blas_thread
from cdt_core.kernels.tensor_train import TensorTrain, tt_svd
from cdt_core.kernels.tensor_train.ordering import Order, best_order
from cdt_core.kernels.tensor_train.ordering.annealed import annealed
from cdt_core.kernels.tensor_train.ordering.chains import Chains
from cdt_core.kernels.tensor_train.ordering.order import prime_digits
from cdt_core.kernels.tensor_train.ordering.spectra import SampledRanks

#: Of all orders, so many of the smallest trains are made again with all of the tolerance used, as the choice is.
FINAL = 16


@dataclass(frozen=True, slots=True)
class Case:
    """Parameters (``bytes`` of streams) of one array at one tolerance: own order, the same with all of the tolerance used,
    the axes' chosen order, that of their digits, and the best of all orders and groupings of axes; CPU seconds; what annealing
    expects of up to eleven digits over the optimum of the same estimates.
    """

    array: str
    rtol: float
    own: int
    own_spent: int
    axes: int
    digits: int
    optimum: int
    own_bytes: int
    chosen_bytes: int
    axes_seconds: float
    digits_seconds: float
    annealed_over_best: float
    order: str


def shuffled(seed: int) -> Array:
    """A train of rank 2 to 8 and noise of 1e-3, its axes in a random order: (24, 20, 16, 12, 8) float64, shuffled."""
    rng = np.random.default_rng(seed)
    shape = (24, 20, 16, 12, 8)
    x = np.ones((1, 1))
    for k, n in enumerate(shape):
        rank = 1 if k == len(shape) - 1 else int(rng.integers(2, 9))
        scales = 0.6 ** np.arange(rank)
        x = np.tensordot(x, rng.normal(size=(x.shape[-1], n, rank)) * scales, 1).reshape(-1, rank)
    field = x.reshape(shape) / np.linalg.norm(x)
    field += 1e-3 / np.sqrt(field.size) * rng.normal(size=shape)
    return np.ascontiguousarray(field.transpose(rng.permutation(len(shape))))


def tiles() -> Array:
    """A sky on a mosaic of 16 x 16 detectors of 32 x 32 pixels, each with the gain and dark frame of its kind: 512 x 512."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:16, 0:16] / 16
    sky = [np.ones((16, 16)), np.exp(-((x - 0.4) ** 2 + (y - 0.6) ** 2) / 0.1), np.sin(5 * x + 3 * y)]
    return sum(np.kron(coarse, rng.normal(1, 0.3, (32, 32))) for coarse in sky) + 1e-3 * rng.normal(size=(512, 512))


ARRAYS: dict[str, Callable[[], Array]] = {
    "eraint": tensor_arrays.eraint,
    "MRI": tensor_arrays.image,
    "smooth": tensor_arrays.smooth,
    "smooth shuffled": lambda: np.ascontiguousarray(tensor_arrays.smooth().transpose(2, 0, 3, 1)),
    "tiles": tiles,
    **{f"shuffled {seed}": partial(shuffled, seed) for seed in range(4)},
}


def every_order(shape: tuple[int, ...]) -> Iterator[Order]:
    """All orders and groupings of axes that are longer than one, of two that are each other reversed only one."""
    digits = tuple((n,) if n > 1 else () for n in shape)
    count = sum(map(len, digits))
    seen = set()
    for order in permutations(range(count)):
        for cuts in range(1 << (count - 1)):
            groups: list[tuple[int, ...]] = [order[:1]]
            for k, axis in enumerate(order[1:]):
                groups = [*groups, (axis,)] if cuts >> k & 1 else [*groups[:-1], (*groups[-1], axis)]
            key = tuple(tuple(sorted(group)) for group in groups)
            if key not in seen and key[::-1] not in seen:
                seen.add(key)
                yield Order(shape, digits, key)


def optimum(x: Array, rtol: float) -> int:
    """The fewest parameters of all orders and groupings of the axes."""
    found = [(tt_svd(order.applied(x), rtol).parameters, k) for k, order in enumerate(every_order(x.shape))]
    orders = list(every_order(x.shape))

    def finished(order: Order) -> int:
        values = order.applied(x)
        return tt_svd(values, rtol, spend="smallest").parameters

    return min(finished(orders[k]) for _, k in sorted(found)[:FINAL])


def annealed_over_best(x: Array, rtol: float) -> float:
    """Parameters that annealing expects of at most eleven digits, over the fewest that dynamic programming expects of them."""
    lengths = tuple(n for parts in prime_digits(x.shape, 11) for n in parts)
    ranks = SampledRanks(x, lengths, 128, 0, precise=False)
    chains = Chains(lengths, lambda subset: ranks.rank(subset, rtol**2 / 5))
    d = len(lengths)
    found, _ = annealed(chains, [range(d), [*range(0, d, 2), *range(1, d, 2)]], 0, 1500)
    return found / chains.best()[0]


def measured(name: str, x: Array, rtol: float) -> Case:
    """One row; the certified errors of all trains are at most ``rtol``."""
    own = tt_svd(x, rtol)
    times, found = [time.process_time()], []
    for fold in (False, True):
        found.append(best_order(x, rtol, fold=fold))
        times.append(time.process_time())
    best = min(found, key=lambda one: one.train.parameters)
    return Case(
        name,
        rtol,
        own.parameters,
        tt_svd(x, rtol, spend="smallest").parameters,
        found[0].train.parameters,
        found[1].train.parameters,
        optimum(x, rtol),
        _bytes(own),
        _bytes(best.train),
        times[1] - times[0],
        times[2] - times[1],
        on_one_blas_thread(annealed_over_best)(x, rtol),
        repr(best.order),
    )


def _bytes(train: TensorTrain) -> int:
    return len(train.to_bytes())


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(ARRAYS), help=f"of {', '.join(ARRAYS)}, with commas")
    parser.add_argument("--rtol", default="0.1,0.01,0.001", help="tolerances, with commas")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every row there")
    given = parser.parse_args()
    cases = []
    print(" | ".join(field.name for field in fields(Case)))
    for name in given.only.split(","):
        try:
            x = ARRAYS[name]()
        except FileNotFoundError as missing:
            print(f"{name}: not measured, {missing}")
            continue
        for rtol in map(float, given.rtol.split(",")):
            cases.append(measured(name, x, rtol))
            values = asdict(cases[-1]).values()
            print(" | ".join(f"{v:.3g}" if isinstance(v, float) else str(v) for v in values), flush=True)
    for kind in ("own_spent", "axes", "digits", "optimum"):
        gains = [case.own / getattr(case, kind) for case in cases]
        if gains:
            print(f"own / {kind}: geometric mean {np.exp(np.mean(np.log(gains))):.3f}, least {min(gains):.3f}")
    if given.json:
        given.json.write_text(json.dumps([asdict(case) for case in cases], indent=1))


if __name__ == "__main__":
    main()
