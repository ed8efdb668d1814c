"""Annealing beside the samplers a user would pick instead: ``python -m benchmarks.peers.anneal [--only WORD,...]``.

CPU seconds of whole calls that take turns, on one core: run it with ``taskset -c 1`` (without it for the part
``threads``). An attempt is one spin of one read that is flipped or left; Trotter slices are not counted. Peers: ``pip
install -e '.[peers]'``. Gset graphs are those of the test-data folder (``CDT_TEST_DATA``); without it their rows are
not measured.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import numpy as np

from benchmarks.peers import anneal_problems as problems
from benchmarks.peers.summary import Row
from benchmarks.peers.table import main, seconds
from cdt_core.kernels import _anneal
from cdt_core.kernels.anneal import Samples, anneal, default_range

#: Seconds of CPU for each graph of the part ``cuts``, and of ``records``.
SECONDS, LONG = 10.0, 60.0


def _speed(edges: problems.Edges, sweeps: int, **options: Any) -> tuple[Callable[[], Samples], float]:
    """A call of ours, and its attempts."""
    problem = problems.ising(edges)
    reads = options.pop("reads", 64)
    return lambda: anneal(problem, reads, sweeps, threads=1, **options), float(edges[0] * sweeps * reads)


def _dwave(
    edges: problems.Edges, sweeps: int, reads: int, sampler: str = "SimulatedAnnealingSampler", **options: Any
) -> tuple[Any, float]:
    import dwave.samplers

    model, peer = problems.bqm(edges), getattr(dwave.samplers, sampler)()
    return lambda: peer.sample(model, num_reads=reads, num_sweeps=sweeps, seed=1, **options), float(
        edges[0] * sweeps * reads
    )


def _openjij(edges: problems.Edges, sweeps: int, reads: int, sampler: str, **options: Any) -> tuple[Any, float]:
    import openjij

    h, J = problems.terms(edges)  # noqa: N806
    peer = getattr(openjij, sampler)()
    return lambda: peer.sample_ising(h, J, num_reads=reads, num_sweeps=sweeps, **options), float(
        edges[0] * sweeps * reads
    )


def speed() -> Iterator[Row]:
    """Attempts per nanosecond on sparse problems of whole weights, and against dwave-samplers."""
    rates, ratios = [], []
    for name, edges in problems.sparse():
        (ours, mine), (theirs, others) = _speed(edges, 1000), _dwave(edges, 500, 4)
        ours_s, theirs_s = seconds(ours, theirs, repeats=3)
        rates.append(mine / ours_s / 1e9)
        ratios.append(rates[-1] * 1e9 / (others / theirs_s))
        yield Row(f"{name}: attempts/ns; / dwave-samplers SA", (1.2, 25), (1.2, 25), (rates[-1], ratios[-1]))
    yield Row("median: attempts/ns; / dwave-samplers SA", (1.2, 25), (5, 80), (median(rates), median(ratios)))


def others() -> Iterator[Row]:
    """Dense problems, and weights that are no integers."""
    edges = problems.all_to_all()
    ours, attempts = _speed(edges, 1000)
    theirs, peers = _dwave(edges, 100, 2)
    ours_s, theirs_s = seconds(ours, theirs, repeats=3)
    yield Row("SK 1000: attempts/ns", (0.05,), (0.2,), (attempts / ours_s / 1e9,))
    yield Row("SK 1000 / dwave-samplers SA", (), (25,), (attempts / ours_s / (peers / theirs_s),))
    for name, (size, i, j, w) in problems.sparse():
        real = w * np.random.default_rng(0).uniform(0.5, 1.5, len(w))
        call, attempts = _speed((size, i, j, real), 300)
        yield Row(f"{name}, floats: attempts/ns", (0.3,), (1,), (attempts / seconds(call, repeats=3)[0] / 1e9,))


def energies() -> Iterator[Row]:
    """Mean energies of reads after the same 1000 betas: the difference in standard errors of the difference, at most
    2."""
    for name, edges in problems.sparse():
        problem = problems.ising(edges)
        hot, cold = default_range(problem)
        betas = np.geomspace(hot, cold, 1000)
        reads = 100 if edges[0] < 3000 else 24
        theirs = _dwave(edges, 1000, reads, beta_schedule_type="custom", beta_schedule=betas)[0]().record
        ours = anneal(problem, 640, schedule=betas)
        a, b = np.repeat(ours.energies, ours.occurrences), np.repeat(theirs.energy, theirs.num_occurrences)
        error = math.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
        yield Row(
            f"{name}: mean energy above dwave's, in standard errors",
            (2,),
            (2,),
            ((a.mean() - b.mean()) / error,),
            at_most=True,
        )


def _to_solution(taken: float, share: float) -> float:
    """Seconds until a solution is found with a chance of 99 %, by calls of so many seconds of which a share finds
    one."""
    return math.inf if not share else taken * max(1.0, math.log(0.01) / math.log(1 - min(share, 0.99)))


def solutions() -> Iterator[Row]:
    """Time to solution, 99 %, of batches of 64 reads; openjij's by single reads."""
    for name, target, must in (("G1", 1.0, (0.06, 4)), ("G22", 0.999, (0.06,))):
        edges, goal = problems.graph(name), target * problems.best_known()[name]
        problem, hits, taken = problems.ising(edges), [], []
        for seed in range(20):
            start = time.process_time()
            found = anneal(problem, threads=1, seed=seed)
            taken.append(time.process_time() - start)
            hits.append(problems.cut(edges, found.energy) >= goal)
        ours = _to_solution(median(taken), float(np.mean(hits)))
        yield Row(f"{name} at {target:.1%} of the best known: seconds", (must[0],), (0.03,), (ours,), at_most=True)
        if len(must) > 1:
            call = _openjij(edges, 1000, 100, "SASampler")[0]
            start = time.process_time()
            record = call().record
            each = (time.process_time() - start) / 100
            share = float(np.average(problems.cut(edges, record.energy) >= goal, weights=record.num_occurrences))
            yield Row(
                f"{name}: openjij's time to solution / ours",
                (must[1],),
                (must[1],),
                (_to_solution(each, share) / ours,),
            )


