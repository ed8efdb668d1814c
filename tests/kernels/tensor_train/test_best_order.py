"""Trains in the chosen order of axes are never larger than those of the own order, and keep the tolerance."""

from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import TensorError
from cdt_core.kernels.tensor_train import tt_svd
from cdt_core.kernels.tensor_train.ordering import Order, best_order, search
from tests.kernels.tensor_train.test_svd import Sliced
from tests.kernels.tensor_train.trains import field


@given(
    shape=st.lists(st.integers(1, 7), min_size=1, max_size=5),
    dtype=st.sampled_from(["f4", "f8", "c8", "c16", "i2"]),
    rtol=st.sampled_from([0.5, 1e-1, 1e-2, 1e-3]),
    fold=st.booleans(),
    join=st.booleans(),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_it_is_never_larger_than_the_own_order_and_keeps_the_tolerance(shape, dtype, rtol, fold, join, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape) + sum(np.ogrid[tuple(slice(0, n) for n in shape)])
    x = (10 * x + (1j * rng.normal(size=shape) if np.dtype(dtype).kind == "c" else 0)).astype(dtype)
    found = best_order(x, rtol, fold=fold, join=join, seed=seed)
    own = tt_svd(x, rtol)
    assert found.own == own.parameters
    assert found.train.parameters <= own.parameters
    assert found.train.error <= rtol
    wide = x.astype(found.train.dtype)
    assert np.linalg.norm(found.full() - wide) <= rtol * np.linalg.norm(wide) * (1 + 1e-6)
    assert join or len(found.train.shape) >= sum(n > 1 for n in shape)


@pytest.mark.parametrize("dtype", ["f8", ">f8", "i2"])
def test_the_own_train_is_that_of_the_array_as_it_is_given(dtype):
    for seed in range(8):
        x = (30 * np.random.default_rng(seed).normal(size=(16, 2, 13))).astype(dtype)
        for given_as in (x, x.T, x[::-1]):
            assert best_order(given_as, 0.5, fold=False).own == tt_svd(given_as, 0.5).parameters


@pytest.mark.parametrize("seed", range(6))
def test_fields_with_shuffled_axes_get_the_best_of_all_orders(seed):
    rng = np.random.default_rng(seed)
    x = field((8, 9, 10, 11), rng.permutation(4), seed=seed)
    found = best_order(x, 1e-2, fold=False, join=False)
    every = [tt_svd(np.ascontiguousarray(x.transpose(axes)), 1e-2).parameters for axes in permutations(range(4))]
    assert found.train.parameters <= min(every)
    assert found.gain >= every[0] / min(every)


def test_more_than_eight_axes_are_annealed():
    x = field((2, 3, 2, 3, 2, 3, 2, 3, 2, 3), np.random.default_rng(1).permutation(10))
    found = best_order(x, 1e-3, fold=False)
    back = np.argsort(np.random.default_rng(1).permutation(10))
    assert found.train.parameters <= tt_svd(np.ascontiguousarray(x.transpose(back)), 1e-3).parameters


def test_axes_that_belong_together_become_one():
    a, b = np.random.default_rng(0).normal(size=(2, 6, 6))
    found = best_order(np.einsum("ik,jl->ijkl", a, b), 1e-6)
    assert repr(found.order) == "Order(0+2 | 1+3)"
    assert found.train.ranks == (1, 1, 1)


def test_digits_of_a_long_axis_are_split():
    found = best_order(np.exp(-0.01 * np.arange(1024)), 1e-8)
    assert found.own == 1024
    assert found.train.parameters <= 20
    assert best_order(np.exp(-0.01 * np.arange(1024)), 1e-8, fold=False).train.parameters == 1024


def test_digits_of_two_axes_alternate_where_these_are_alike():
    rng = np.random.default_rng(2)
    pairs = [rng.normal(size=(2, 2)) for _ in range(4)]
    x = pairs[0]
    for pair in pairs[1:]:  # a Kronecker product: one digit of each axis belongs to one of the other
        x = np.kron(x, pair)
    found = best_order(x, 1e-6)
    assert found.train.parameters == 16
    assert all(len({found.order.places[k][1] for k in group}) == 1 for group in found.order.groups)


def test_tolerance_that_bonds_do_not_use_is_used_by_others():
    x = field((2, 3, 40, 50), (0, 1, 2, 3), noise=0.2)
    found, plain = best_order(x, 0.1, fold=False), tt_svd(x, 0.1)
    assert plain.error < found.train.error <= 0.1


def test_equal_seeds_make_equal_orders():
    x = field((8, 9, 10, 12), (2, 0, 3, 1))
    first, again = (best_order(x, 1e-2, seed=7) for _ in range(2))
    assert first.order == again.order
    assert all(np.array_equal(a, b) for a, b in zip(first.train.cores, again.train.cores, strict=True))


def test_entries_are_those_of_the_array():
    x = field((8, 9, 10, 12), (2, 0, 3, 1))
    found = best_order(x, 1e-3)
    where = np.stack([np.random.default_rng(0).integers(-n, n, 50) for n in x.shape], axis=1)
    assert np.allclose(found.entries(where), found.full()[tuple(where.T)], rtol=0, atol=1e-12)
    assert np.array_equal(np.asarray(found), found.full())
    assert np.asarray(found, dtype="f4").dtype == "f4"
    with pytest.raises(IndexError, match="axis 3"):
        found.entries([[0, 0, 0, 99]])


def test_it_says_what_it_is():
    found = best_order(field((4, 5, 6), (2, 0, 1)), 1e-2, fold=False)
    assert found.shape == (6, 4, 5)
    assert "Order(" in repr(found)
    assert "gain=" in repr(found)


def test_progress_grows_to_one():
    told = []
    best_order(field((4, 6, 8), (2, 0, 1)), 1e-2, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len({share for share in told if 0.1 < share < 1.0}) > 4


@pytest.mark.parametrize("seed", [-1, 1.5, True, None, "a", 1 << 63])
def test_seeds_that_are_none_are_refused(seed):
    with pytest.raises(TensorError, match="seed"):
        best_order(np.ones((2, 3)), 1e-2, seed=seed)


@pytest.mark.parametrize("dtype", ["f4", "c8"])
@pytest.mark.parametrize("rtol", [6e-7, 1e-6, 2e-6])
def test_orders_of_so_many_cores_that_rounding_leaves_more_are_left_out(dtype, rtol):
    x = np.exp(-0.01 * np.add.outer(np.arange(64.0), np.arange(64.0))).astype(dtype)
    found = best_order(x, rtol)
    assert found.train.error <= rtol
    assert found.gain >= 1.0


def test_an_order_whose_rounding_is_only_seen_when_it_is_made_is_left_out(monkeypatch):
    x = field((6, 7, 8), (2, 0, 1))

    def refusing(values, *arguments, **options):
        if values.shape != x.shape:
            raise TensorError("rounding leaves more")
        return tt_svd(values, *arguments, **options)

    monkeypatch.setattr(search, "tt_svd", refusing)
    assert best_order(x, 1e-2).order == Order.own(x.shape)


def test_tolerances_of_any_type_of_number_are_equal():
    x = field((6, 7, 8), (2, 0, 1))
    expected = best_order(x, 2.0**-7)
    for rtol in (np.float16(2.0**-7), np.float32(2.0**-7), Fraction(1, 128)):
        found = best_order(x, rtol)
        assert found.order == expected.order
        assert found.train.ranks == expected.train.ranks


@pytest.mark.parametrize("rtol", [None, 0.0, -1.0, np.nan, np.inf, "1e-2"])
def test_tolerances_that_are_none_are_refused(rtol):
    with pytest.raises(TensorError, match="rtol"):
        best_order(np.ones((2, 3)), rtol)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(bad):
    x = np.ones((3, 4, 5))
    x[1, 2, 3] = bad
    with pytest.raises(TensorError, match="NaN or infinite"):
        best_order(x, 1e-2)


@pytest.mark.parametrize("x", [np.float64(1.0), np.ones((2, 0)), np.array(["a"]), np.ma.masked_less(np.arange(4.0), 2)])
def test_arrays_that_have_no_train_are_refused(x):
    with pytest.raises(TensorError):
        best_order(x, 1e-2)


@pytest.mark.parametrize("shape", [(1,), (1, 1), (7,), (1, 6, 1), (2, 2)])
def test_small_shapes_and_zeros_have_orders(shape):
    for x in (np.zeros(shape), np.arange(1.0, 1 + np.prod(shape)).reshape(shape)):
        found = best_order(x, 1e-3)
        assert np.allclose(found.full(), x, rtol=0, atol=1e-3 * np.linalg.norm(x))


def test_arrays_that_give_slices_only_are_read_once():
    x = field((6, 7, 8), (2, 0, 1))

    class Once(Sliced):
        reads = 0

        def __getitem__(self, region):
            self.reads += 1
            return super().__getitem__(region)

    source = Once(x)
    assert best_order(source, 1e-2).order == best_order(x, 1e-2).order
    assert source.reads == 1
    assert best_order(x.tolist(), 1e-2).order == best_order(x, 1e-2).order


def test_arrays_that_are_no_numpy_arrays_are_read():
    zarr = pytest.importorskip("zarr")
    x = field((6, 7, 8), (2, 0, 1))
    stored = zarr.create_array(zarr.storage.MemoryStore(), shape=x.shape, dtype="f8", chunks=(4, 4, 4))
    stored[...] = x
    assert best_order(stored, 1e-2).order == best_order(x, 1e-2).order
    assert best_order(x.T, 1e-2).train.parameters == best_order(np.ascontiguousarray(x.T), 1e-2).train.parameters
