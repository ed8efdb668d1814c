"""Replicas in lanes: the stationary law of each kind of sweep, the same states on every instruction set, monotone crossings."""

from __future__ import annotations

import numpy as np
import pytest

from cdt_core.kernels import _anneal
from cdt_core.kernels.anneal import Problem
from cdt_core.kernels.anneal import lanes as lanes_module
from cdt_core.kernels.anneal.lanes import Lanes
from cdt_core.kernels.anneal.replicas import GROUP
from tests.kernels.anneal.problems import all_states, random_graph, random_problem
from tests.kernels.instruction_sets import LEVELS, using

FLOATS = 0.125  # as weights of the least unit, these make floats of the same problem


def weighted(size=9, seed=3, scale=1):
    """A problem with fields and weights of both signs; floats where the scale is no integer."""
    pairs = random_graph(size, 2 * size, seed, (-3, -1, 1, 2))
    rng = np.random.default_rng(seed)
    fields = rng.integers(-2, 3, size) * scale
    return Problem.from_ising(fields, {pair: weight * scale for pair, weight in pairs.items()})


def groups(problem, count, seed=0):
    lanes = Lanes.of(problem)
    return lanes, [lanes.group(seed, number) for number in range(count)]


@pytest.fixture(params=[1, 0.1], ids=["bytes", "floats"])
def problem(request):
    return weighted(scale=request.param)


@pytest.mark.parametrize("kind", ["sweeps", "sweeps_apart", "sweeps_linked"])
def test_all_instruction_sets_make_the_same_states(problem, kind):
    found = []
    for level in LEVELS:
        with using(level, _anneal):
            _, (group,) = groups(problem, 1)
            betas = np.linspace(0.05, 1.5, 40)
            if kind == "sweeps":
                group.sweeps(betas)
            elif kind == "sweeps_apart":
                group.sweeps_apart(np.resize(betas, GROUP), 30)
            else:
                group.sweeps_linked(betas, np.linspace(0.1, 2, 40), 8)
            found.append((group.up.copy(), group.energies()))
            group.descend()
            found[-1] += (group.up.copy(),)
    for other in found[1:]:
        for mine, theirs in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("scale", [1, 0.1], ids=["bytes", "floats"])
def test_spins_visited_piece_by_piece_are_visited_as_at_once(scale, monkeypatch):
    problem = weighted(2 * _anneal.BLOCK + 5, scale=scale)
    betas, links, found = np.linspace(0.1, 1, 6), np.linspace(0.1, 2, 6), []
    for most in (1 << 30, 1):
        monkeypatch.setattr(lanes_module, "MOST_ROWS", most)
        lanes, (group,) = groups(problem, 1)
        assert len(lanes.pieces) == (1 if most > 1 else 3)
        group.sweeps(lanes.betas(betas))
        group.sweeps_apart(lanes.betas(np.resize(betas, GROUP)), 3)
        group.sweeps_linked(lanes.betas(betas), links, 8)
        found.append((group.sweep, group.up.copy(), group.energies()))
        group.descend()
        found[-1] += (group.up,)
        flipped, before = group.states(), group.energies()
        for spin in range(0, problem.size, 100):
            group.take(np.where(np.arange(problem.size) == spin, -flipped, flipped))
            assert (group.energies() >= before - 1e-3 * scale).all()
    assert found[0][0] == found[1][0] == 15
    np.testing.assert_array_equal(found[0][1], found[1][1])
    np.testing.assert_allclose(found[0][2], found[1][2], rtol=1e-6)


def test_blocks_of_spins_draw_different_numbers():
    size = 3 * _anneal.BLOCK
    _, (group,) = groups(Problem.from_ising([1] * size, {}), 1)
    before = group.up.copy()
    group.sweeps(np.full(1, 0.2))
    blocks = (group.up != before).reshape(3, -1)
    assert not np.array_equal(blocks[0], blocks[1])
    assert not np.array_equal(blocks[1], blocks[2])


