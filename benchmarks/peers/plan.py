"""The planner's choice beside greedy ones, and its predictions beside what was measured.

``python -m benchmarks.peers.plan [--instances 600] [--data FOLDER] [--bound rel:1e-3] [--json]``

First table: random and hard choices of one option per variable under limits. How often each way finds the optimum,
where all combinations can be tried; and how often, and by how much, annealing beats the greedy choices: that by the
best rate of relief to cost, and the simple one that turns the largest savers to their smallest option until the size
fits. Excess is of cost above the cheapest choice without limits. Second table, with ``--data``: every file that can be
read is treated, and its predicted bytes and seconds compared with the measured ones, variable by variable.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cdt_core.planning.annealing import chosen_by
from cdt_core.planning.choice import ChoiceProblem
from cdt_core.planning.exchange import greedy, preferred

#: Name -> how costs come from loads.
KINDS = ("random", "subset sum", "strongly correlated", "slower is smaller")


#: Name, least and most raw bytes of variables whose predictions are shown together.
SIZE_CLASSES = (
    ("< 1 kB", 0, 1 << 10),
    ("< 64 kB", 1 << 10, 1 << 16),
    ("< 1 MB", 1 << 16, 1 << 20),
    (">= 1 MB", 1 << 20, 1 << 62),
)


def problem_of(kind: str, seed: int, groups: int, options: int) -> ChoiceProblem:
    """One size limit; costs by kind (the last: what is small costs time, as codecs do)."""
    make = np.random.default_rng([seed, groups])
    loads = make.integers(1, int(10 ** make.uniform(2, 8)), (groups, options))
    if kind == "random":
        costs = make.integers(0, 10**9, (groups, options))
    elif kind == "subset sum":
        costs = loads.max() - loads
    elif kind == "strongly correlated":
        costs = 2 * loads.max() - loads - (loads > loads.mean()) * (loads.max() // 10)
    else:
        weight = make.integers(1, 10**5, (groups, 1))
        loads = np.maximum(1, -np.sort(-loads, axis=1) * weight // 1000)
        costs = weight * np.arange(options) * make.integers(1, 4, (groups, 1))
    low, high = int(loads.min(axis=1).sum()), int(loads.max(axis=1).sum())
    limit = low + int((high - low) * make.uniform(0.1, 0.7))
    return ChoiceProblem.of(costs.tolist(), [loads.tolist()], [limit])


def smallest_first(problem: ChoiceProblem) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Preferred options; then those that save most are turned to their smallest, until the size fits."""
    chosen, load = preferred(problem), problem.loads[0]
    smallest = np.array(
        [begin + int(np.argmin(load[begin:end])) for begin, end in zip(problem.first, problem.first[1:], strict=False)]
    )
    for group in np.argsort(load[smallest] - load[chosen], kind="stable"):
        if problem.fits(chosen):
            break
        chosen[group] = smallest[group]
    return chosen


def optimum(problem: ChoiceProblem) -> int:
    """By all combinations."""
    cost, load = np.zeros(1, np.int64), np.zeros(1, np.int64)
    for begin, end in zip(problem.first, problem.first[1:], strict=False):
        cost = np.add.outer(cost, problem.costs[begin:end]).reshape(-1)
        load = np.add.outer(load, problem.loads[0, begin:end]).reshape(-1)
    return int(cost[load <= problem.limits[0]].min())


def choices(kind: str, groups: int, options: int, instances: int) -> dict[str, Any]:
    """Shares of optima and of wins, and the excess of the greedy choices over the annealed one, in parts of the latter."""
    few = options**groups <= 1 << 20
    optimal = {"annealed": 0, "by rate": 0, "smallest first": 0}
    excess: dict[str, list[float]] = {"by rate": [], "smallest first": []}
    seconds = []
    for seed in range(instances):
        problem = problem_of(kind, seed, groups, options)
        begin = time.perf_counter()
        found = chosen_by(problem)
        seconds.append(time.perf_counter() - begin)
        floor = int(problem.costs[preferred(problem)].sum())
        best = optimum(problem) if few else found.cost
        optimal["annealed"] += found.cost == best
        for name, chosen in (("by rate", greedy(problem)), ("smallest first", smallest_first(problem))):
            cost = int(problem.costs[chosen].sum()) if problem.fits(chosen) else int(problem.costs.max()) * groups
            optimal[name] += cost == best
            excess[name].append((cost - found.cost) / max(1, found.cost - floor))
    return {
        "kind": kind,
        "groups": groups,
        "known optimum": few,
        "optimal": {name: count / instances for name, count in optimal.items()} if few else None,
        "beats": {name: sum(value > 0 for value in values) / instances for name, values in excess.items()},
        "median excess where beaten": {
            name: statistics.median([value for value in values if value > 0] or [0.0])
            for name, values in excess.items()
        },
        "worse": sum(value < 0 for values in excess.values() for value in values),
        "median seconds": statistics.median(seconds),
    }


