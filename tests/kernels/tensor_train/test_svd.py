"""Tensor trains of dense arrays: the error that is promised, the ranks, and where the array lies."""

import math

import dask.array
import numpy as np
import pandas
import pytest
import scipy.sparse
import tensorly
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorly.decomposition import tensor_train as tensorly_train

from cdt_core.errors import TensorError
from cdt_core.kernels.reference.tensor_train import decompose
from cdt_core.kernels.tensor_train import sweep, tt_svd
from tests.kernels.tensor_train.dense import check, noisy, true_error

DTYPES = ["f4", "f8", "c8", "c16"]


class Sliced:
    """An array that gives nothing but slices, and says how many numbers the largest had."""

    def __init__(self, x):
        self.x, self.shape, self.dtype, self.largest = x, x.shape, x.dtype, 0

    def __getitem__(self, region):
        part = self.x[region]
        self.largest = max(self.largest, part.size)
        return part


@settings(max_examples=60, deadline=None)
@given(
    shape=st.lists(st.integers(1, 7), min_size=1, max_size=8).filter(lambda lengths: math.prod(lengths) < 20000),
    dtype=st.sampled_from(DTYPES),
    rank=st.integers(1, 4),
    noise=st.sampled_from([0.0, 1e-7, 1e-3, 0.3]),
    rtol=st.sampled_from([0.9, 1e-1, 1e-3, 2e-5]),
    exact=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_the_error_is_within_the_tolerance_and_certified(shape, dtype, rank, noise, rtol, exact, seed):
    x = noisy(shape, rank, noise, dtype, seed)
    check(x, tt_svd(x, rtol, exact=exact), rtol)


@pytest.mark.parametrize("dtype", ["f8", "c16"])
@pytest.mark.parametrize("rtol", [5e-7, 1e-8, 1e-11])
def test_tolerances_that_gram_matrices_do_not_resolve(dtype, rtol):
    x = noisy((6, 7, 8, 9), 3, rtol / 10, dtype)
    train = tt_svd(x, rtol)
    check(x, train, rtol)
    assert max(train.ranks) == 3


@pytest.mark.parametrize("dtype", ["f8", "c16"])
def test_certificates_of_what_rounding_leaves_are_no_less_than_the_error(dtype):
    wide = np.longdouble if dtype == "f8" else np.clongdouble
    for seed in range(8):
        x = noisy((6, 7, 8), 2, 0.0, dtype, seed)
        train = tt_svd(x, 1e-12)
        made = np.ones((1, 1), wide)
        for core in train.cores:
            made = (made @ core.astype(wide).reshape(core.shape[0], -1)).reshape(-1, core.shape[2])
        rest = made.reshape(x.shape) - x
        error = np.sqrt((np.abs(rest) ** 2).sum() / (np.abs(x.astype(wide)) ** 2).sum())
        assert error <= train.error <= 1e-12


@pytest.mark.parametrize("rank", [1, 2, 5])
def test_few_rows_of_many_zeros_are_decomposed_precisely(rank):
    x = np.zeros((400, 100))
    x[-rank:] = np.random.default_rng(rank).normal(size=(rank, 100))
    train = tt_svd(x, 1e-9)
    check(x, train, 1e-9)
    assert train.ranks == (1, rank, 1)


def test_ill_conditioned_tensors_keep_their_small_directions():
    rng = np.random.default_rng(2)
    bases = [np.linalg.qr(rng.normal(size=(12, 6)))[0] for _ in range(3)]
    x = np.einsum("ar,br,cr,r->abc", *bases, 10.0 ** -np.arange(0, 12, 2))
    assert tt_svd(x, 1e-5).ranks == (1, 3, 3, 1)
    assert tt_svd(x, 3e-9).ranks == (1, 5, 5, 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rtol", [1e-1, 1e-2, 1e-4])
def test_exact_ranks_are_those_of_the_reference(dtype, rtol):
    for seed, shape in enumerate([(9, 8, 7), (3, 2, 3, 12, 14), (2,) * 10, (40, 30), (5, 6, 5, 6)]):
        x = noisy(shape, 3, 1e-6, dtype, seed)
        expected = decompose(x, rtol)
        assert tt_svd(x, rtol, exact=True).ranks == (1, *(core.shape[2] for core in expected))


def test_samples_give_the_ranks_of_the_whole(monkeypatch):
    monkeypatch.setattr(sweep, "_LARGE", 1 << 12)
    for seed, shape in enumerate([(8,) * 5, (30, 40, 50), (4, 4, 4, 4, 4, 4, 4), (100, 9, 100)]):
        x = noisy(shape, 4, 1e-5, "f8", seed)
        sampled, exact = tt_svd(x, 1e-3), tt_svd(x, 1e-3, exact=True)
        check(x, sampled, 1e-3)
        assert sampled.ranks == exact.ranks


def test_what_a_sample_misses_is_found_by_the_certificate(monkeypatch):
    monkeypatch.setattr(sweep, "_LARGE", 1 << 12)
    x = noisy((64, 32, 8, 8), 2, 0.0)
    x[37, 5] += 5 * np.random.default_rng(3).normal(size=(8, 8)) / 8  # one row of 2048: most samples miss it
    check(x, tt_svd(x, 1e-6), 1e-6)
    check(x, tt_svd(x, 1e-2), 1e-2)


@pytest.mark.parametrize("options", [{"rtol": 0.99}, {"max_rank": 1}])
def test_cuts_of_bonds_that_samples_kept_are_certified(monkeypatch, options):
    monkeypatch.setattr(sweep, "_LARGE", 1 << 10)
    for seed in range(6):
        x = noisy((32, 16, 8, 8), 2, 0.0, "f8", seed)
        check(x, tt_svd(x, **options), options.get("rtol"))


@pytest.mark.parametrize("dtype", DTYPES)
def test_ranks_alone_are_certified_without_another_look_at_the_tensor(monkeypatch, dtype):
    monkeypatch.setattr(sweep, "_LARGE", 1 << 10)
    x = noisy((32, 16, 8, 8), 3, 1e-3, dtype)
    measured = tt_svd(x, 1e-9 if dtype in ("f8", "c16") else 1e-5, max_rank=3)
    monkeypatch.setattr(sweep, "relative_error", None)
    train = tt_svd(x, max_rank=3)
    assert train.ranks == measured.ranks == (1, 3, 3, 3, 1)
    check(x, train, None)
    assert train.error <= 1.1 * true_error(x, train)


@pytest.mark.parametrize("exact", [False, True])
def test_errors_of_given_ranks_that_energies_do_not_resolve_are_measured(exact):
    x = noisy((6, 7, 8, 9), 3, 1e-9)
    train = tt_svd(x, max_rank=3, exact=exact)
    check(x, train, None)
    assert train.error <= 1.01 * true_error(x, train)


@pytest.mark.parametrize("exact", [False, True])
def test_rank_limits_hold_and_the_error_says_what_they_cost(monkeypatch, exact):
    monkeypatch.setattr(sweep, "_LARGE", 1 << 12)
    x = noisy((8, 9, 10, 11, 6), 5, 1e-2)
    for limit in (1, 3, 5):
        train = tt_svd(x, max_rank=limit, exact=exact)
        assert max(train.ranks) <= limit
        check(x, train, None)
        peer = tensorly.tt_to_tensor(tensorly_train(x, [1, limit, limit, limit, limit, 1]))
        assert true_error(x, train) <= 1.05 * np.linalg.norm(x - peer) / np.linalg.norm(x)
    assert tt_svd(x, 0.5, max_rank=1).error > 0.5


@pytest.mark.parametrize("dtype", DTYPES)
def test_zero_constant_and_tiny_tensors(dtype):
    for x in (np.zeros((3, 4, 5)), np.ones((2, 3, 4, 5)), np.full((4, 1, 6), 1e-15), np.ones(7), np.ones((1, 1, 1))):
        train = tt_svd(x.astype(dtype), 1e-4)
        assert set(train.ranks) == {1}
        check(x.astype(dtype), train, 1e-4)


def test_arrays_of_any_library_give_the_same_train(tmp_path):
    import zarr

    x = noisy((12, 9, 8, 10), 3, 1e-5)
    expected = tt_svd(x, 1e-3)
    on_disk = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", x.dtype, x.shape)
    on_disk[...] = x
    chunked = zarr.create_array(str(tmp_path / "x.zarr"), shape=x.shape, chunks=(5, 9, 3, 10), dtype=x.dtype)
    chunked[...] = x
    kinds = (
        on_disk,
        chunked,
        dask.array.from_array(x, chunks=(4, 3, 8, 7)),
        np.asfortranarray(x),
        x.astype(">f8"),
        x[:, ::1][::1],
    )
    for other in kinds:
        train = tt_svd(other, 1e-3)
        check(x, train, 1e-3)
        assert train.ranks == expected.ranks


def test_a_chunked_array_is_never_read_whole(monkeypatch):
    from cdt_core.kernels.tensor_train import sources

    monkeypatch.setattr(sources, "_PIECE_BYTES", 1 << 12)
    source = Sliced(noisy((20, 16, 12, 10), 2, 0.0))
    check(source.x, tt_svd(source, 1e-6), 1e-6)
    assert 0 < source.largest <= source.x.size // 8


@pytest.mark.parametrize("rtol", [1e-3, 1e-9])
def test_a_chunked_array_whose_last_axis_keeps_every_direction_is_never_read_whole(monkeypatch, rtol):
    from cdt_core.kernels.tensor_train import comparing, sources

    monkeypatch.setattr(sources, "_PIECE_BYTES", 1 << 12)
    monkeypatch.setattr(comparing, "_PART", 1 << 9)
    source = Sliced(noisy((30, 20, 40, 3), 5, 0.0))
    train = tt_svd(source, rtol)
    check(source.x, train, rtol)
    assert train.ranks == (1, 5, 5, 3, 1)
    assert 0 < source.largest <= source.x.size // 8


def test_a_single_long_axis_of_zeros_that_is_read_in_pieces(monkeypatch):
    from cdt_core.kernels.tensor_train import sources

    monkeypatch.setattr(sources, "_PIECE_BYTES", 1 << 10)
    assert not tt_svd(Sliced(np.zeros(1000)), 0.1).full().any()


def test_numbers_that_are_not_aligned_are_decomposed():
    x = noisy((6, 7, 8), 2, 0.0)
    aslant = np.frombuffer(b"." + x.tobytes(), offset=1).reshape(x.shape)
    assert not aslant.flags.aligned
    assert tt_svd(aslant, 1e-6).ranks == tt_svd(x, 1e-6).ranks
    check(x, tt_svd(aslant, 1e-6), 1e-6)


def test_short_numbers_as_limits_are_neither_squared_nor_added_to_in_their_own_kind(monkeypatch):
    monkeypatch.setattr(sweep, "_LARGE", 1 << 10)
    x = noisy((32, 16, 8, 8), 2, 1e-2)
    for options, same in (
        ({"max_rank": np.int8(125)}, {"max_rank": 125}),
        ({"rtol": np.float16(1e-4)}, {"rtol": float(np.float16(1e-4))}),
    ):
        assert tt_svd(x, **options).ranks == tt_svd(x, **same).ranks


def test_digits_are_decomposed_as_asked():
    x, seen = noisy((16, 32), 2, 1e-2), []
    train = tt_svd(x, 1e-1, quantics=True, exact=True, progress=seen.append)
    assert train.shape == (2,) * 9
    assert train.error <= 1e-1
    assert seen[-1] == 1.0


def test_a_long_last_axis_of_a_chunked_array_needs_no_square_of_it():
    class Source:
        shape, dtype = (2, 3, 200_000), np.dtype(np.float64)

        def __getitem__(self, region):
            return noisy(self.shape, 2, 0.0)[region]

    check(noisy(Source.shape, 2, 0.0), tt_svd(Source(), 1e-3), 1e-3)


def test_the_result_does_not_depend_on_threads(monkeypatch):
    from cdt_core.kernels import tall

    monkeypatch.setattr(tall, "_PART_BYTES", 1 << 12)
    monkeypatch.setattr(sweep, "_LARGE", 1 << 12)
    x = noisy((9, 10, 11, 12), 3, 1e-4)
    for exact in (False, True):
        one, many = (tt_svd(x, 1e-3, exact=exact, workers=workers) for workers in (1, 3))
        assert all(np.array_equal(a, b) for a, b in zip(one.cores, many.cores, strict=True))
        assert one.error == many.error


def test_integers_and_booleans_become_floats():
    x = np.arange(60).reshape(3, 4, 5)
    assert tt_svd(x, 1e-6).dtype == np.float64
    check(x.astype(float), tt_svd(x, 1e-6), 1e-6)
    assert tt_svd(x > 20, 1e-6).dtype == np.float64


def test_progress_goes_from_little_to_all():
    seen = []
    tt_svd(noisy((4, 5, 6, 7), 2, 0.0), 1e-3, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


@pytest.mark.parametrize(
    ("x", "options", "what"),
    [
        (np.zeros((3, 0, 2)), {"rtol": 0.1}, "length 0"),
        (np.ma.masked_equal(np.ones((3, 3)), 1), {"rtol": 0.1}, "fill them first"),
        (np.float64(3), {"rtol": 0.1}, "at least one axis"),
        (np.ones((3, 3)), {}, "give rtol"),
        (np.ones((3, 3)), {"max_rank": 0}, "whole numbers from 1"),
        (np.ones((3, 3)), {"max_rank": math.nan}, "whole numbers from 1"),
        (np.ones((3, 3)), {"max_rank": math.inf}, "whole numbers from 1"),
        (np.ones((3, 3)), {"max_rank": 2.0}, "whole numbers from 1"),
        (np.ones((3, 3)), {"rtol": "a"}, "real number"),
        (np.ones((3, 3)), {"rtol": [0.1]}, "real number"),
        (np.ones((3, 3)), {"rtol": 0.1, "workers": None}, "counted in whole numbers"),
        ([[1], [1, 2]], {"rtol": 0.1}, "no array"),
        ([[1], [1, 2]], {"rtol": 0.1, "quantics": True}, "no array"),
        (np.ma.masked_equal(np.ones((4, 4)), 1), {"rtol": 0.1, "quantics": True}, "fill them first"),
        (Sliced(np.ma.masked_equal(np.arange(9.0).reshape(3, 3), 4)), {"rtol": 0.1}, "fill them first"),
        (dask.array.from_array(np.ma.masked_equal(np.ones((3, 3)), 1)), {"rtol": 0.1}, "fill them first"),
        (pandas.Series([1, 2], dtype="Int64"), {"rtol": 0.1}, "dtypes have to be NumPy's"),
        (dask.array.arange(9)[dask.array.arange(9) > 3], {"rtol": 0.1}, "lengths known"),
        (scipy.sparse.eye(4).tocsr(), {"rtol": 0.1}, "convert it first"),
        (np.ones((3, 3)), {"rtol": 0.0}, "holds tolerances from"),
        (np.ones((3, 3)), {"rtol": np.nan}, "holds tolerances from"),
        (np.ones((3, 3), "f4"), {"rtol": 1e-9}, "convert to float64"),
        (np.array([["a"]]), {"rtol": 0.1}, "integers, floats or complex"),
    ],
)
def test_senseless_calls_are_refused(x, options, what):
    with pytest.raises(TensorError, match=what):
        tt_svd(x, **options)