def test_at_beta_zero_every_flip_is_taken(problem):
    _, (group,) = groups(problem, 1)
    before = group.up.copy()
    group.sweeps(np.zeros(1))
    assert (group.up != before).mean() > 0.99
    group.sweeps_apart(np.zeros(GROUP), 1)
    assert (group.up == before).mean() > 0.99


def law(problem, beta):
    """Chances of all states of the problem at ``beta``."""
    energies = problem.energy(all_states(problem.size)).astype(float)
    weights = np.exp(-beta * (energies - energies.min()))
    return weights / weights.sum()


def ranks(states):
    """Place of each state in ``all_states``."""
    return (states > 0) @ (1 << np.arange(states.shape[1])[::-1])


def far_from(counts, chances):
    """Chi-square of independent draws, in standard deviations over its mean; the rarest cells are one that expects 20."""
    order = np.argsort(chances)
    rare = np.searchsorted(np.cumsum(chances[order]) * counts.sum(), 20) + 1
    counts, chances = counts[order], chances[order]
    counts = np.append(counts[rare:], counts[:rare].sum())
    expected = np.append(chances[rare:], chances[:rare].sum()) * counts.sum()
    freedom = len(counts) - 1
    return (((counts - expected) ** 2 / expected).sum() - freedom) / np.sqrt(2 * freedom)


@pytest.mark.parametrize("apart", [False, True])
def test_sweeps_at_one_beta_reach_the_boltzmann_law(problem, apart):
    lanes, several = groups(problem, 64)
    beta = 0.35 if problem.is_integer else 3.5
    inner = lanes.betas(np.full(200, beta))
    for group in several:
        if apart:
            group.sweeps_apart(inner[:GROUP], 200)
        else:
            group.sweeps(inner)
    states = np.concatenate([group.states() for group in several])
    ordered = np.empty_like(states)
    ordered[:, lanes.order] = states
    counts = np.bincount(ranks(ordered), minlength=1 << problem.size)
    assert abs(far_from(counts, law(problem, beta))) < 4


def test_each_replica_has_the_law_of_its_own_beta():
    problem = weighted()
    lanes, several = groups(problem, 200)
    betas = np.where(np.arange(GROUP) < 32, 0.1, 0.6)
    for group in several:
        group.sweeps_apart(lanes.betas(betas), 100)
    energies = np.stack([group.energies() for group in several])
    levels = problem.energy(all_states(problem.size))
    for beta, replicas in ((0.1, slice(0, 32)), (0.6, slice(32, 64))):
        chances = law(problem, beta)
        mean, spread = chances @ levels, np.sqrt(chances @ levels**2 - (chances @ levels) ** 2)
        found = energies[:, replicas]
        assert abs(found.mean() - mean) < 4 * spread / np.sqrt(found.size)


@pytest.mark.parametrize("slices", [4, 8, 16])
def test_linked_slices_have_the_law_of_their_action(slices):
    """Two spins, four to sixteen slices: the means of energy and of alignment against a transfer matrix."""
    problem, beta, link = Problem.from_ising([1, 0], {(0, 1): -2}), 1.3, 0.4
    lanes, several = groups(problem, 60)
    for group in several:
        group.sweeps_linked(lanes.betas(np.full(300, beta)), np.full(300, link), slices)
    rings = np.stack([group.states() for group in several]).reshape(-1, slices, 2)
    states = all_states(2).astype(float)
    own = np.exp(-beta / slices * problem.energy(all_states(2)))
    matrix = np.sqrt(own[:, None] * own[None, :]) * np.exp(link * states @ states.T)
    values, vectors = np.linalg.eigh(matrix)
    power = (vectors * values ** (slices - 1)) @ vectors.T
    aligned = ((matrix * (states @ states.T)) * power).sum() / (values**slices).sum()
    found = (rings * np.roll(rings, 1, axis=1)).sum(axis=2)
    assert abs(found.mean() - aligned) < 4 * found.mean(axis=1).std() / np.sqrt(len(found))
    chances = np.diag((vectors * values**slices) @ vectors.T) / (values**slices).sum()
    in_kernel_order = all_states(2)[:, lanes.order]
    means = chances @ in_kernel_order
    errors = rings.mean(axis=1).std(axis=0) / np.sqrt(len(rings))
    assert (abs(rings.mean(axis=(0, 1)) - means) < 4 * errors).all()


