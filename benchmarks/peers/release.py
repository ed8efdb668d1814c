"""Anonymised release beside what a user would write: ``python -m benchmarks.peers.release [--only WORD,...] [--json FILE]``.

Peers: Mondrian in plain NumPy (:func:`naive_mondrian`: the same cuts, a node at a time, with sorting instead of counting), and
pandas' groupby for the checks. 32,561 rows, 7 quasi-identifiers, k = 10; times are CPU time of one thread, medians of turns.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.bench_partition import ncp
from benchmarks.census import HIERARCHIES, QUASI, codes, frame
from benchmarks.peers.summary import Row
from benchmarks.peers.table import main, seconds
from cdt_core.kernels import _partition
from cdt_core.kernels.partition import Demand, classes_of, measure, mondrian
from cdt_privacy.release import anonymise, check

K = 10
#: What l and t are asked to be where they are.
LIMITS = {"l": 3, "t": 0.4, "ordered": True}


def naive_mondrian(table: Any, k: int) -> list[Any]:
    """Rows of each class: the widest column first, cut at the median."""
    places, done, waiting = table / np.maximum(table.max(0), 1), [], [np.arange(len(table))]
    while waiting:
        rows = waiting.pop()
        for column in np.argsort(-np.ptp(places[rows], axis=0), kind="stable"):
            values = table[rows, column]
            codes_, counts = np.unique(values, return_counts=True)
            left = np.cumsum(counts)[:-1]
            allowed = (left >= k) & (len(rows) - left >= k)
            if allowed.any():
                best = np.flatnonzero(allowed)[np.argmin(np.abs(2 * left[allowed] - len(rows)))]
                below = values <= codes_[best]
                waiting += [rows[~below], rows[below]]
                break
        else:
            done.append(rows)
    return done


def pandas_checks(table: pd.DataFrame, names: list[str], secret: str) -> tuple[int, int, float]:
    """k, l, and t by the equal distance."""
    groups = table.groupby(names, sort=False, dropna=False, observed=True)[secret]
    shares = pd.crosstab(groups.ngroup(), table[secret], normalize="index")
    gap = (shares - table[secret].value_counts(normalize=True)[shares.columns]).abs().sum(axis=1)
    return int(groups.size().min()), int(groups.nunique().min()), float(gap.max() / 2)


def cutting() -> Iterator[Row]:
    """Mondrian on codes."""
    table, occupation = codes()
    (theirs,) = seconds(lambda: naive_mondrian(table, K), repeats=3)
    (ours,) = seconds(lambda: mondrian(table, K), repeats=40)
    yield Row("Mondrian k=10 on codes: ms", (10,), (4,), (ours * 1e3,), at_most=True)
    yield Row("Mondrian k=10 on codes: times faster than NumPy", (50,), (100,), (theirs / ours,))
    classes = mondrian(table, K).sizes
    same = sorted(classes.tolist()) == sorted(len(rows) for rows in naive_mondrian(table, K))
    yield Row("Mondrian: the same classes as NumPy's (1: yes)", (1,), (1,), (float(same),))
    demand = Demand(occupation, **LIMITS)
    (ours,) = seconds(lambda: mondrian(table, K, [demand]), repeats=40)
    yield Row("Mondrian k=10, l=3, t=0.4 on codes: ms", (10,), (5,), (ours * 1e3,), at_most=True)


def checking() -> Iterator[Row]:
    """k, l and t on codes."""
    raw, occupation = codes()
    demand = Demand(occupation)
    cut = mondrian(raw, K)
    released = cut.lows[cut.classes].astype(np.int64)
    for name, table in (("released", released), ("raw", raw)):
        columns = pd.DataFrame(table).assign(s=occupation)
        (theirs,) = seconds(lambda columns=columns: pandas_checks(columns, list(range(7)), "s"), repeats=3)
        (ours,) = seconds(lambda table=table: measure(classes_of(table), demand), repeats=40)
        yield Row(f"k, l, t of a {name} table on codes: ms", (3,), (1,), (ours * 1e3,), at_most=True)
        yield Row(f"k, l, t of a {name} table on codes: times faster than pandas", (20,), (50,), (theirs / ours,))
        found = measure(classes_of(table), demand)
        k, l, t = pandas_checks(columns, list(range(7)), "s")  # noqa: E741
        equal = (found.sizes.min(), found.distinct.min()) == (k, l) and abs(found.t.max() - t) < 1e-9
        yield Row(f"k, l, t of a {name} table: as pandas finds them (1: yes)", (1,), (1,), (float(equal),))


def releasing() -> Iterator[Row]:
    """From a DataFrame, and back."""
    table = frame()
    (ours,) = seconds(lambda: anonymise(table, QUASI, "occupation", k=K), repeats=10)
    (checked,) = seconds(lambda: check(table, QUASI, "occupation"), repeats=10)
    yield Row("anonymise, from a DataFrame to one: ms", (60,), (30,), (ours * 1e3,), at_most=True)
    yield Row("check of a DataFrame: ms", (60,), (30,), (checked * 1e3,), at_most=True)
    for options in ({}, {"suppress": 0.05, "l": 3}):
        start = time.process_time()
        found = anonymise(table, QUASI, "occupation", k=K, method="full_domain", hierarchies=HIERARCHIES, **options)
        taken = time.process_time() - start
        print(f"full-domain {options}: {found.evidence}, levels {dict(found.levels)}, NCP {found.measures.ncp:.4f}")
        yield Row(f"full-domain levels, {options or 'no suppression'}: s", (10,), (2,), (taken,), at_most=True)


def annealing() -> Iterator[Row]:
    """What annealing gains."""
    table = frame()
    for options in ({}, {"l": 3, "t": 0.5}):
        plain = anonymise(table, QUASI, "occupation", k=K, **options).measures
        start = time.process_time()
        found = anonymise(table, QUASI, "occupation", k=K, refine="anneal", **options)
        taken = time.process_time() - start
        print(
            f"annealed {options}: NCP {plain.ncp:.4f} -> {found.measures.ncp:.4f} in {taken:.1f} s; {found.anonymity}"
        )
        gain = 1 - found.measures.ncp / plain.ncp
        yield Row(f"NCP annealed away, {options or 'k alone'}: %", (5,), (10,), (100 * gain,))
    print(f"NCP of the cuts on codes: {ncp(mondrian(codes()[0], K), codes()[0]):.4f}")


PARTS = {"cutting": cutting, "checking": checking, "releasing": releasing, "annealing": annealing}

if __name__ == "__main__":
    main(__doc__, PARTS, _partition.kernels_name)