def predictions(folder: Path, bound: str) -> Iterator[dict[str, Any]]:
    """A row per variable with numbers of every file that is read and treated."""
    import cdt_core as cdt
    from cdt_core.errors import CdtError

    for line in (folder / "INDEX.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        path = line.split("\t")[0]
        if path.startswith("hostile/"):
            continue
        with tempfile.TemporaryDirectory() as out:
            try:
                done = cdt.treat(folder / path, Path(out) / "out", bound=bound)
            except CdtError:
                continue
        for outcome in done.outcomes:
            plan = done.plan[outcome.name]
            spent = done.variable_seconds.get(outcome.name)
            if plan.predicted_seconds and spent and outcome.stored_bytes:
                yield {
                    "file": path,
                    "variable": outcome.name,
                    "raw_bytes": outcome.raw_bytes,
                    "bytes": plan.predicted_bytes / outcome.stored_bytes - 1,
                    "seconds": plan.predicted_seconds / spent - 1,
                    "predicted": (plan.predicted_bytes, plan.predicted_seconds),
                    "measured": (outcome.stored_bytes, spent),
                }


def medians(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Median absolute errors of prediction: of all variables, by their size, and of files as a whole."""

    def median(chosen: list[dict[str, Any]]) -> dict[str, float]:
        return {
            "variables": len(chosen),
            "bytes": statistics.median([abs(row["bytes"]) for row in chosen] or [0.0]),
            "seconds": statistics.median([abs(row["seconds"]) for row in chosen] or [0.0]),
        }

    names = dict.fromkeys(row["file"] for row in rows)
    files = [_whole([row for row in rows if row["file"] == name]) for name in names]
    return {
        "all": median(rows),
        **{
            name: median([row for row in rows if least <= row["raw_bytes"] < most])
            for name, least, most in SIZE_CLASSES
        },
        "files": {
            "files": len(files),
            "bytes": statistics.median([abs(size) for size, _ in files] or [0.0]),
            "seconds": statistics.median([abs(seconds) for _, seconds in files] or [0.0]),
        },
    }


def _whole(rows: list[dict[str, Any]]) -> tuple[float, float]:
    """Relative errors of the bytes and the seconds of all variables of a file together."""
    size, seconds = (
        sum(row["predicted"][which] for row in rows) / sum(row["measured"][which] for row in rows) - 1
        for which in (0, 1)
    )
    return size, seconds


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", type=int, default=100, help="of each kind and size")
    parser.add_argument("--data", type=Path, help="folder with INDEX.tsv, for the predictions")
    parser.add_argument("--bound", default="rel:1e-3")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = [
        choices(kind, groups, options, given.instances if groups < 100 else max(1, given.instances // 10))
        for groups, options in ((6, 6), (20, 6), (200, 6))
        for kind in KINDS
    ]
    foretold = medians(list(predictions(given.data, given.bound))) if given.data else {}
    if given.json:
        print(json.dumps({"choices": found, "predictions": foretold}, indent=2))
        return
    print(f"{'kind':22s}{'groups':>7s}{'optimal: annealed':>19s}{'rate':>6s}{'simple':>8s}{'beats rate':>12s}{'by':>8s}"
          f"{'beats simple':>14s}{'by':>8s}{'seconds':>9s}")  # fmt: skip
    for row in found:
        optimal = row["optimal"] or {}
        shown = [f"{optimal[name]:.0%}" if optimal else "-" for name in ("annealed", "by rate", "smallest first")]
        beats, excess = row["beats"], row["median excess where beaten"]
        print(f"{row['kind']:22s}{row['groups']:7d}{shown[0]:>19s}{shown[1]:>6s}{shown[2]:>8s}{beats['by rate']:12.0%}"
              f"{excess['by rate']:8.2%}{beats['smallest first']:14.0%}{excess['smallest first']:8.2%}"
              f"{row['median seconds']:9.3f}")  # fmt: skip
    print(f"choices that are worse than a greedy one: {sum(row['worse'] for row in found)}")
    for name, row in foretold.items():
        print(f"{name:10s} " + ", ".join(f"{key} {value:.3g}" for key, value in row.items()))


if __name__ == "__main__":
    main()
