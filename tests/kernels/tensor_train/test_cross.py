"""Cross interpolation finds the train of a function from few of its values, and says how far it got."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import TensorError
from cdt_core.kernels.reference import cross as reference
from cdt_core.kernels.tensor_train import sampling
from cdt_core.kernels.tensor_train.cross import tt_cross
from tests.kernels.tensor_train.functions import Counted, digits, everywhere, gaussian, hilbert, of_array
from tests.kernels.tensor_train.trains import random_train


def largest_error(found, f, shape):
    values = everywhere(f, shape)
    return float(np.abs(found.train.full() - values).max() / np.abs(values).max())


@pytest.mark.parametrize("d", range(1, 13))
def test_any_number_of_axes(d):
    shape = (3, 4, 2, 5, 3, 2, 3, 2, 2, 2, 2, 2)[:d]
    found = tt_cross(hilbert, shape, 1e-9)
    assert found.converged
    assert largest_error(found, hilbert, shape) <= 1e-9
    assert found.train.shape == shape
    assert found.train.error is None


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(1, 3), st.booleans(), st.integers(0, 99))
def test_a_train_is_found_again(shape, rank, is_complex, seed):
    train = random_train(shape, rank, "complex128" if is_complex else "float64", seed)
    found = tt_cross(train.entries, shape, 1e-9, seed=seed)
    assert found.converged
    assert np.abs(found.train.full() - train.full()).max() <= 1e-9 * np.abs(train.full()).max()
    assert found.train.dtype == train.dtype
    assert max(found.train.ranks) <= rank


@pytest.mark.parametrize(
    ("f", "shape", "ranks"),
    [
        (lambda i: np.sin(i).sum(axis=1), (10,) * 6, 2),
        (lambda i: np.prod(np.cos(i + 1.0), axis=1), (9,) * 6, 1),
        (gaussian((5, 5, 5, 5, 5, 5), 10.0), (11,) * 6, 1),
        (lambda i: (i[:, 0] + 1.0) * i[:, 1] + np.exp(-i[:, 2] / 3.0), (20, 30, 40), 2),
    ],
)
def test_ranks_of_sums_and_products_are_exact(f, shape, ranks):
    found = tt_cross(f, shape, 1e-11)
    assert found.converged
    assert max(found.train.ranks) == ranks
    assert largest_error(found, f, shape) <= 1e-11


@pytest.mark.parametrize("rtol", [1e-2, 1e-5, 1e-8, 1e-11])
def test_the_largest_error_is_within_the_tolerance(rtol):
    found = tt_cross(hilbert, (12,) * 5, rtol)
    assert found.converged
    assert found.estimated_error <= rtol
    assert largest_error(found, hilbert, (12,) * 5) <= 2 * rtol


def test_long_axes_are_not_read_whole_at_each_bond():
    f = Counted(lambda i: 1.0 / (1.0 + (i / 300.0).sum(axis=1)))
    found = tt_cross(f, (1000, 2000, 1500), 1e-8)
    assert found.converged
    assert found.evaluations == f.asked <= 1e-3 * 1000 * 2000 * 1500
    points = np.random.default_rng(5).integers(0, 1000, (5000, 3))
    assert np.abs(found.train.entries(points) - f(points)).max() <= 2e-8


def test_agrees_with_elimination_on_the_full_array():
    x = everywhere(hilbert, (6, 7, 5, 4))
    assert np.abs(reference.interpolate(x, 1e-7) - x).max() <= 1e-6
    assert np.abs(tt_cross(of_array(x), x.shape, 1e-7).train.full() - reference.interpolate(x, 1e-7)).max() <= 1e-6


def test_binary_digits_of_a_function_on_a_billion_points():
    def f(x):
        return np.cos(20 * x) * np.exp(-3 * x) + 1.0 / (1e-4 + (x - 0.3) ** 2)

    found = tt_cross(digits(f), (2,) * 30, 1e-9)
    assert found.converged
    assert found.evaluations <= 100_000
    points = np.random.default_rng(1).integers(0, 2, (20_000, 30))
    assert np.abs(found.train.entries(points) - digits(f)(points)).max() <= 2e-9 * 1e4


def test_complex_values():
    def f(indices):
        return np.exp(1j * indices.sum(axis=1) / 3.0) / (1.0 + indices.sum(axis=1))

    found = tt_cross(f, (10,) * 5, 1e-9)
    assert found.train.dtype == np.complex128
    assert largest_error(found, f, (10,) * 5) <= 2e-9


@pytest.mark.parametrize("values", [np.int32, np.float32, np.bool_])
def test_values_of_any_number_type(values):
    x = np.random.default_rng(0).integers(0, 2, (4, 5, 3)).astype(values)
    found = tt_cross(of_array(x), x.shape, 1e-10)
    assert found.train.dtype == np.float64
    assert np.abs(found.train.full() - x).max() <= 1e-10


def test_hidden_peaks_are_found_in_nearly_all_cases():
    """Peaks of variance 1/2 among 3.2 million points: 10 of 10 here; what is promised is 9."""
    seen = 0
    for seed in range(10):
        centre = np.random.default_rng(seed).integers(0, 20, 5)
        peak = gaussian(centre, 0.5)
        found = tt_cross(lambda i, peak=peak: hilbert(i / 4.5) + 2.0 * peak(i), (20,) * 5, 1e-5, seed=seed)
        truth = hilbert(centre[None] / 4.5)[0] + 2.0
        seen += bool(abs(found.train.entries(centre[None])[0] - truth) <= 1e-3)
    assert seen >= 9


def test_a_peak_that_no_search_can_see_is_found_from_its_index():
    place = np.array([13, 2, 17, 9, 11, 5])

    def f(indices):
        return hilbert(indices) + 5.0 * (indices == place).all(axis=1)

    blind = tt_cross(f, (20,) * 6, 1e-6)
    told = tt_cross(f, (20,) * 6, 1e-6, start=[place])
    assert abs(blind.train.entries(place[None])[0] - f(place[None])[0]) > 1.0
    assert abs(told.train.entries(place[None])[0] - f(place[None])[0]) <= 1e-5


def test_one_value_among_zeros_is_found_where_all_can_be_asked():
    x = np.zeros((5, 6, 7))
    x[3, 1, 6] = -2.5
    assert np.array_equal(tt_cross(of_array(x), x.shape, 1e-6).train.full(), x)


def test_a_function_that_is_zero_everywhere():
    found = tt_cross(lambda i: np.zeros(len(i)), (50,) * 6, 1e-6)
    assert found.converged
    assert found.train.ranks == (1,) * 7
    assert found.train.norm() == 0.0


@pytest.mark.parametrize("seed", range(10))
def test_steps_across_all_axes_of_small_tensors(seed):
    """Half of such a tensor is asked for; then all of it is looked at, so that nothing is missed."""
    make = np.random.default_rng(seed)
    shape = (4, 5, 4, 5, 4, 3)
    slopes = make.uniform(0.2, 1.0, 6)
    x = everywhere(lambda i: np.where(i @ slopes > slopes @ shape / 2, 1.0, 0.0), shape)
    found = tt_cross(of_array(x), shape, 1e-6)
    assert found.converged
    assert np.abs(found.train.full() - x).max() <= 1e-6


@pytest.mark.parametrize(("shape", "most"), [((3, 4), 9), ((20,) * 5, 102), ((20,) * 5, 1000)])
def test_zeros_at_few_points_are_no_search(shape, most):
    """One value alone; whoever asks for so few may miss it, and is not told that nothing was missed."""
    f = Counted(lambda i: (i == 2).all(axis=1) * 1.0)
    found = tt_cross(f, shape, 1e-6, max_evaluations=most)
    assert f.asked == found.evaluations <= most
    assert not found.converged
    assert found.train.norm() == 0.0 or np.isinf(found.estimated_error)


def test_where_all_is_zero_all_evaluations_are_for_the_search():
    assert tt_cross(lambda i: 0.0 * i[:, 0], (20,) * 5, 1e-6, max_evaluations=1000).evaluations >= 900
    assert tt_cross(lambda i: 0.0 * i[:, 0], (20,) * 5, 1e-6, max_evaluations=5000).converged


def test_one_axis_is_read_once_and_whole():
    f = Counted(lambda i: (i[:, 0] == 77_777) * 1.0)
    found = tt_cross(f, (100_000,), 1e-6)
    assert found.converged
    assert f.asked == found.evaluations == 100_000
    assert found.train[77_777] == 1.0
    assert found.train.norm() == 1.0


@pytest.mark.parametrize("exponent", [-970, -900, 995])
def test_values_of_any_scale(exponent):
    scale = 2.0**exponent
    for unit in (1.0, 1j):
        found = tt_cross(lambda i, unit=unit: scale * unit * hilbert(i), (7,) * 4, 1e-6)
        assert found.converged
        assert np.abs(found.train.full() / scale - unit * everywhere(hilbert, (7,) * 4)).max() <= 2e-6


def test_values_whose_products_no_number_holds_are_refused():
    for tiny in (1e-310, 5e-324):
        with pytest.raises(TensorError, match="scale the function"):
            tt_cross(lambda i, tiny=tiny: tiny * hilbert(i), (7,) * 4, 1e-6)
    with pytest.raises(TensorError, match=r"1.7e\+308 at index"):
        tt_cross(lambda i: 1.7e308 * np.ones(len(i)), (7,) * 4, 1e-6)


def test_a_function_may_write_to_its_indices():
    """In tensors of more elements than there are numbers, too, where nothing is remembered."""

    def f(indices):
        values = digits(np.cos)(indices)
        indices[:] = 0
        return values

    for shape in ((2,) * 20, (2,) * 70):
        changed, plain = (tt_cross(g, shape, 1e-9) for g in (f, digits(np.cos)))
        assert all(np.array_equal(a, b) for a, b in zip(changed.train.cores, plain.train.cores, strict=True))


def test_missing_values_are_named_with_their_index():
    def f(indices):
        return np.ma.masked_where((indices == 2).all(axis=1), hilbert(indices))

    with pytest.raises(TensorError, match=r"returned -- at index \(2, 2, 2\)"):
        tt_cross(f, (4, 5, 3), 1e-6)


def test_no_points_to_start_from():
    assert tt_cross(hilbert, (4, 5), 1e-6, start=[]).converged


def test_full_ranks():
    x = np.random.default_rng(0).standard_normal((6, 7, 8, 3))
    found = tt_cross(of_array(x), x.shape, 1e-10)
    assert found.train.ranks == (1, 6, 24, 3, 1)
    assert np.abs(found.train.full() - x).max() <= 1e-10


@pytest.mark.parametrize("most", [62, 63, 100, 1000, 3000, 10_000, 30_000])
def test_never_more_evaluations_than_allowed(most):
    f = Counted(hilbert)
    found = tt_cross(f, (10,) * 6, 1e-8, max_evaluations=most)
    assert f.asked == found.evaluations <= most
    assert not found.converged
    assert np.isfinite(found.train.full()).all()
    assert largest_error(found, hilbert, (10,) * 6) <= (1e-2 if most >= 10_000 else 1.0)


def test_no_index_is_asked_for_twice():
    asked = []

    def f(indices):
        asked.append(indices @ (15 ** np.arange(4)))
        return hilbert(indices)

    found = tt_cross(f, (15,) * 4, 1e-8, start=[[3] * 4] * 9)
    numbers = np.concatenate(asked)
    assert found.evaluations == len(numbers) == len(np.unique(numbers))


def test_tensors_of_more_elements_than_there_are_numbers():
    found = tt_cross(digits(np.cos), (2,) * 100, 1e-10)
    points = np.random.default_rng(0).integers(0, 2, (1000, 100))
    assert found.converged
    assert np.abs(found.train.entries(points) - digits(np.cos)(points)).max() <= 2e-10


def test_max_rank_is_kept_and_what_it_costs_is_said():
    found = tt_cross(hilbert, (10,) * 5, 1e-8, max_rank=3)
    assert max(found.train.ranks) == 3
    assert not found.converged
    assert 1e-8 < found.estimated_error <= 0.1
    assert largest_error(found, hilbert, (10,) * 5) <= 10 * found.estimated_error


def test_one_seed_one_result():
    first, second = (tt_cross(hilbert, (15,) * 4, 1e-7, seed=3) for _ in range(2))
    assert first.evaluations == second.evaluations
    assert all(np.array_equal(a, b) for a, b in zip(first.train.cores, second.train.cores, strict=True))


def test_progress_rises_to_one():
    seen = []
    tt_cross(hilbert, (10,) * 5, 1e-8, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert len(seen) > 2


def test_a_call_is_never_too_large_to_be_interrupted(monkeypatch):
    monkeypatch.setattr(sampling, "_INDICES_A_CALL", 3000)
    for shape in ((5000,), (40, 50, 30)):
        f = Counted(lambda i: 1.0 / (1.0 + i.sum(axis=1)))
        found = tt_cross(f, shape, 1e-8)
        assert found.converged
        assert f.most <= 3000 < f.asked


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_named_with_its_index(bad):
    x = np.ones((4, 5, 6))
    x[2, 3, 1] = bad
    with pytest.raises(TensorError, match=r"at index \(2, 3, 1\)"):
        tt_cross(of_array(x), x.shape, 1e-6)


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (lambda i: np.ones((len(i), 1)), "one number for each row"),
        (lambda i: 1.0, "one number for each row"),
        (lambda i: np.array(["a"] * len(i)), "one number for each row"),
        (lambda i: None, "one number for each row"),
        (lambda i: [[1, 2], [3]], "no array"),
        (None, "no function"),
    ],
)
def test_what_is_no_value_for_each_index_is_refused(returned, words):
    with pytest.raises(TensorError, match=words):
        tt_cross(returned, (3, 4), 1e-6)


@pytest.mark.parametrize(
    ("shape", "rtol", "others", "words"),
    [
        ((), 1e-6, {}, "at least one axis"),
        ((3, 0, 4), 1e-6, {}, "of shape is 0"),
        ((3.5, 4), 1e-6, {}, "of shape is 3.5"),
        (5, 1e-6, {}, "shape is 5"),
        ((3, 1 << 40), 1e-6, {}, "split its digits"),
        ((3, 4), None, {}, "rtol None"),
        ((3, 4), "1", {}, "rtol '1'"),
        ((3, 4), 1e-6, {"seed": -1}, "seed is -1"),
        ((3, 4), 1e-6, {"max_rank": 2.5}, "max_rank is 2.5"),
        ((3, 4), 1e-6, {"max_evaluations": 8.5}, "max_evaluations is 8.5"),
        ((3, 4), 1e-6, {"start": [(1, 2), (3,)]}, "integers"),
        ((3, 4), 1e-15, {}, "double precision"),
        ((3, 4), 0.0, {}, "double precision"),
        ((3, 4), np.nan, {}, "double precision"),
        ((3, 4), 1.0, {}, "double precision"),
        ((3, 4), 1e-6, {"max_rank": 0}, "max_rank is 0"),
        ((3, 4), 1e-6, {"max_evaluations": 7}, "allow 8"),
        ((3, 4), 1e-6, {"start": [(1, 4)]}, r"\(1, 4\) is outside"),
        ((3, 4), 1e-6, {"start": [(1, 2, 3)]}, "integers"),
        ((3, 4), 1e-6, {"start": [(1.0, 2.0)]}, "integers"),
    ],
)
def test_what_makes_no_sense_is_refused(shape, rtol, others, words):
    with pytest.raises(TensorError, match=words):
        tt_cross(hilbert, shape, rtol, **others)
