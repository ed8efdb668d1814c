"""Exact reduction: what is left has the energies that the whole has with all else at its best, and states come back."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given

from cdt_core.errors import AnnealError
from cdt_core.kernels import _anneal
from cdt_core.kernels.anneal import Problem, anneal, reducing
from cdt_core.kernels.anneal.reducing import reduce
from cdt_core.kernels.reference.anneal_reduce import terms_of, without
from tests.kernels.anneal.problems import REAL, WHOLE, all_states, isings, random_graph

SEEDS = range(12)


def tree(size, rng):
    return {(int(rng.integers(i)), i) for i in range(1, size)}


def ring(size, rng):
    return {(i, i + 1) for i in range(size - 1)} | {(0, size - 1)}


def star(size, rng):
    return {(0, i) for i in range(1, size)}


def ladder(size, rng):
    return {(i, i + 2) for i in range(size - 2)} | {(i, i + 1) for i in range(0, size - 1, 2)}


def grid(size, rng):
    return {(i, i + 1) for i in range(size - 1) if i % 4 != 3} | {(i, i + 4) for i in range(size - 4)}


def parts(size, rng):
    """Components of three spins, and some that are alone."""
    return {(i, j) for i, j in itertools.combinations(range(size - 2), 2) if i // 3 == j // 3}


def hubs(size, rng):
    """Two that are coupled to all others, and to each other by them."""
    return {(i, j) for i in range(2) for j in range(2, size)}


def sparse(size, rng):
    return set(random_graph(size, 2 * size - 4, int(rng.integers(1 << 30))))


def cubic(size, rng):
    """Three neighbours for most spins."""
    ends = rng.permutation(np.repeat(np.arange(size), 3))[: 3 * size // 2 * 2].reshape(-1, 2)
    return {tuple(sorted(pair)) for pair in ends.tolist() if pair[0] != pair[1]}


def dense(size, rng):
    return set(itertools.combinations(range(size), 2))


FAMILIES = [tree, ring, star, ladder, grid, parts, hubs, sparse, cubic, dense]
WEIGHTS = {"signs": [-1, 1], "whole": range(-4, 5), "even": [-6, -2, 4], "large": [-(2**40), 2**40 + 1, 3]}


def problem_of(family, weights, seed, fields=True, size=11):
    rng = np.random.default_rng([seed, FAMILIES.index(family)])
    pairs = sorted(family(size, rng))
    h = rng.choice(weights, size) * (rng.random(size) < 0.4) if fields else np.zeros(size, int)
    return Problem.from_ising(h, {pair: rng.choice(weights) for pair in pairs}, offset=int(rng.integers(-5, 6)))


def lowest(problem, kept):
    """The lowest energies of the whole with each state of the kept spins, by trying all."""
    states = all_states(problem.size)
    energies = problem.energy(states)
    rank = (states[:, kept] > 0) @ (1 << np.arange(len(kept))[::-1])
    best = np.full(1 << len(kept), energies.max())
    np.minimum.at(best, rank, energies)
    return best


def must_agree(problem, rounding=0.0):
    """All energies of what is left: those of what comes back, and the lowest that there are."""
    reduced = reduce(problem)
    small = all_states(reduced.problem.size)
    energies = reduced.problem.energy(small)
    states = reduced.restore(small)
    np.testing.assert_array_equal(states[:, reduced.kept], small)
    for others in (problem.energy(states), lowest(problem, reduced.kept)):
        assert np.abs(energies - others).max() <= rounding
    return reduced


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_energies_of_whole_numbers_are_the_lowest_of_the_whole_exactly(family, weights):
    for seed in SEEDS:
        must_agree(problem_of(family, weights, seed, fields=bool(seed % 3)))


@pytest.mark.parametrize("family", FAMILIES)
def test_energies_of_floats_are_the_lowest_of_the_whole_to_rounding(family):
    for seed in SEEDS:
        weights = np.random.default_rng(seed).normal(size=50)
        must_agree(problem_of(family, weights, seed, fields=bool(seed % 3)), rounding=1e-13)


@given(isings(WHOLE))
def test_any_small_problem_of_whole_numbers(ising):
    must_agree(Problem.from_ising(*ising))


@given(isings(REAL))
def test_any_small_problem_of_floats(ising):
    must_agree(Problem.from_ising(*ising), rounding=1e-10)


@pytest.mark.parametrize("kind", [Problem.from_qubo, Problem.max_cut], ids=["qubo", "cut"])
def test_problems_with_a_scale_stay_exact(kind):
    for seed in SEEDS:
        pairs = random_graph(9, 13, seed, (-3, 1, 2))
        reduced = must_agree(kind(pairs))
        assert reduced.problem.binary == reduced.whole.binary


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_left_is_what_the_reference_leaves(family, weights):
    for seed in SEEDS[:4]:
        problem = problem_of(family, weights, seed)
        reduced = reduce(problem)
        order = reduced._rest.choices[:, 0].tolist()
        assert sorted([*order, *reduced.kept]) == list(range(problem.size))
        expected = without(terms_of(problem), order)
        left = {frozenset(int(reduced.kept[i]) for i in spins): w for spins, w in terms_of(reduced.problem).items()}
        assert left == expected


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_is_left_that_could_be_taken_out(family):
    for seed in SEEDS:
        problem = problem_of(family, WEIGHTS["whole"], seed, size=16)
        left = reduce(problem).problem
        for i in range(left.size if left.size > 1 else 0):
            sizes = np.abs([left.fields[i], *left.weights[left.start[i] : left.start[i + 1]]])
            assert np.count_nonzero(sizes) > 3
            assert 2 * sizes.max() < sizes.sum()


@pytest.mark.parametrize("family", [tree, ring, star, ladder, parts, hubs])
def test_trees_rings_and_ladders_are_solved(family):
    problem = problem_of(family, WEIGHTS["whole"], 1, fields=False, size=40)
    reduced = reduce(problem)
    assert reduced.problem.size == 1
    assert reduced.taken == 1 - 1 / 40
    assert anneal(problem, reads=256, sweeps=400).energy == problem.energy(reduced.restore([1]))[0]


@pytest.mark.parametrize("family", FAMILIES)
def test_no_more_edges_and_no_larger_fields(family):
    def reach(problem):
        rows = np.repeat(np.arange(problem.size), np.diff(problem.start))
        sums = np.bincount(rows, np.abs(problem.weights), problem.size)
        return (np.abs(problem.fields) + sums).max() / problem.scale

    for seed in SEEDS:
        problem = problem_of(family, WEIGHTS["whole"], seed, size=30)
        left = reduce(problem).problem
        assert left.edges <= problem.edges
        assert reach(left) <= reach(problem)


@pytest.mark.parametrize(("weight", "left"), [(11, 6), (24, 7)])
def test_what_fits_bytes_still_does(weight, left):
    """An odd sum of three couplings is halved where all fields, of 60, can be counted in halves; not where one is 125."""
    pairs = dict.fromkeys(itertools.combinations(range(6), 2), weight) | {(0, 6): 3, (1, 6): 3, (2, 6): 5}
    reduced = must_agree(Problem.from_ising([0] * 7, pairs))
    problem = reduced.problem
    assert problem.size == left
    assert np.add.reduceat(np.abs(problem.weights), problem.start[:-1]).max() <= _anneal.MOST_FIELD


def test_the_largest_whole_numbers_do_not_overflow():
    third = (2**62 - 1) // 3
    problem = Problem.from_ising([0] * 4, {(0, 1): third, (0, 2): third, (0, 3): third})
    assert must_agree(problem).problem.size == 1
    odd = third - 2 if third % 2 else third - 1
    triangle = Problem.from_ising([odd, 0, 0], {(0, 1): odd, (0, 2): odd})
    must_agree(triangle)


def test_couplings_that_cancel_to_rounding_are_gone():
    """0.1 + 0.2 of two chains, and -0.3 that was there: 5.6e-17 of a coupling would be the weakest of all."""
    pairs = {(0, 1): -0.3, (0, 2): 0.1, (2, 1): -0.1, (0, 3): 0.2, (3, 1): -0.2}
    others = [pair for pair in itertools.combinations(range(9), 2) if pair[0] in (0, 1, *range(4, 9)) and pair[1] > 3]
    pairs |= dict.fromkeys(others, 1.5)
    reduced = reduce(Problem.from_ising(None, pairs))
    assert set(np.abs(reduced.problem.weights)) == {1.5}


def test_local_minima_come_of_local_minima():
    problem = Problem.from_ising([0] * 60, random_graph(60, 110, 5, (-1, 1)))
    reduced = reduce(problem)
    found = anneal(reduced.problem, reads=64, sweeps=3)
    states = reduced.restore(found.states)
    energies = problem.energy(states)
    np.testing.assert_array_equal(energies, found.energies)
    for i in range(problem.size):
        flipped = states.copy()
        flipped[:, i] *= -1
        assert (problem.energy(flipped) >= energies).all()


def test_names_and_groups_are_kept():
    names = {("a", "b"): 2, ("b", "c"): -1, ("c", "d"): 3, ("d", "e"): 1, ("e", "a"): 1}
    problem = Problem.from_ising(dict.fromkeys("abcde", 1), names).with_cardinality([1, 3], 1)
    reduced = reduce(problem)
    assert set(reduced.problem.labels) >= {"b", "d"}
    assert reduced.problem.size < problem.size
    small = all_states(reduced.problem.size)
    states = reduced.restore(small)
    np.testing.assert_array_equal(problem.feasible(states), reduced.problem.feasible(small))
    np.testing.assert_array_equal(problem.energy(states), reduced.problem.energy(small))


def test_many_states_come_back_each_as_it_would_alone():
    problem = Problem.from_ising([0] * 200, random_graph(200, 320, 1, (-1, 1)))
    reduced = reduce(problem)
    small = np.random.default_rng(0).choice(np.array([-1, 1], np.int8), (131, reduced.problem.size))
    together = reduced.restore(small)
    np.testing.assert_array_equal(together, np.concatenate([reduced.restore(state) for state in small]))
    np.testing.assert_array_equal(problem.energy(together), reduced.problem.energy(small))


@pytest.mark.parametrize(
    ("pairs", "h", "worth"),
    [
        ({(i, (i + k) % 40): 1 for i in range(40) for k in (1, 3)}, 0, False),
        ({(i, (i + k) % 40): 1 for i in range(40) for k in (1, 3)}, 4, True),
        ({(i, (i + k) % 40): 3.5 if k == 1 and i % 2 else 1.1 for i in range(40) for k in (1, 3)}, 0, True),
        ({(i, (i + 1) % 40): 1 for i in range(40)}, 1, True),
        ({(i, j): 1 for i in range(20) for j in range(i)} | {(20, 30): 1}, 0, True),
    ],
    ids=["torus", "large fields", "large couplings", "ring with fields", "alone"],
)
def test_a_large_problem_is_looked_at_before_it_is_reduced(pairs, h, worth, monkeypatch):
    problem = Problem.from_ising([h] * 40, pairs)
    assert reducing.may_reduce(problem)
    monkeypatch.setattr(reducing, "_MANY", problem.edges - 1)
    assert reducing.may_reduce(problem) is worth
    assert (reduce(problem).taken > 0) is worth


def test_states_that_do_not_fit_are_refused():
    reduced = reduce(Problem.from_ising([0] * 3, {(0, 1): 1, (1, 2): 1}))
    with pytest.raises(AnnealError, match="shape"):
        reduced.restore([1, 1, 1])
    with pytest.raises(AnnealError, match=r"states\[0\] is 2"):
        reduced.restore([2])


@pytest.mark.parametrize(
    ("start", "neighbours"),
    [([0, 1], [0]), ([0, 2, 2], [1, 1]), ([0, 1, 2], [1, 2]), ([0, 3, 2], [1, 0]), ([0, 1, 3], [1, 0]), ([0], [])],
)
def test_arrays_that_are_no_symmetric_couplings_are_refused(start, neighbours):
    size = max(len(start) - 1, 0)
    with pytest.raises(ValueError, match=r"start|neighbour|argument"):
        _anneal.Rest(
            np.array(start, np.int64),
            np.array(neighbours, np.int32),
            np.ones(len(neighbours), np.int64),
            np.zeros(size, np.int64),
            np.zeros(size, np.uint8),
        )
