"""What ``anneal`` promises: optima of small problems, reads that are each their own, the same samples for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from cdt_core.errors import AnnealError
from cdt_core.kernels import _anneal
from cdt_core.kernels.anneal import METHODS, Problem, anneal, default_range
from tests.kernels.anneal.problems import REAL, WHOLE, all_states, isings, random_graph, random_problem, ring
from tests.kernels.instruction_sets import LEVELS, using


def problem_of(parts):
    h, pairs, offset = parts
    return Problem.from_ising(h, {pair: J for pair, J in pairs.items() if J} or np.zeros((len(h), len(h))), offset)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=15, deadline=None)
@given(parts=isings(WHOLE) | isings(REAL))
def test_small_problems_are_solved(method, parts):
    problem = problem_of(parts)
    found = anneal(problem, reads=64, sweeps=60, method=method)
    lowest = problem.energy(all_states(problem.size)).min()
    assert found.energy <= lowest + (0 if problem.is_integer else 1e-6 * (1 + abs(lowest)))
    np.testing.assert_array_equal(found.energies, problem.energy(found.states))


@pytest.mark.parametrize("method", METHODS)
def test_every_state_is_a_local_minimum(method):
    problem = random_problem(30, 90)
    found = anneal(problem, sweeps=20, method=method)
    for spin in range(problem.size):
        flipped = found.states.copy()
        flipped[:, spin] *= -1
        assert (problem.energy(flipped) >= found.energies).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_seed_gives_the_same_samples_with_any_threads_and_instructions(method):
    problem = random_problem(25, 70)
    results = []
    for level in LEVELS:
        with using(level, _anneal):
            results += [anneal(problem, 200, 30, method, seed=5, threads=threads) for threads in (1, 3)]
    for other in results[1:]:
        np.testing.assert_array_equal(other.states, results[0].states)
        np.testing.assert_array_equal(other.occurrences, results[0].occurrences)
        np.testing.assert_array_equal(other.trace, results[0].trace)


def test_every_read_is_its_own():
    """With a seed, too: 256 reads of a problem with astronomically many local minima end in 256 states."""
    problem = random_problem(400, 1200)
    found = anneal(problem, reads=256, sweeps=10, seed=7)
    assert len(found) == 256
    assert len(np.unique(anneal(problem, reads=64, sweeps=10, seed=8).states, axis=0)) == 64


@pytest.mark.parametrize("method", ["sa", "sqa"])
def test_more_reads_only_add_some(method):
    problem = random_problem(60, 180)
    few, many = (anneal(problem, reads, 20, method, seed=3) for reads in (20, 150))
    there = {state.tobytes() for state in many.states}
    assert {state.tobytes() for state in few.states} <= there
    assert few.occurrences.sum() == 20
    assert many.occurrences.sum() == 150


def test_another_seed_gives_other_samples():
    problem = random_problem(60, 180)
    first, second = (anneal(problem, sweeps=5, seed=seed).states for seed in (0, 1))
    assert first.shape != second.shape or (first != second).any()


def test_weights_of_a_common_factor_anneal_as_without():
    pairs = random_graph(20, 50, 0, (-1, 1))
    one, many = (anneal(Problem.from_ising([0] * 20, {p: w * k for p, w in pairs.items()})) for k in (1, 1000))
    np.testing.assert_array_equal(one.states, many.states)
    np.testing.assert_array_equal(1000 * one.energies, many.energies)


def test_the_trace_ends_near_the_lowest_energy():
    found = anneal(Problem.max_cut((2, [0], [1], [1])), sweeps=5)
    assert found.trace[-1].tolist() == [1, -1]
    assert found.energy == -1


def test_large_whole_weights_have_exact_energies():
    rng = np.random.default_rng(0)
    pairs = {(i, j): int(rng.integers(-(10**14), 10**14)) for i in range(8) for j in range(i)}
    problem = Problem.from_ising([3] * 8, pairs)
    found = anneal(problem)
    assert found.energies.dtype == np.int64
    assert found.energy == problem.energy(all_states(8)).min()


def test_floats_of_any_size_are_annealed():
    for scale in (1e-300, 1e-30, 1.0, 1e30, 1e300):
        pairs = {pair: scale * w for pair, w in random_graph(10, 25, 1, (-1.5, 0.7, 2.25)).items()}
        problem = Problem.from_ising([scale * 0.3] * 10, pairs)
        lowest = problem.energy(all_states(10)).min()
        assert anneal(problem).energy <= lowest + 1e-6 * abs(lowest)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [2.0**-990, 2.0**990])
def test_no_method_minds_the_scale(method, scale):
    pairs = random_graph(10, 25, 1, (-3, 2, 5))
    plain, scaled = (Problem.from_ising([0.3 * c] * 10, {p: c * w for p, w in pairs.items()}) for c in (1.0, scale))
    found, expected = (anneal(problem, sweeps=60, method=method) for problem in (scaled, plain))
    np.testing.assert_array_equal(found.states, expected.states)
    np.testing.assert_array_equal(found.energies, scale * expected.energies)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("schedule", [[0, 0, 0], [1e308] * 3, (1e-300, 1e300), (5e-324, 1e-310), [0.3]])
def test_any_finite_schedule_ends_in_local_minima(method, schedule):
    found = anneal(ring(6), schedule=schedule, sweeps=20, method=method)
    assert found.energies.max() <= -2


def test_the_first_betas_of_a_wide_range_are_not_rounded_away():
    betas = anneal(ring(6), schedule=(1e-20, 1), sweeps=21).betas
    np.testing.assert_allclose(betas, np.geomspace(1e-20, 1, 21), rtol=1e-11)


@pytest.mark.parametrize("reads", [1, 2, 65])
def test_a_tempering_returns_the_best_state_it_had_however_few_the_reads(reads):
    problem = random_problem(60, 900)
    for seed in range(5):
        found = anneal(problem, reads, 200, "pt", seed=seed)
        assert found.occurrences.sum() == reads
        assert found.energy <= found.trace[:, 1].min()


def test_the_trace_is_of_the_reads_that_are_returned():
    """Of one read alone, not of those that share its vectors: 64 reads have seen lower energies by then."""
    problem, first = random_problem(60, 900), []
    for seed in range(5):
        one, many = (anneal(problem, reads=reads, sweeps=100, seed=seed) for reads in (1, 64))
        assert len(one) == 1
        assert (one.trace[[0, -1], 1] >= many.trace[[0, -1], 1]).all()
        first.append(one.trace[0, 1] - many.trace[0, 1])
    assert max(first) > 0


def test_spins_without_couplings_follow_their_fields():
    found = anneal(Problem.from_ising([1, -2, 0], {}), reads=10)
    assert (found.states[:, 0] == -1).all()
    assert (found.states[:, 1] == 1).all()
    assert found.energy == -3


def test_reheating_is_never_worse_than_what_it_began_with():
    problem = random_problem(300, 900)
    betas = np.linspace(*default_range(problem), 400)
    found = anneal(problem, method="reheat", schedule=betas)
    start = anneal(problem, method="sa", schedule=betas[::10])
    assert found.energies.max() <= start.energies.max()
    assert found.energy <= start.energy
    assert (np.diff(found.trace[:, 1]) < 0).all()


def test_the_default_range_is_that_of_its_chances():
    problem = Problem.from_ising([0.5, 0, 0], {(0, 1): 2.0, (1, 2): -3.0})
    hot, cold = default_range(problem)
    matrix = np.array([[0, 2, 0, 0.5], [2, 0, -3, 0], [0, -3, 0, 0], [0.5, 0, 0, 0]])
    assert hot == pytest.approx(0.5 / np.abs(np.linalg.eigvalsh(matrix)).max(), rel=0.05)
    assert np.exp(-cold * 2 * 0.5) == pytest.approx(0.01)
    cut = Problem.max_cut((3, [0, 1], [1, 2], [1, 1]))
    assert np.exp(-default_range(cut)[1] * 1) == pytest.approx(0.01)


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_the_default_range_is_in_units_of_energy(scale):
    betas = np.array(default_range(Problem.from_ising([scale * 0.5, 0], {(0, 1): scale * 2.0})))
    np.testing.assert_allclose(betas * scale, default_range(Problem.from_ising([0.5, 0], {(0, 1): 2.0})), rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reads": 0}, "reads is 0"),
        ({"reads": True}, "reads is True"),
        ({"sweeps": 2.5}, "sweeps is 2.5"),
        ({"sweeps": 10**9}, "from 1 to 16777216"),
        ({"seed": -1}, "seed is -1"),
        ({"threads": 0}, "threads is 0"),
        ({"method": "sb"}, "no method is named 'sb'; there are sa, sqa"),
        ({"time_budget": 0}, "time_budget is 0"),
        ({"time_budget": float("nan")}, "time_budget is nan"),
        ({"on_interrupt": "ignore"}, "on_interrupt is 'ignore'"),
        ({"schedule": (1.0, np.inf)}, "beta number 1 is inf"),
        ({"schedule": [0.1, np.nan, 3]}, "beta number 1 is nan"),
        ({"schedule": [0.1, 0.2, -3]}, "beta number 2 is -3"),
        ({"schedule": []}, "shape"),
        ({"schedule": (0, 1)}, "beta 0"),
        ({"schedule": "cold"}, "dtype <U4"),
        ({"schedule": [1j, 2]}, "dtype complex128"),
        ({"schedule": [[1, 2], [3]]}, "no array"),
        ({"time_budget": "3"}, "time_budget is '3'"),
        ({"callback": 3}, "callback is 3"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(AnnealError, match=message):
        anneal(random_problem(), **options)


def test_what_is_no_problem_is_refused():
    with pytest.raises(AnnealError, match=r"Problem\.from_ising"):
        anneal(np.ones((3, 3)))


def test_weights_that_need_a_beta_beyond_floats_are_refused():
    with pytest.raises(AnnealError, match="scale the problem up"):
        anneal(Problem.from_ising([1e-320, 0], {(0, 1): 1e-321}))


@pytest.mark.parametrize("method", [name for name in METHODS if name != "sqa"])
def test_fixed_cardinalities_are_kept_and_solved(method):
    problem = random_problem(12, 40).with_cardinality([0, 2, 4, 6, 8], 2).with_cardinality([1, 3, 5], 1)
    found = anneal(problem, sweeps=100, method=method)
    assert problem.feasible(found.states).all()
    every = all_states(12)
    assert found.energy == problem.energy(every[problem.feasible(every)]).min()


def test_tabu_search_never_makes_a_read_worse():
    problem = random_problem(300, 900)
    plain, searched = (anneal(problem, sweeps=3, tabu=steps) for steps in (0, 500))
    assert searched.occurrences.sum() == plain.occurrences.sum()
    assert searched.energies.max() <= plain.energies.max()
    assert searched.energy < plain.energy
    with pytest.raises(AnnealError, match="tabu search"):
        anneal(problem.with_cardinality([0, 1], 1), tabu=5)


def test_a_read_of_a_dense_problem_is_the_same_alone():
    i, j = np.triu_indices(160, 1)
    problem = Problem.from_ising(None, (160, i, j, np.random.default_rng(0).choice([-1, 1], len(i))))
    one, many = (anneal(problem, reads=reads, sweeps=30, seed=2) for reads in (1, 70))
    assert one.attempts == 160 * 30
    assert one.best.tobytes() in {state.tobytes() for state in many.states}


@pytest.mark.parametrize("method", METHODS)
def test_a_reduced_problem_has_samples_of_the_whole(method):
    problem = Problem.from_ising([0] * 40, random_graph(40, 44, 0, (-1, 1)))
    whole, less = (anneal(problem, sweeps=100, method=method, reduce=reduce) for reduce in (False, True))
    assert less.problem is problem
    assert less.states.shape[1] == 40
    np.testing.assert_array_equal(less.energies, problem.energy(less.states))
    assert less.energy == whole.energy
    assert less.attempts < whole.attempts / 2


def test_what_reduces_to_one_spin_takes_no_time():
    found = anneal(ring(2000), method="auto", time_budget=1e9)
    assert found.energy == -2000
    assert not found.interrupted


def test_slices_refuse_fixed_cardinalities():
    with pytest.raises(AnnealError, match="cardinalities"):
        anneal(random_problem().with_cardinality([0, 1], 1), method="sqa")


def test_a_matrix_that_is_too_large_is_refused():
    with pytest.raises(AnnealError, match=r"149\.0 GiB"):
        anneal(ring(200_000).with_cardinality([0, 1], 1))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", [1, 0.5], ids=["whole", "floats"])
def test_dense_problems_end_in_local_minima_of_low_energy(method, kind):
    size = 200
    i, j = np.triu_indices(size, 1)
    weights = np.random.default_rng(0).choice([-1, 1], len(i)) * kind
    problem = Problem.from_ising(None, (size, i, j, weights))
    found = anneal(problem, sweeps=100, method=method)
    assert found.energy < -0.68 * size**1.5 * kind
    for spin in range(0, size, 20):
        flipped = found.states.copy()
        flipped[:, spin] *= -1
        assert (problem.energy(flipped) >= found.energies).all()
