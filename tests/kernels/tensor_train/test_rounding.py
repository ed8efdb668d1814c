"""Rounding keeps the tolerance, says what it did, and finds the smallest ranks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import TensorError
from cdt_core.kernels.reference import tensor_train as reference
from cdt_core.kernels.tensor_train import TensorTrain
from cdt_core.kernels.tensor_train.rounding import finest, round_cores
from tests.kernels.tensor_train.trains import DTYPES, hilbert_like, random_train, trains


def distance(train, x):
    wide = x.astype(np.clongdouble)
    norm = np.linalg.norm(wide.ravel())
    return float(
        np.sqrt(np.sum(np.abs(reference.full([c.astype(np.clongdouble) for c in train.cores]) - wide) ** 2))
        / (norm or 1)
    )


def exact(train):
    return reference.full([core.astype(np.clongdouble) for core in train.cores])


@given(trains(), st.sampled_from([None, 0.5, 0.1, 1e-2, 1e-4]), st.sampled_from([None, 1, 2, 3]))
def test_the_error_is_certified_and_within_the_tolerance(train, rtol, max_rank):
    found = train.round(rtol, max_rank)
    measured = distance(found, exact(train))
    assert measured <= found.error
    assert found.dtype == train.dtype
    if max_rank is None and rtol is not None:
        assert found.error <= rtol
    if max_rank is not None:
        assert max(found.ranks) <= max_rank
    assert found.error <= 1.01 * measured + 1000 * finest(train.dtype, train.ndim)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_sum_with_itself_gets_its_ranks_back(dtype):
    train = random_train((5, 6, 7, 6, 5), 4, dtype)
    for doubled in (train + train, train - 3 * train, train + 0 * train):
        assert doubled.round(1e-4).ranks == doubled.round().ranks == train.ranks


@pytest.mark.parametrize("rtol", [1e-1, 1e-3, 1e-6, 1e-9, 1e-12])
def test_ranks_are_those_of_the_unfoldings(rtol):
    """Ill-conditioned: singular values from 1 down to rounding, where a Gram matrix sees only half of the digits."""
    x = hilbert_like((8, 7, 9, 8))
    train = TensorTrain(reference.decompose(x, 1e-15))
    found = train.round(rtol)
    assert list(found.ranks[1:-1]) == reference.unfolding_ranks(x, rtol)
    assert distance(found, x.astype(complex)) <= found.error <= rtol


def test_tight_tolerances_cut_what_only_rounding_made():
    """Ranks 80 of a train of ranks 40, 1e-10: methods by Gram matrices keep noise."""
    train = random_train((20,) * 4, 10)
    assert (train + 1e-5 * train).round(1e-10).ranks == train.ranks


@pytest.mark.parametrize("smaller", [1e-3, 1e-7, 1e-11, 1e-14])
def test_a_train_that_cancels_itself_claims_no_more_than_it_can_hold(smaller):
    """The cores are large and what is left of them is small: rounding errors are relative to the cores."""
    large, small = random_train((6, 5, 4, 5, 6), 3), smaller * random_train((6, 5, 4, 5, 6), 2, seed=1)
    train = (large + small) - large
    found = train.round(1e-6)
    assert found.error is None or distance(found, exact(train)) <= found.error
    if smaller >= 1e-7:
        assert found.error <= 1e-6


@pytest.mark.parametrize("rtol", [1e-1, 1e-3, 1e-5, 1e-7])
def test_products_get_the_ranks_of_their_unfoldings(rtol):
    """Their ranks are the squares of what they need to be; the first sweep leaves out what cannot matter."""
    x = hilbert_like((9, 8, 9, 8))
    train = TensorTrain(reference.decompose(x, 1e-9))
    found = (train * train).round(rtol)
    assert list(found.ranks[1:-1]) == reference.unfolding_ranks(train.full() ** 2, rtol)
    assert distance(found, exact(train) ** 2) <= found.error <= rtol


def test_nothing_is_claimed_of_a_train_of_which_arithmetic_leaves_nothing():
    """What is left is 1e-30 of the cores: no digit of it is known."""
    large, small = random_train((6, 5, 4), 3), 1e-30 * random_train((6, 5, 4), 2, seed=1)
    train = (large + small) - large
    assert train.round(1e-6).error is None
    assert train.permute((1, 0, 2)).error is None
    assert (0 * large).round(1e-6).error == 0.0


@pytest.mark.parametrize(
    ("first", "last"), [(-300, 0), (0, -200), (150, 0), (0, 300), (-290, 300), (280, -300), (-150, -150)]
)
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_no_square_overflows_or_vanishes(first, last, dtype):
    plain = random_train((6, 5, 4, 7), 4, dtype)
    cores = list(plain.cores)
    cores[0], cores[-1] = cores[0] * 10.0**first, cores[-1] * 10.0**last
    train, scale = TensorTrain(cores), np.longdouble(10) ** (first + last)
    wide = exact(plain)
    with np.errstate(all="raise"):
        for found, full in (
            (train.round(1e-1), wide),
            (train.round(max_rank=2), wide),
            (train.permute((2, 0, 3, 1), 1e-6), wide.transpose(2, 0, 3, 1)),
        ):
            unscaled = [core.astype(np.clongdouble) for core in found.cores]
            unscaled[-1] = unscaled[-1] / scale
            measured = np.linalg.norm((reference.full(unscaled) - full).ravel()) / np.linalg.norm(full.ravel())
            assert 0.0 < measured <= found.error
        assert train.norm() == pytest.approx(plain.norm() * float(scale), rel=1e-12)


def test_values_that_single_precision_cannot_hold_are_refused():
    cores = list(random_train((5, 6, 7), 3, "float32").cores)
    cores[0], cores[1] = cores[0] * np.float32(1e25), cores[1] * np.float32(1e25)
    with pytest.raises(TensorError, match="too large"):
        TensorTrain(cores).round(1e-3)


def test_parts_that_cancel_are_not_left_out_for_being_small():
    """Beside the large part the small one is below the tolerance; what is left is the small one alone."""
    large, small = random_train((6, 5, 6), 3), 1e-5 * random_train((6, 5, 6), 2, seed=1)
    cores = list(((large + small) - large).cores)
    found = TensorTrain(cores).round(1e-4)
    assert found.ranks == small.ranks
    assert distance(found, exact(TensorTrain(cores))) <= found.error <= 1e-4


def test_a_tolerance_is_kept_when_it_lies_on_a_singular_value():
    """Cutting the last of them takes all that is allowed, and arithmetic comes on top."""
    diagonal = np.diag([1.0, 0.5, 1e-3])
    train = TensorTrain(reference.decompose(diagonal, 1e-15))
    rtol = float(1e-3 / np.linalg.norm(diagonal)) * (1 + 1e-15)
    found = train.round(rtol)
    assert found.error <= rtol
    assert found.ranks == (1, 3, 1)


def test_all_cores_but_the_last_are_orthonormal():
    found = random_train((4, 5, 6, 7), 4, "complex128").round(1e-1)
    for core in found.cores[:-1]:
        flat = core.reshape(-1, core.shape[2])
        assert np.abs(flat.conj().T @ flat - np.eye(core.shape[2])).max() <= 1e-14


def test_errors_add_up():
    train = TensorTrain(random_train((6, 6, 6), 5).cores, 0.1)
    found = train.round(0.2)
    bare = TensorTrain(train.cores).round(0.2)
    assert found.error == 0.1 + bare.error * 1.1


def test_progress_is_told_and_may_interrupt():
    train, told = random_train((4, 5, 6), 3), []
    train.round(1e-3, progress=told.append)
    train.permute((1, 0, 2), progress=told.append)
    assert told == [0, 1 / 6, 2 / 6, 1 / 2, 4 / 6, 1.0, 0.0]

    def stop(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train.round(1e-3, progress=stop)


def test_round_cores_gives_the_share_of_energy():
    train = random_train((6, 6, 6), 5)
    cores, share = round_cores(train.cores, 0.3, None)
    x = train.full()
    assert abs(share - (np.linalg.norm(reference.full(cores) - x) / np.linalg.norm(x)) ** 2) <= 1e-14


@pytest.mark.parametrize("shape", [(5,), (1,), (1, 1, 1), (1, 5, 1)])
def test_zero_and_thin_trains(shape):
    train = random_train(shape, 3)
    assert (train + train).round(1e-10).ranks == (1,) * (len(shape) + 1)
    zero = (0 * train).round(1e-3)
    assert not zero.full().any()
    assert zero.ranks == (1,) * (len(shape) + 1)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_no_number_is_refused(wrong):
    train = random_train((3, 4, 5), 2)
    train.cores[1][0, 2, 1] = wrong
    with pytest.raises(TensorError, match="NaN or infinity"):
        train.round(1e-3)


@pytest.mark.parametrize(
    ("rtol", "max_rank", "message"),
    [
        (-1e-3, None, "rtol"),
        (np.nan, None, "rtol"),
        (1e-17, None, "float64 can promise"),
        ("a", None, "real number"),
        (None, 0, "rank"),
        (None, 2.5, "whole numbers"),
        (None, np.nan, "whole numbers"),
    ],
)
def test_tolerances_and_ranks_that_nothing_can_keep(rtol, max_rank, message):
    with pytest.raises(TensorError, match=message):
        random_train((3, 4, 5), 2).round(rtol, max_rank)