def test_energies_are_those_of_the_problem(problem):
    lanes, (group,) = groups(problem, 1)
    states = np.empty((GROUP, problem.size), np.int8)
    states[:, lanes.order] = group.states()
    np.testing.assert_allclose(group.energies(), problem.energy(states), rtol=1e-6, atol=1e-5)


def test_after_a_descent_no_flip_helps(problem):
    lanes, (group,) = groups(problem, 1)
    group.descend()
    states = np.empty((GROUP, problem.size), np.int8)
    states[:, lanes.order] = group.states()
    energies = problem.energy(states)
    for spin in range(problem.size):
        flipped = states.copy()
        flipped[:, spin] *= -1
        assert (problem.energy(flipped) >= energies - (0 if problem.is_integer else 1e-6)).all()


def test_states_survive_the_way_there_and_back():
    _, (group,) = groups(random_problem(70, 200), 1)
    states = np.where(np.random.default_rng(1).random((GROUP, 70)) < 0.5, 1, -1).astype(np.int8)
    group.take(states)
    np.testing.assert_array_equal(group.states(), states)
    assert set(np.unique(group.up)) == {0, 255}


@pytest.mark.parametrize("make", [random_problem, weighted], ids=["mirror", "fields"])
def test_a_crossed_child_is_at_least_as_good_as_both(make):
    problem = make(size=40)
    lanes, (first, second) = groups(problem, 2)
    children, partners = first.states(), second.states()
    before, theirs = first.energies(), second.energies()
    mates = np.random.default_rng(0).permutation(GROUP)
    changes = lanes.spins.recombine(children, partners, mates)
    first.take(children)
    np.testing.assert_allclose(first.energies(), before + changes * lanes.unit)
    assert (first.energies() <= np.minimum(before, theirs[mates])).all()
    assert (first.energies() < np.minimum(before, theirs[mates])).any()


@pytest.mark.parametrize("make", [random_problem, weighted], ids=["mirror", "fields"])
def test_an_exchange_of_a_cluster_keeps_the_sum_of_energies(make):
    problem = make(size=40)
    lanes, (group,) = groups(problem, 1)
    states, before = group.states(), group.energies()
    pairs = np.arange(GROUP).reshape(-1, 2)
    spins = np.random.default_rng(0).integers(40, size=len(pairs))
    changes = lanes.spins.exchange(states, pairs, spins) * lanes.unit
    group.take(states)
    np.testing.assert_allclose(group.energies()[::2], before[::2] + changes)
    np.testing.assert_allclose(group.energies()[1::2], before[1::2] - changes)
    assert changes.any()


def test_kernels_refuse_what_does_not_fit():
    lanes, (group,) = groups(random_problem(), 1)
    spins = lanes.spins
    with pytest.raises(ValueError, match="64 bytes"):
        spins.sweeps(group.up[1:], np.ones(1), 0, 0, 0, 0, 12)
    with pytest.raises(ValueError, match="each replica"):
        spins.sweeps_apart(group.up, np.ones(3), 1, 0, 0, 0, 0, 12)
    with pytest.raises(ValueError, match="4, 8 or 16"):
        spins.sweeps_linked(group.up, np.ones(1), np.ones(1), 5, 0, 0, 0, 0, 12)
    for first, stop in ((1, 12), (0, 13), (_anneal.BLOCK, 12)):
        with pytest.raises(ValueError, match="multiple of BLOCK"):
            spins.energies(group.up, first, stop)
    with pytest.raises(ValueError, match="no row"):
        spins.recombine(group.states(), group.states(), np.full(GROUP, 64))
    with pytest.raises(ValueError, match="two different rows"):
        spins.exchange(group.states(), np.array([[3, 3]]), np.array([0]))
    with pytest.raises(ValueError, match="no spin"):
        _anneal.Spins(np.array([0, 1], np.uint64), np.array([1], np.uint32), *(np.zeros(1, np.int8) for _ in range(3)))
