"""A benchmark that is a table of promises: parts that are measured when asked for, printed as they come."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.peers.summary import Row, printed

Parts = Mapping[str, Callable[[], Iterator[Row]]]


def seconds(*calls: Callable[[], Any], repeats: int = 5) -> list[float]:
    """Median CPU time of each call, after one that does not count; they take turns, so that a busy machine is busy for all."""
    taken: list[list[float]] = [[] for _ in calls]
    for turn in range(repeats + 1):
        for call, times in zip(calls, taken, strict=True):
            start = time.process_time()
            call()
            if turn:
                times.append(time.process_time() - start)
    return [median(times) for times in taken]


def main(description: str, parts: Parts, kernels: Callable[[], str]) -> None:
    """The command line of a benchmark: ``--only``, ``--json``."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(parts), help=f"of {', '.join(parts)}, with commas")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every row there")
    given = parser.parse_args()
    rows = _measured(parts, [part for part in given.only.split(",") if part])
    print(f"\nkernels {kernels()}\n\n{printed(rows)}")
    if given.json:
        given.json.write_text(json.dumps([{**asdict(row), "verdict": row.verdict} for row in rows], indent=1))


def _measured(parts: Parts, names: Sequence[str]) -> list[Row]:
    """The rows of the parts, printed as they come; parts whose inputs are not there say so."""
    rows: list[Row] = []
    for name in names:
        try:
            for row in parts[name]():
                rows.append(row)
                print(
                    f"{row.figure}: {', '.join(f'{value:.3g}' for value in row.measured)}  ({row.verdict})", flush=True
                )
        except FileNotFoundError as missing:
            print(f"{name}: not measured, {missing}")
    return rows