def _cuts(names: tuple[str, ...], budget: float) -> Iterator[tuple[str, float, float]]:
    known = problems.best_known()
    for name in names:
        edges = problems.graph(name)
        start = time.process_time()
        found = anneal(problems.ising(edges), method="auto", threads=1, time_budget=budget)
        yield name, problems.cut(edges, found.energy) / known[name], time.process_time() - start


def cuts() -> Iterator[Row]:
    """Share of the best known cut after ten seconds."""
    for name, share, _ in _cuts(("G55", "G60", "G70", "G81", "G32", "G39"), SECONDS):
        yield Row(f"{name}: share of the best known cut in {SECONDS:g} s", (0.999,), (1,), (share,))


def records() -> Iterator[Row]:
    """How many of all graphs reach the best known cut in a minute each. Takes twenty minutes; not measured unless
    asked for."""
    shares = [share for _, share, _ in _cuts(tuple(problems.best_known()), LONG)]
    yield Row(
        f"graphs at their best known cut in {LONG:g} s: share", (), (0.5,), (float(np.mean(np.array(shares) >= 1)),)
    )


def quantum() -> Iterator[Row]:
    """Simulated quantum annealing: attempts of reads against those of peers (openjij with 4 slices, dwave's path
    integral)."""
    for name in ("G1", "G55"):
        edges = problems.graph(name)
        (ours, mine), (oj, jijs) = _speed(edges, 200, method="sqa"), _openjij(edges, 100, 2, "SQASampler")
        path, paths = _dwave(edges, 50, 1, "PathIntegralAnnealingSampler")
        a, b, c = (
            attempts / taken
            for attempts, taken in zip((mine, jijs, paths), seconds(ours, oj, path, repeats=2), strict=True)
        )
        yield Row(f"{name}, SQA: attempts / openjij's, / dwave's path integral", (10, 10), (50, 50), (a / b, a / c))


def slices() -> Iterator[Row]:
    """Whether Trotter slices are worth their time: what 64 reads miss of the best known cut in the mean, with and without."""
    for name in ("G1", "G22", "G39"):
        edges, missed, taken = problems.graph(name), [], []
        problem = problems.ising(edges)
        for method, sweeps in (("sqa", 1000), ("sa", 16000)):
            start = time.process_time()
            found = anneal(problem, 64, sweeps, method, threads=1)
            taken.append(time.process_time() - start)
            mean = float(np.average(found.energies, weights=found.occurrences))
            missed.append(1 - problems.cut(edges, mean) / problems.best_known()[name])
        figure = f"{name}: cut that sqa misses / sa with 16 times the sweeps; its seconds / those of sa"
        yield Row(figure, (), (1, 1), (missed[0] / missed[1], taken[0] / taken[1]), at_most=True)


def threads() -> Iterator[Row]:
    """Two threads against one, wall time; not for a pinned process. The medians count; the least times of the same calls
    say how much of what is missing comes and goes with the machine.
    """
    problem = problems.ising(problems.graph("G55"))
    taken: list[list[float]] = [[], []]
    for _ in range(25):
        for count in (1, 2):
            start = time.perf_counter()
            anneal(problem, reads=512, threads=count)
            taken[count - 1].append(time.perf_counter() - start)
    yield Row("2 threads / 1, 512 reads of G55", (1.8,), (1.8,), (median(taken[0]) / median(taken[1]),))
    yield Row("the same, least times", (), (), (min(taken[0]) / min(taken[1]),))


PARTS = {
    "speed": speed,
    "others": others,
    "energies": energies,
    "solutions": solutions,
    "cuts": cuts,
    "quantum": quantum,
    "slices": slices,
    "threads": threads,
    "records": records,
}

if __name__ == "__main__":
    main(__doc__, PARTS, _anneal.kernels_name)
