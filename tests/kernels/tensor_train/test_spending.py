"""Trains that use all of a tolerance are no larger than others, and their error is certified and within it."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import TensorError
from cdt_core.kernels.tensor_train import spending, sweep, tt_svd
from cdt_core.kernels.tensor_train.spending import ranks_within
from tests.kernels.tensor_train.test_svd import DTYPES, Sliced, noisy


def exact_error(x, train):
    """In extended precision."""
    wide = x.astype(np.clongdouble)
    made = np.ones((1, 1), np.clongdouble)
    for core in train.cores:
        made = (made @ core.astype(np.clongdouble).reshape(core.shape[0], -1)).reshape(-1, core.shape[2])
    norm = np.sqrt((np.abs(wide) ** 2).sum())
    return np.sqrt((np.abs(wide - made.reshape(x.shape)) ** 2).sum()) / (norm or 1)


@settings(max_examples=80, deadline=None)
@given(
    shape=st.lists(st.integers(1, 7), min_size=1, max_size=7).filter(lambda lengths: math.prod(lengths) < 20000),
    dtype=st.sampled_from(DTYPES),
    noise=st.sampled_from([0.0, 1e-7, 1e-3, 0.3]),
    scale=st.sampled_from([1.0, 1e30, 1e-15]),
    rtol=st.sampled_from([2.0, 0.9, 1e-1, 1e-3, 2e-5]),
    seed=st.integers(0, 1000),
)
def test_the_error_is_certified_and_the_train_no_larger(shape, dtype, noise, scale, rtol, seed):
    x = noisy(shape, 3, noise, dtype, seed) * np.dtype(dtype).type(scale)
    even, found = tt_svd(x, rtol), tt_svd(x, rtol, spend="smallest")
    assert found.shape == x.shape
    assert found.dtype == x.dtype
    assert exact_error(x, found) <= found.error <= rtol
    assert found.parameters <= even.parameters
    assert all(a <= b for a, b in zip(found.ranks, even.ranks, strict=True))


@pytest.mark.parametrize("dtype", ["f8", "c16"])
@pytest.mark.parametrize("rtol", [1e-6, 1e-9, 1e-12])
def test_small_tolerances(dtype, rtol):
    x = noisy((6, 7, 8, 9), 3, rtol, dtype)
    found = tt_svd(x, rtol, spend="smallest")
    assert exact_error(x, found) <= found.error <= rtol


def test_what_bonds_of_full_rank_leave_is_used_by_others():
    x = noisy((2, 3, 40, 50), 20, 0.3)
    even, found = tt_svd(x, 0.3), tt_svd(x, 0.3, spend="smallest")
    assert even.error <= 0.8 * 0.3
    assert 0.94 * 0.3 <= found.error <= 0.3
    assert found.parameters <= 0.8 * even.parameters


def test_equal_shares_are_what_nothing_said_means():
    x = noisy((4, 5, 6, 7), 4, 0.1)
    for one, other in zip(tt_svd(x, 0.1).cores, tt_svd(x, 0.1, spend="even").cores, strict=True):
        assert np.array_equal(one, other)


def test_one_bond_has_it_all_anyway():
    for x in (noisy((40, 50), 5, 0.1), noisy((90,), 1, 0.1), np.zeros((3, 4, 5))):
        even, found = tt_svd(x, 0.1), tt_svd(x, 0.1, spend="smallest")
        assert found.ranks == even.ranks
        assert found.error == even.error


def test_a_cut_that_costs_more_than_it_promised_is_made_smaller(monkeypatch):
    x = noisy((4, 5, 30, 40), 10, 0.3)
    even, seen = tt_svd(x, 0.3), []

    def measured(*arguments):
        seen.append(sum(core.size for core in arguments[1]))
        return 0.30001 if len(seen) == 1 else 0.29999

    monkeypatch.setattr(spending, "relative_error", measured)
    found = tt_svd(x, 0.3, spend="smallest")
    assert found.error == 0.29999
    assert seen[0] < found.parameters == seen[1] <= even.parameters
    monkeypatch.setattr(spending, "relative_error", lambda *arguments: 0.5)
    assert tt_svd(x, 0.3, spend="smallest").ranks == even.ranks


def test_arrays_that_are_read_piece_by_piece_and_many_threads(monkeypatch):
    monkeypatch.setattr(sweep, "_LARGE", 1 << 12)
    x = noisy((8, 9, 10, 11, 6), 5, 0.2)
    expected = tt_svd(x, 0.2, spend="smallest")
    assert exact_error(x, expected) <= expected.error <= 0.2
    again = tt_svd(x, 0.2, spend="smallest", workers=3)
    assert all(np.array_equal(a, b) for a, b in zip(expected.cores, again.cores, strict=True))
    for other in (Sliced(x), np.asfortranarray(x)):
        found = tt_svd(other, 0.2, spend="smallest")
        assert exact_error(x, found) <= found.error <= 0.2


def test_other_options_hold_as_well():
    x = noisy((16, 8, 32), 6, 0.2)
    split = tt_svd(x, 0.2, quantics=True, spend="smallest")
    assert set(split.shape) == {2}
    assert split.error <= 0.2
    assert split.parameters <= tt_svd(x, 0.2, quantics=True).parameters
    capped = tt_svd(x, 0.05, max_rank=3, spend="smallest")
    assert max(capped.ranks) <= 3
    assert capped.error > 0.05
    roomy = tt_svd(x, 0.5, max_rank=12, spend="smallest")
    assert max(roomy.ranks) <= 12
    assert roomy.error <= 0.5


def test_progress_grows_to_one():
    told = []
    tt_svd(noisy((4, 5, 6, 7), 4, 0.1), 0.1, spend="smallest", progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


@pytest.mark.parametrize("spend", ["none", None, True, 1])
def test_ways_to_spend_that_are_none_are_refused(spend):
    with pytest.raises(TensorError, match="spend="):
        tt_svd(np.ones((2, 3)), 0.1, spend=spend)


def test_ranks_alone_leave_nothing_to_spend():
    with pytest.raises(TensorError, match="tolerance to spend"):
        tt_svd(np.ones((2, 3)), max_rank=1, spend="smallest")


def falling(rng, count):
    energies = np.sort(rng.exponential(size=count) * 0.5 ** np.arange(count))[::-1]
    return energies / energies.sum()


@pytest.mark.parametrize("budget", [0.0, 1e-3, 0.1, 0.5, 3.0])
def test_ranks_are_within_the_budget_and_nearly_the_fewest_parameters(budget):
    times = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        lengths = rng.integers(2, 20, 4)
        energies = [falling(rng, int(n)) for n in rng.integers(1, 7, 3)]

        def beyond(ranks, energies=energies):
            return sum(float(one[r:].sum()) for one, r in zip(energies, ranks, strict=True))

        def parameters(ranks, lengths=lengths):
            return sum(a * n * b for a, n, b in zip((1, *ranks), lengths, (*ranks, 1), strict=True))

        ranks = ranks_within(energies, lengths, budget)
        every = [one for one in product(*(range(1, len(e) + 1) for e in energies)) if beyond(one) <= budget + 1e-15]
        assert beyond(ranks) <= budget + 1e-12
        times.append(parameters(ranks) / min(map(parameters, every)))
    assert max(times) <= 1.5
    assert np.mean(times) <= 1.1
