"""Problems of the annealing benchmarks: Gset graphs of the test-data folder, and generated ones."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.peers.arrays import data_folder
from cdt_core.kernels.anneal import Problem

Edges = tuple[int, Any, Any, Any]


def graph(name: str) -> Edges:
    """Vertices, and the ends and weights of the edges, of a Gset graph."""
    data = (data_folder() / "gset" / f"{name}.txt").read_bytes()
    lines = data.decode(
        "utf-16" if data.startswith(codecs.BOM_UTF16) else "utf-8"
    ).splitlines()  # some are published so
    numbers = np.loadtxt(lines[1:], dtype=np.int64)
    return int(lines[0].split()[0]), numbers[:, 0] - 1, numbers[:, 1] - 1, numbers[:, 2]


def best_known() -> dict[str, int]:
    """The best cuts of Gset graphs that were published."""
    with (data_folder() / "gset" / "best_known.tsv").open() as lines:
        return {row["graph"]: int(row["best_known_cut"]) for row in csv.DictReader(lines, delimiter="\t")}


def spin_glass(length: int = 12) -> Edges:
    """Edwards-Anderson model: a periodic cube, couplings of -1 and +1."""
    sites = np.arange(length**3).reshape((length,) * 3)
    ends = [(sites.ravel(), np.roll(sites, -1, axis).ravel()) for axis in range(3)]
    i, j = (np.concatenate(side) for side in zip(*ends, strict=True))
    return length**3, i, j, np.random.default_rng(7).choice([-1, 1], len(i))


def annealer_like(size: int = 5640, degree: int = 14) -> Edges:
    """As many spins and couplings as a Pegasus P16: each spin is coupled to some that are near it in a line."""
    rng = np.random.default_rng(7)
    pairs: set[tuple[int, int]] = set()
    while len(pairs) < size * degree // 2:
        i = int(rng.integers(size))
        j = (i + int(rng.integers(1, 200))) % size
        pairs.add((min(i, j), max(i, j)))
    i, j = np.array(sorted(pairs)).T
    return size, i, j, rng.choice([-1, 1], len(i))


def all_to_all(size: int = 1000) -> Edges:
    """Sherrington-Kirkpatrick model with couplings of -1 and +1."""
    i, j = np.triu_indices(size, 1)
    return size, i, j, np.random.default_rng(7).choice([-1, 1], len(i))


def sparse() -> Iterator[tuple[str, Edges]]:
    """What the figures of sparse problems are measured on."""
    for name in ("G1", "G22", "G55", "G60", "G81"):
        yield name, graph(name)
    yield "EA 12^3", spin_glass()
    yield "Pegasus-like", annealer_like()


def ising(edges: Edges) -> Problem:
    """The edges' weights as couplings: the ground state is the largest cut."""
    return Problem.from_ising(None, edges)


def bqm(edges: Edges) -> Any:
    """The same for peers."""
    import dimod

    size, i, j, w = edges
    return dimod.BinaryQuadraticModel.from_numpy_vectors(np.zeros(size), (i, j, w.astype(float)), 0.0, "SPIN")


def terms(edges: Edges) -> tuple[dict[int, float], dict[tuple[int, int], float]]:
    """h and J as mappings, for peers that take nothing else."""
    _, i, j, w = edges
    return {}, dict(zip(zip(i.tolist(), j.tolist(), strict=True), w.astype(float).tolist(), strict=True))


def cut(edges: Edges, energies: Any) -> Any:
    """The cuts of states whose Ising energies are given."""
    return (edges[3].sum() - np.asarray(energies)) / 2
