"""Calls for dense problems are short: between two of them who wants to stop is heard. Samples do not feel the cuts."""

from __future__ import annotations

import attrs
import numpy as np
import pytest

from cdt_core.kernels.anneal import Problem, anneal, dense_pieces
from cdt_core.kernels.anneal.course import Stop
from cdt_core.kernels.anneal.dense import MOST_BYTES, Dense
from cdt_core.kernels.anneal.dense_pieces import descent, pieces, steps_at_once

LARGEST = int((MOST_BYTES / 4) ** 0.5)
SIZES = [1, 63, 64, 65, 200, 1000, 5000, LARGEST]
WORK = [1, 40_000, 1_000_000]


def problem_of(size, kind="whole", cardinality=None):
    rng = np.random.default_rng(size)
    weights = rng.integers(-3, 4, (size, size)) if kind == "whole" else rng.normal(size=(size, size))
    upper = np.triu(weights, 1)
    problem = Problem.from_ising(rng.integers(-2, 3, size), upper + upper.T)
    return problem.with_cardinality(np.arange(5, size - 20), cardinality) if cardinality else problem


def stride(size):
    return -(-size // 64) * 64


@pytest.mark.parametrize("swaps", [False, True])
@pytest.mark.parametrize("reads", [1, 7, 64])
@pytest.mark.parametrize("size", SIZES)
def test_pieces_are_all_and_none_is_long(size, reads, swaps):
    made = 0
    for piece in pieces(reads, 5, size, swaps=swaps):
        rows, (first, stop) = piece.reads.stop - piece.reads.start, piece.spins
        work = rows * (piece.sweeps.stop - piece.sweeps.start) * (stop - first)
        assert work * stride(size) * (2 if swaps else 1) <= dense_pieces.MOST_WORK
        assert first % 64 == 0
        if stop - first < size:
            assert rows <= (1 if swaps else 8)
        made += work
    assert made == reads * 5 * size


@pytest.mark.parametrize("reads", [1, 64])
@pytest.mark.parametrize("size", SIZES)
def test_pieces_of_a_descent_are_all_and_none_is_long(size, reads):
    for members in {0, size // 2, size}:
        cut = descent(reads, size, members)
        assert [k for spins, _ in cut.parts for k in range(*spins)] == list(range(size))
        assert [k for _, places in cut.parts for k in range(*places)] == list(range(members))
        assert cut.reads == cut.most == 1 or len(cut.parts) == 1
        assert 1 <= cut.reads <= reads
        for spins, places in cut.parts:
            work = spins[1] - spins[0] + 2 * (places[1] - places[0])
            assert cut.reads * cut.most * work * stride(size) <= dense_pieces.MOST_WORK


@pytest.mark.parametrize("size", SIZES)
def test_steps_of_a_search_are_few_enough(size):
    for reads in (1, 64):
        steps = steps_at_once(reads, size)
        assert steps % 64 == 0
        assert steps >= 64
        assert steps * reads * stride(size) <= dense_pieces.MOST_WORK


def history(problem):
    """States and fields after all that replicas can do."""
    replicas = Dense.of(problem).group(3, 1, 11)
    for beta in (0.0, 0.02, 0.3):
        replicas.sweeps(np.full(3, beta))
    replicas.sweeps_apart(np.linspace(0.01, 0.1, 11), 2)
    yield replicas.rows.copy(), replicas.fields.copy(), replicas.energies()
    replicas.descend()
    yield replicas.rows.copy(), replicas.fields.copy(), replicas.energies()
    if not problem.cardinalities:
        replicas.search(200, 5)
        yield replicas.rows.copy(), replicas.fields.copy(), replicas.gained
    replicas.take(replicas.states()[::-1])
    yield replicas.rows, replicas.fields, replicas.energies()


@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize("cardinality", [None, 40])
@pytest.mark.parametrize("kind", ["whole", "real"])
def test_cuts_change_no_bit(kind, cardinality, work, monkeypatch):
    problem = problem_of(201, kind, cardinality)
    whole = list(history(problem))
    monkeypatch.setattr(dense_pieces, "MOST_WORK", work)
    for uncut, cut in zip(whole, history(problem), strict=True):
        for numbers, others in zip(uncut, cut, strict=True):
            assert numbers.tobytes() == others.tobytes()


class Watched:
    """Kernels of a problem, and a watch that is asked; notes what came after what."""

    def __init__(self, spins):
        self.spins, self.seen = spins, []

    def __getattr__(self, name):
        value = getattr(self.spins, name)
        if name not in ("set_fields", "sweeps", "descend", "tabu"):
            return value

        def called(*arguments):
            self.seen.append(name)
            return value(*arguments)

        return called


@pytest.mark.parametrize("cardinality", [None, 40])
def test_who_wants_to_stop_is_asked_after_every_call(cardinality, monkeypatch):
    monkeypatch.setattr(dense_pieces, "MOST_WORK", 30_000)
    dense = Dense.of(problem_of(150, cardinality=cardinality))
    replicas = dense.group(0, 0, 9)
    watched = Watched(dense.spins)
    replicas.dense = attrs.evolve(dense, spins=watched)
    replicas.heed = lambda: watched.seen.append("heed")
    replicas.sweeps(np.full(2, 0.1))
    replicas.descend()
    replicas.take(replicas.states())
    assert len(watched.seen) > 100
    assert watched.seen[1::2] == ["heed"] * (len(watched.seen) // 2)
    assert "heed" not in watched.seen[::2]


@pytest.mark.parametrize("call", ["sweeps", "descend", "search", "take"])
def test_nothing_more_is_done_for_who_stops(call, monkeypatch):
    monkeypatch.setattr(dense_pieces, "MOST_WORK", 30_000)
    replicas = Dense.of(problem_of(150)).group(0, 0, 9)
    heard = []

    def stop():
        heard.append(replicas.rows.copy())
        if len(heard) == 2:
            raise Stop

    replicas.heed = stop
    arguments = {"sweeps": [np.zeros(50)], "descend": [], "search": [10**6, 0], "take": [replicas.states()]}
    with pytest.raises(Stop):
        getattr(replicas, call)(*arguments[call])
    assert len(heard) == 2
    assert np.array_equal(heard[1], replicas.rows)


def test_a_search_that_is_stopped_leaves_the_best_it_saw():
    problem = problem_of(150)
    replicas = Dense.of(problem).group(0, 0, 9)
    replicas.descend()
    first, heard = replicas.energies(), []

    def stop():
        heard.append(replicas.gained.copy())
        if len(heard) == 20:
            raise Stop

    replicas.heed = stop
    with pytest.raises(Stop):
        replicas.search(10**9, 0)
    assert (heard[-1] < 0).any()
    assert np.array_equal(problem.energy(replicas.states()) - problem.offset, first + replicas.gained)


def test_searches_of_reads_in_one_state_differ():
    dense = Dense.of(problem_of(150))
    state = dense.group(0, 0, 1).states()
    seen = []
    for read in (0, 1):
        replicas = dense.holding(0, state)
        replicas.search(150, read)
        seen.append(replicas.states())
    assert not np.array_equal(*seen)


@pytest.mark.parametrize("method", ["sa", "pt", "pa", "reheat", "auto"])
@pytest.mark.parametrize("reads", [1, 65, 70])
def test_any_number_of_reads_is_annealed(method, reads):
    samples = anneal(problem_of(64, cardinality=10), reads=reads, sweeps=40, method=method)
    assert samples.occurrences.sum() >= reads
    assert np.array_equal(samples.problem.feasible(samples.states), np.ones(len(samples), bool))
