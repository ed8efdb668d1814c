"""Annealing of dense problems, compiled, against the reference: the same states, with every instruction set."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from cdt_core.kernels import _anneal
from tests.kernels.anneal.dense_cases import KINDS, Case, spins_of
from tests.kernels.instruction_sets import LEVELS, using

SIZES = [*range(1, 71, 6), 2, 63, 64, 65, 128, 129, 200]
MOST = 1000


@pytest.fixture(params=LEVELS)
def level(request):
    with using(request.param, _anneal):
        yield request.param


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def betas_of(case):
    """From hot to cold, and both ends."""
    strong = max(float(np.abs(case.couplings).max(initial=0)), 1.0) * case.size**0.5
    return np.array([0.0, *np.geomspace(0.05, 5, 5) / strong, np.inf])


def groups_of(case):
    """Two groups that are apart, and spins beside them in none; the second one is one-hot."""
    spins = np.random.default_rng(case.size).permutation(case.size)
    first, second = spins[: case.size // 3], spins[case.size // 3 : case.size // 2]
    case.first[:, second] = -1
    if second.size:
        case.first[:, second[0]] = 1
    return [first.tolist(), second.tolist()]


def of_kernels(case, groups):
    members = np.concatenate([np.array(g, np.int64) for g in groups])
    return _anneal.DenseGroups(case.size, np.cumsum([0, *map(len, groups)]), members)


def assert_reads(case, states, fields, reads):
    n = case.size
    assert np.array_equal(states[:, :n], [read.states for read in reads])
    assert np.array_equal(fields[:, :n], [read.fields for read in reads])
    again = case.spins.rows(len(reads))[1]
    case.spins.set_fields(states, again)
    if again.dtype == np.int16:
        assert np.array_equal(fields, again)
    np.testing.assert_allclose(fields[:, :n], again[:, :n], atol=1e-4)
    np.testing.assert_allclose(case.spins.energies(states, again), case.energies(states), atol=1e-3)
    assert np.all(states[:, n:] == -1)


@pytest.mark.parametrize("size", SIZES)
def test_sweeps(level, kind, size):
    case = Case(size, kind)
    (states, fields), reads = case.rows(), case.reads()
    betas = betas_of(case)
    case.spins.sweeps(states, fields, betas, 5, 100, 7)
    for k, read in enumerate(reads):
        read.sweeps(betas, (5, 100 + k, 7))
    assert_reads(case, states, fields, reads)


@pytest.mark.parametrize("size", SIZES)
def test_descent(level, kind, size):
    case = Case(size, kind)
    (states, fields), reads = case.rows(), case.reads()
    made = case.spins.descend(states, fields, MOST)
    assert made.tolist() == [read.descend(MOST) for read in reads]
    assert_reads(case, states, fields, reads)
    assert np.all(-states[:, :size] * fields[:, :size] >= 0)
    assert np.all(made < MOST)


@pytest.mark.parametrize("size", SIZES)
def test_swaps(level, kind, size):
    case = Case(size, kind)
    groups, betas = groups_of(case), betas_of(case)
    (states, fields), reads = case.rows(), case.reads()
    case.spins.sweeps(states, fields, betas[:-1], 9, 3, 0, of_kernels(case, groups))
    for k, read in enumerate(reads):
        read.swap_sweeps(groups, betas[:-1], (9, 3 + k, 0))
    assert_reads(case, states, fields, reads)
    made = case.spins.descend(states, fields, MOST, of_kernels(case, groups))
    assert made.tolist() == [read.swap_descend(groups, MOST) for read in reads]
    assert_reads(case, states, fields, reads)
    for members in groups:
        assert np.array_equal((states[:, members] > 0).sum(1), (case.first[:, members] > 0).sum(1))


@pytest.mark.parametrize("size", SIZES)
def test_tabu_search(level, kind, size):
    case = Case(size, kind)
    (states, fields), reads = case.rows(), case.reads()
    before, best = case.energies(states), case.spins.rows(len(reads))[0]
    tenure, spread = min(7, size // 2), min(5, (size - 1) // 4)
    search = _anneal.DenseTabu(case.spins, len(reads), tenure, spread)
    gains = case.spins.tabu(states, fields, best, 150, search, 4, 8, 2)
    for k, read in enumerate(reads):
        gain, seen = read.tabu(150, tenure, spread, (4, 8 + k, 2))
        assert gain == gains[k]
        assert np.array_equal(seen, best[k, :size])
    assert_reads(case, states, fields, reads)
    np.testing.assert_allclose(case.energies(best) - before, gains, atol=1e-2)


def test_parts_of_a_run_make_the_run(level, kind):
    case = Case(130, kind, reads=4)
    betas = np.geomspace(0.5, 5, 8) / np.abs(case.couplings).max() / 11
    groups = of_kernels(case, groups_of(case))
    for chosen in (None, groups):
        whole = case.rows()
        case.spins.sweeps(*whole, betas, 1, 20, 0, chosen)
        parts = case.rows()
        for reads in (slice(3), slice(3, 4)):
            states, fields = (array[reads] for array in parts)
            case.spins.sweeps(states, fields, betas[:3], 1, 20 + reads.indices(4)[0], 0, chosen)
            case.spins.sweeps(
                states, fields, np.tile(betas[3:], (len(states), 1)), 1, 20 + reads.indices(4)[0], 3, chosen
            )
        assert all(map(np.array_equal, whole, parts))


def part_of(case, groups, reads, spins, members=None):
    part = _anneal.DensePart(case.size, reads, groups)
    part.first, part.stop = spins
    part.from_member, part.to_member = members or (0, 0 if groups is None else groups.members.size)
    return part


def test_parts_of_a_sweep_make_the_sweep(level, kind):
    case = Case(200, kind, reads=9)
    betas = np.geomspace(0.3, 5, 4) / np.abs(case.couplings).max() / 11
    for groups in (None, of_kernels(case, groups_of(case))):
        whole, parts = case.rows(), case.rows()
        case.spins.sweeps(*whole, betas, 1, 20, 5, groups)
        part = _anneal.DensePart(200, 9, groups)
        for t, beta in enumerate(betas):
            for k in [slice(0, 9)] if groups is None else [slice(k, k + 1) for k in range(9)]:
                for part.first, part.stop in ((0, 64), (64, 192), (192, 200)):
                    states, fields = parts[0][k], parts[1][k]
                    case.spins.sweeps(states, fields, [beta], 1, 20 + k.start, 5 + t, groups, part)
        assert all(map(np.array_equal, whole, parts))


def test_parts_of_fields_and_of_a_descent_make_them(level, kind):
    case = Case(200, kind, reads=1)
    for groups in (None, of_kernels(case, groups_of(case))):
        whole, parts = case.rows(), case.rows()
        parts[1][:] = 1
        part = _anneal.DensePart(200, 1, groups)
        for part.first, part.stop in ((0, 128), (128, 200)):
            case.spins.set_fields(*parts, part)
        assert np.array_equal(parts[1], whole[1])
        rounds = case.spins.descend(*whole, MOST, groups)[0]
        members = 0 if groups is None else groups.members.size
        visits = [(0, 64, 0, 0), (64, 200, 0, 0), (0, 0, 0, 31), (0, 0, 31, members)]
        made, moves = -1, 1
        while moves:
            made, moves = made + 1, 0
            for part.first, part.stop, part.from_member, part.to_member in visits:
                moves += case.spins.descend(*parts, 1, groups, part)[0]
        assert made == rounds
        assert all(map(np.array_equal, whole, parts))


def test_parts_of_a_search_make_the_search(level, kind):
    case = Case(150, kind, reads=3)
    results = []
    for calls in ([333], [64, 192, 0, 64, 13]):
        rows, best = case.rows(), case.rows()[0]
        search = _anneal.DenseTabu(case.spins, 3, 9, 4)
        gains = [case.spins.tabu(*rows, best, steps, search, 4, 8, 2) for steps in calls]
        assert all(np.all(later <= earlier) for earlier, later in itertools.pairwise(gains))
        results.append((*rows, best, gains[-1]))
        with pytest.raises(ValueError, match="is over"):
            case.spins.tabu(*rows, best, 1, search, 4, 8, 2)
    assert all(map(np.array_equal, *results))


def test_parts_that_do_not_fit_are_refused():
    case = Case(100, "int8", reads=2)
    rows, groups = case.rows(), of_kernels(case, groups_of(case))
    for spins, message in (((1, 100), "multiple"), ((0, 70), "multiple"), ((64, 164), "at most"), ((64, 0), "at most")):
        with pytest.raises(ValueError, match=message):
            case.spins.sweeps(*rows, [0.0], 0, 0, 0, None, part_of(case, None, 2, spins))
    with pytest.raises(ValueError, match="one sweep a call"):
        case.spins.sweeps(*rows, [0.0, 0.0], 0, 0, 0, None, part_of(case, None, 2, (0, 64)))
    with pytest.raises(ValueError, match="more reads"):
        case.spins.sweeps(*rows, [0.0], 0, 0, 0, None, part_of(case, None, 1, (0, 64)))
    with pytest.raises(ValueError, match="of one read"):
        case.spins.sweeps(*rows, [0.0], 0, 0, 0, groups, part_of(case, groups, 2, (0, 64)))
    with pytest.raises(ValueError, match="other groups"):
        case.spins.sweeps(*rows, [0.0], 0, 0, 0, groups, part_of(case, None, 2, (0, 100)))
    search = _anneal.DenseTabu(case.spins, 3, 5, 5)
    with pytest.raises(ValueError, match="these reads"):
        case.spins.tabu(*rows, case.rows()[0], 1, search, 0, 0, 0)


def test_a_unit_divides_weights_and_fields():
    case = Case(70, "int8", reads=2)
    start, neighbours = np.arange(71) * 69, np.concatenate([np.delete(np.arange(70), k) for k in range(70)])
    weights, own = case.couplings[~np.eye(70, dtype=bool)], case.own
    for unit, kind in ((7 * 10**6, np.int8), (2.0**-80, np.float32)):
        scaled = [(numbers * unit) for numbers in (weights, own)]
        spins = _anneal.DenseSpins(start, neighbours.astype(np.int32), *scaled, unit=unit)
        states, fields = spins.rows(2)
        states[:, :70] = case.first
        spins.set_fields(states, fields)
        assert spins.kind == kind
        assert np.array_equal(fields[:, :70], case.rows()[1][:, :70])


def test_every_read_draws_for_itself(level):
    case = Case(100, "int8", reads=5)
    case.first[:] = case.first[0]
    states, fields = case.rows()
    case.spins.sweeps(states, fields, np.full(3, 0.05), 1, 0, 0)
    assert len({row.tobytes() for row in states}) == 5


def test_types_of_integers_agree(level):
    small = Case(90, "int8", reads=2)
    results = []
    for kind in ("int8", "int16"):
        small.spins = spins_of(small.couplings, small.own, kind)
        rows = small.rows()
        small.spins.sweeps(*rows, np.geomspace(0.01, 1, 30), 1, 0, 0)
        results.append(rows[0])
    assert np.array_equal(*results)


def test_boltzmann_weights_of_few_spins(level, kind):
    case = Case(4, kind, reads=6000)
    beta = 0.7 / max(np.abs(case.couplings).max(), 1)
    for groups in (None, [[0, 1, 3]]):
        if groups:
            case.first[:, [0, 1, 3]] = [1, -1, -1]
        states, fields = case.rows()
        case.spins.sweeps(states, fields, np.full(25, beta), 3, 0, 0, groups and of_kernels(case, groups))
        every = np.array(np.meshgrid(*[[-1, 1]] * 4)).reshape(4, -1).T.astype(np.int8)
        if groups:
            every = every[every[:, [0, 1, 3]].sum(1) == -1]
        weights = np.exp(-beta * case.energies(every))
        weights /= weights.sum()
        seen = np.array([(states[:, :4] == state).all(1).mean() for state in every])
        assert abs(seen.sum() - 1) < 1e-12
        assert np.all(np.abs(seen - weights) <= 4.5 * np.sqrt(weights / 6000) + 1e-3)


def test_fields_reach_the_largest_integer(level):
    couplings = np.zeros((3, 3), np.int64)
    couplings[0, 1] = couplings[1, 0] = 32000
    own = np.array([767, -767, 32767])
    spins = spins_of(couplings, own)
    assert spins.kind == np.int16
    states, fields = spins.rows(1)
    states[0, :3] = 1
    spins.set_fields(states, fields)
    assert fields[0, :3].tolist() == [32767, 31233, 32767]
    assert spins.descend(states, fields, 9).tolist() == [1]
    assert states[0, :3].tolist() == [-1, 1, -1]
    assert spins.energies(states, fields).tolist() == [-32000 - 2 * 767 - 32767]
    assert spins_of(couplings, own + 1).kind == np.float32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s, f: (s[:, :-1], f), "rows of this problem"),
        (lambda s, f: (s, f[:1]), "rows of this problem"),
        (lambda s, f: (s, f.astype(np.float32)), "rows of this problem"),
        (lambda s, f: (s[::2], f[::2]), "without gaps"),
        (lambda s, f: (np.frombuffer(s.tobytes(), np.int8).reshape(s.shape), f), "writeable"),
    ],
)
def test_rows_that_do_not_fit_are_refused(change, message):
    case = Case(10, "int8")
    with pytest.raises(ValueError, match=message):
        case.spins.descend(*change(*case.rows()), 1)


def test_arguments_that_do_not_fit_are_refused():
    case = Case(10, "int8")
    states, fields = case.rows()
    with pytest.raises(ValueError, match="tenure"):
        _anneal.DenseTabu(case.spins, 5, 8, 2)
    with pytest.raises(ValueError, match="betas"):
        case.spins.sweeps(states, fields, np.ones((2, 5)), 0, 0, 0)
    with pytest.raises(ValueError, match="this problem's spins"):
        case.spins.descend(states, fields, 1, _anneal.DenseGroups(11, [0, 1], [1]))
    with pytest.raises(ValueError, match="one group"):
        _anneal.DenseGroups(10, [0, 1, 3], [1, 2, 1])
    with pytest.raises(ValueError, match="members must be spins"):
        _anneal.DenseGroups(10, [0, 2], [1, 10])
    with pytest.raises(ValueError, match="number of members"):
        _anneal.DenseGroups(10, [0, 3], [1, 2])
    with pytest.raises(ValueError, match="no other spin"):
        spins_of(np.eye(3, dtype=int), np.zeros(3, int))
    with pytest.raises(ValueError, match="too large"):
        spins_of(1000 * (np.ones((3, 3), int) - np.eye(3, dtype=int)), np.zeros(3, int), "int8")
