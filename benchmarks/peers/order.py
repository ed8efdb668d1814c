"""Tensor trains in the chosen order of axes beside those in the file's own order, and beside the best of all orders.

``python -m benchmarks.peers.order [--only eraint] [--rtol 0.1,0.01] [--json FILE]``: some minutes, of which the choice
itself takes seconds; the rest is a train of every order and grouping of the axes, up to reversal. Parameters are given as
those of ``tt_svd`` in the own order over those of the other; seconds of CPU as those of the other over those of ``tt_svd``:
all calls take turns, so that a busy machine is busy for all of them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import permutations
from pathlib import Path

import numpy as np

from benchmarks.peers import tensor_arrays
from benchmarks.peers.peer import Array
from benchmarks.peers.table import seconds
from cdt_core.kernels.blas import on_one_blas_thread
from cdt_core.kernels.tensor_train import tt_svd
from cdt_core.kernels.tensor_train.ordering import Order, best_order
from cdt_core.kernels.tensor_train.ordering.annealed import annealed
from cdt_core.kernels.tensor_train.ordering.chains import Chains
from cdt_core.kernels.tensor_train.ordering.order import prime_digits
from cdt_core.kernels.tensor_train.ordering.spectra import SampledRanks

#: Of all orders, so many of the smallest trains are made again with all of the tolerance used, as the choice is.
FINAL = 16


@dataclass(frozen=True, slots=True)
class Case:
    """Parameters of one array's trains at one tolerance, and CPU seconds that they took; of streams also ``bytes``.

    ``own``: the own order by ``tt_svd``; ``spent``: the same with ``spend="smallest"``; ``axes``, ``digits``: the chosen
    order; ``optimum``: the best of all orders and groupings of axes. ``annealed_over_best``: what annealing expects of up to
    eleven digits, over the optimum of the same estimates.
    """

    array: str
    rtol: float
    parameters: dict[str, int]
    seconds: dict[str, float]
    bytes: dict[str, int]
    annealed_over_best: float
    order: str

    def gain(self, kind: str) -> float:
        """Parameters in the own order over those of this kind."""
        return self.parameters["own"] / self.parameters[kind]

    def times(self, kind: str) -> float:
        """Seconds of this kind over those in the own order."""
        return self.seconds[kind] / self.seconds["own"]


#: What is compared with the own order: by parameters, and by seconds.
GAINS, TIMES = ("spent", "axes", "digits", "optimum"), ("spent", "axes", "digits")


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


def measured(name: str, x: Array, rtol: float, repeats: int) -> Case:
    """One row; the certified errors of all trains are at most ``rtol``."""
    own, spent = tt_svd(x, rtol), tt_svd(x, rtol, spend="smallest")
    axes, digits = (best_order(x, rtol, fold=fold) for fold in (False, True))
    calls: dict[str, Callable[[], object]] = {
        "own": partial(tt_svd, x, rtol),
        "spent": partial(tt_svd, x, rtol, spend="smallest"),
        "axes": partial(best_order, x, rtol, fold=False),
        "digits": partial(best_order, x, rtol),
    }
    trains = {"own": own, "spent": spent, "axes": axes.train, "digits": digits.train}
    if not all(train.error is not None and train.error <= rtol for train in trains.values()):
        raise AssertionError(f"{name}: a train misses the tolerance {rtol}")
    best = min(axes, digits, key=lambda one: one.train.parameters)
    return Case(
        name,
        rtol,
        {**{kind: train.parameters for kind, train in trains.items()}, "optimum": optimum(x, rtol)},
        dict(zip(calls, seconds(*calls.values(), repeats=repeats), strict=True)),
        {"own": len(own.to_bytes()), "chosen": len(best.to_bytes())},
        on_one_blas_thread(annealed_over_best)(x, rtol),
        repr(best.order),
    )


def printed(case: Case) -> str:
    """A row of the table."""
    gains = [f"{case.gain(kind):.3f}" for kind in GAINS]
    times = [f"{case.times(kind):.1f}" for kind in TIMES]
    size, cpu = case.parameters["own"], f"{case.seconds['own']:.4f}"
    smaller = f"{case.bytes['own'] / case.bytes['chosen']:.3f}"
    cells = [case.array, case.rtol, size, *gains, smaller, cpu, *times, f"{case.annealed_over_best:.3f}", case.order]
    return " | ".join(map(str, cells))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(ARRAYS), help=f"of {', '.join(ARRAYS)}, with commas")
    parser.add_argument("--rtol", default="0.1,0.01,0.001", help="tolerances, with commas")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every row there")
    parser.add_argument("--repeats", type=int, default=2, help="of calls whose time is taken, after one that is not")
    given = parser.parse_args()
    cases = []
    heads = [*(f"own/{kind}" for kind in GAINS), "bytes own/chosen", "own seconds", *(f"{kind}/own" for kind in TIMES)]
    print(" | ".join(["array", "rtol", "own parameters", *heads, "annealed/best", "order"]))
    for name in given.only.split(","):
        try:
            x = ARRAYS[name]()
        except FileNotFoundError as missing:
            print(f"{name}: not measured, {missing}")
            continue
        for rtol in map(float, given.rtol.split(",")):
            cases.append(measured(name, x, rtol, given.repeats))
            print(printed(cases[-1]), flush=True)
    for what, kinds, ratio in (("parameters own/", GAINS, Case.gain), ("seconds own*", TIMES, Case.times)):
        for kind in kinds:
            found = [ratio(case, kind) for case in cases]
            if found:
                middle = np.exp(np.mean(np.log(found)))
                print(f"{what}{kind}: geometric mean {middle:.3f}, from {min(found):.3f} to {max(found):.3f}")
    if given.json:
        rows = [
            {
                **asdict(case),
                "gain": {kind: case.gain(kind) for kind in GAINS},
                "times": {kind: case.times(kind) for kind in TIMES},
            }
            for case in cases
        ]
        given.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
