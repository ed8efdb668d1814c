"""The certified error is at least the true one and at most the asked one; ranks are not larger than the reference's."""

from __future__ import annotations

import tracemalloc
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorly.decomposition import tucker as tensorly_tucker

from cdt_core.errors import TensorError
from cdt_core.kernels import _tensor
from cdt_core.kernels.reference import tucker as reference
from cdt_core.kernels.tucker import hosvd
from tests.kernels.instruction_sets import LEVELS, using
from tests.kernels.tucker.tensors import DTYPES, low_rank, normal, tensors, true_error

SETTINGS = settings(max_examples=150, deadline=None)


@SETTINGS
@given(tensors(), st.sampled_from((0.5, 0.1, 1e-2, 1e-3, 1e-5, 1e-6)))
def test_the_error_is_certified_and_kept(x, rtol):
    found = hosvd(x, rtol)
    assert true_error(x, found) <= found.error
    assert found.error <= rtol
    assert found.dtype == x.dtype
    assert found.shape == x.shape


@SETTINGS
@given(tensors(DTYPES[1::2]), st.sampled_from((1e-7, 1e-8, 1e-10, 1e-13, 9e-16)))
def test_tight_tolerances_are_kept_too(x, rtol):
    found = hosvd(x, rtol)
    assert true_error(x, found) <= found.error
    assert found.error <= rtol


@SETTINGS
@given(tensors(), st.integers(1, 4))
def test_given_ranks_are_met_and_the_error_is_certified(x, rank):
    found = hosvd(x, ranks=rank)
    assert all(r <= min(rank, n) for r, n in zip(found.ranks, x.shape, strict=True))
    assert true_error(x, found) <= found.error


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rtol", [1e-1, 1e-2, 1e-3])
def test_about_as_many_parameters_as_the_reference_needs(dtype, rtol):
    x = low_rank(np.random.default_rng(5), (30, 4, 3, 40), 12, dtype, 0.4)
    core, factors = reference.hosvd(x, rtol)
    assert hosvd(x, rtol).parameters <= 1.2 * (core.size + sum(f.size for f in factors))


@pytest.mark.parametrize("dtype", DTYPES)
def test_factors_are_orthonormal_and_the_core_is_the_projection(dtype):
    x = low_rank(np.random.default_rng(6), (9, 8, 7), 3, dtype)
    found = hosvd(x, 1e-3)
    assert found.ranks == (3, 3, 3)
    core = x
    for axis, factor in enumerate(found.factors):
        assert np.abs(factor.conj().T @ factor - np.eye(3)).max() <= 20 * np.finfo(dtype).eps
        core = np.moveaxis(np.tensordot(factor.conj().T, core, (1, axis)), 0, axis)
    assert np.abs(core - found.core).max() <= 100 * np.finfo(dtype).eps * np.abs(core).max()


def test_ranks_below_the_square_root_of_epsilon_are_found():
    """A Gram matrix squares singular values: 1e-9 of the largest would drown in it."""
    rng = np.random.default_rng(7)
    bases = [np.linalg.qr(normal(rng, (20, 2), np.float64))[0] for _ in range(3)]
    x = sum(s * np.einsum("i,j,k->ijk", *(b[:, k] for b in bases)) for k, s in enumerate((1.0, 1e-9)))
    assert hosvd(x, 1e-10).ranks == (2, 2, 2)
    assert hosvd(x, 1e-8).ranks == (1, 1, 1)


def test_few_leading_directions_of_a_long_axis_are_found_by_subspace_iteration():
    x = low_rank(np.random.default_rng(8), (400, 410), 20, np.float64, 0.5)
    found, (core, _) = hosvd(x, 1e-2), reference.hosvd(x, 1e-2)
    assert true_error(x, found) <= found.error <= 1e-2
    assert max(found.ranks) <= max(core.shape)


def test_ranks_win_where_tolerance_and_ranks_cannot_both_be_had():
    x = normal(np.random.default_rng(9), (6, 7, 8), np.float64)
    found = hosvd(x, 1e-3, ranks=(2, 3, 99))
    assert found.ranks[:2] == (2, 3)
    assert 1e-3 < true_error(x, found) <= found.error
    assert hosvd(low_rank(np.random.default_rng(9), (6, 7, 8), 2, np.float64), 1e-3, ranks=4).ranks == (2, 2, 2)


@pytest.mark.parametrize("caps", [(99, 9, 99), (99, 99, 10), (7, 99, 99)])
@pytest.mark.parametrize("rtol", [None, 3e-3])
def test_axes_without_a_cap_make_up_for_those_with_one(caps, rtol):
    rng = np.random.default_rng(15)
    x = normal(rng, (10, 12, 14), np.float64)
    if rtol is not None:
        x = low_rank(rng, (10, 12, 14), 1, np.float64) + 1e-3 * x
    least = hosvd(x, ranks=caps).error
    found = hosvd(x, 1.15 * least, ranks=caps)
    assert true_error(x, found) <= found.error <= 1.15 * least
    assert all(r <= cap for r, cap in zip(found.ranks, caps, strict=True))


def test_where_a_cap_costs_the_tolerance_others_keep_no_noise():
    rng = np.random.default_rng(16)
    x = low_rank(rng, (20, 21, 22), 3, np.float64) + 1e-7 * normal(rng, (20, 21, 22), np.float64)
    found = hosvd(x, 1e-2, ranks=(1, 99, 99))
    assert found.error > 1e-2
    assert max(found.ranks) <= 3


@pytest.mark.parametrize("method", ["single", "double"])
def test_a_quarter_that_needs_all_directions_spares_the_rest(method, monkeypatch):
    module = import_module("cdt_core.kernels.tucker.hosvd")
    monkeypatch.setattr(module, "_methods", lambda rtol, mean: [method])
    monkeypatch.setattr(module, "leading", None)
    x = normal(np.random.default_rng(17), (30, 40, 50), np.float32)
    found = hosvd(x, 2e-2)
    assert found.ranks == x.shape
    assert found.error == 0


def test_zero_is_rank_one_and_exact():
    found = hosvd(np.zeros((3, 4)), 0.1)
    assert found.ranks == (1, 1)
    assert found.error == 0
    assert not found.full().any()


def test_what_cannot_be_truncated_is_its_own_core():
    x = normal(np.random.default_rng(14), (5, 6, 7), np.float32)
    for rtol in (1e-2, 1e-5, 5e-7):
        found = hosvd(x, rtol)
        assert found.error == 0
        assert (found.full() == x).all()


def test_it_is_about_as_good_as_tensorly():
    x = low_rank(np.random.default_rng(10), (12, 13, 14), 8, np.float64, 0.5)
    core, factors = tensorly_tucker(x, (4, 4, 4), n_iter_max=1)
    theirs = np.linalg.norm(x - np.einsum("abc,ia,jb,kc->ijk", core, *factors)) / np.linalg.norm(x)
    assert hosvd(x, ranks=4).error <= 1.05 * theirs


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1e12, 1e30])
def test_very_small_and_very_large_numbers_are_like_others(scale, dtype):
    rng = np.random.default_rng(13)
    x = low_rank(rng, (70, 80, 6), 4, dtype, 0.5) + normal(rng, (70, 80, 6), dtype) * np.array(1e-3, dtype)
    x = (x * np.array(scale, dtype)).astype(dtype)
    found = hosvd(x, 1e-2)
    assert true_error(x, found) <= found.error <= 1e-2
    assert max(found.ranks) <= 4


@pytest.mark.parametrize("rtol", [1e-1, 1e-3])
def test_single_precision_takes_little_more_memory_than_its_input(rtol):
    rng = np.random.default_rng(20)
    x = low_rank(rng, (150, 160, 170), 3, np.float32)
    assert _extra(lambda: hosvd(x, rtol)) <= 0.7 * x.nbytes
    noise = normal(rng, (60, 61, 62), np.float32)
    assert _extra(lambda: hosvd(noise, rtol)) <= 3.5 * noise.nbytes


def _extra(call):
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_steps_between_the_smallest_numbers_count():
    x = low_rank(np.random.default_rng(18), (6, 7, 8), 1, np.float64)
    x = (x / np.abs(x).max() * 1e-43).astype(np.float32)
    found = hosvd(x, ranks=1)
    assert np.linalg.norm(found.full().astype(float) - x) <= found.error * np.linalg.norm(x.astype(float))
    assert (hosvd(x, 1e-3).full() == x).all()


def test_a_tolerance_and_ranks_may_be_numbers_of_numpy():
    x = low_rank(np.random.default_rng(19), (6, 7, 8), 3, np.float64)
    assert hosvd(x, np.float32(0.01), ranks=np.array([3, 3, 3])).ranks == (3, 3, 3)
    assert hosvd(x, ranks=2.0).ranks == (2, 2, 2)


def test_tensors_of_many_axes_are_grouped_no_further_than_arrays_can_be():
    x = np.ones((1,) * 40 + (2, 3))
    assert hosvd(x, 0.1).ranks == (1,) * 42


def test_progress_ends_at_one():
    seen = []
    hosvd(normal(np.random.default_rng(11), (80, 90, 3), np.float64), 0.1, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1


@pytest.mark.parametrize(
    ("x", "arguments", "says"),
    [
        (np.ones((2, 3)), {}, "tolerance or ranks"),
        (np.ones((2, 3)), {"rtol": 0.0}, "cannot be kept"),
        (np.ones((2, 3)), {"rtol": 1.0}, "cannot be kept"),
        (np.ones((2, 3)), {"rtol": np.nan}, "cannot be kept"),
        (np.ones((2, 3), "f4"), {"rtol": 1e-8}, "cannot be kept in float32"),
        (np.ones((2, 3)), {"ranks": 0}, "whole number >= 1"),
        (np.ones((2, 3)), {"ranks": (1, 1, 1)}, "do not fit 2 axes"),
        (np.ones((2, 3)), {"ranks": (1, 1.5)}, "whole number >= 1"),
        (np.ones((2, 0)), {"ranks": 1}, "nothing to decompose"),
        (np.array([[1.0, np.nan]]), {"ranks": 1}, r"first at \(0, 1\)"),
        (np.array([[np.inf, 0.0]], "f4"), {"ranks": 1}, "infinite"),
        (np.full((2, 2), 1e200), {"ranks": 1}, "overflow"),
        (np.full((2, 2), 1e-200), {"ranks": 1}, "underflow"),
        (np.array(["a"]), {"ranks": 1}, "no numbers"),
        ([[1.0, 2.0], [3.0]], {"ranks": 1}, "no array of numbers"),
        (np.ma.masked_equal(np.eye(3), 0), {"ranks": 1}, "masked"),
        (np.full((30, 30), 3e38, "f4"), {"ranks": 1}, "too large for float32"),
        (np.ones((2, 3)), {"rtol": "0.1"}, "'0.1' cannot be kept"),
        (np.ones((2, 3)), {"rtol": np.array([0.1, 0.2])}, "cannot be kept"),
        (np.ones((2, 3)), {"rtol": 0.1j}, "cannot be kept"),
        (np.ones((2, 3)), {"ranks": "23"}, "whole number >= 1"),
        (np.ones((2, 3)), {"ranks": (1, None)}, "whole number >= 1"),
        (np.ones((2, 3)), {"ranks": (1, np.nan)}, "whole number >= 1"),
        (np.ones((2, 3)), {"ranks": (1, np.inf)}, "whole number >= 1"),
        (np.ones((2, 3)), {"ranks": np.ones((2, 2))}, "whole number >= 1"),
    ],
)
def test_what_cannot_be_decomposed_is_refused(x, arguments, says):
    with pytest.raises(TensorError, match=says):
        hosvd(x, **arguments)


@pytest.mark.parametrize("level", LEVELS)
def test_every_instruction_set_keeps_the_tolerance(level):
    x = low_rank(np.random.default_rng(12), (40, 70, 50), 12, np.float64, 0.5)
    with using(level, _tensor):
        found = hosvd(x, 1e-2)
    assert true_error(x, found) <= found.error <= 1e-2
    assert max(found.ranks) <= 10


@pytest.mark.parametrize("rtol", [1e-1, 1e-2, 1e-3])
def test_an_image_in_four_dimensions(test_data, rtol):
    nibabel = pytest.importorskip("nibabel")
    x = np.asarray(nibabel.load(test_data / "imaging_medical" / "example4d.nii.gz").dataobj, np.float64)
    found = hosvd(x, rtol)
    assert true_error(x, found) <= found.error <= rtol


@pytest.mark.parametrize("rtol", [1e-1, 1e-2, 1e-3])
def test_winds_and_heights(test_data, rtol):
    from scipy.io import netcdf_file

    with netcdf_file(test_data / "geospatial" / "eraint_uvz.nc", mmap=False) as file:
        fields = np.stack([file.variables[name].data.astype(np.float64) for name in "zuv"])
    assert fields.shape == (3, 2, 3, 241, 480)
    axes = tuple(range(1, fields.ndim))
    x = (fields - fields.mean(axes, keepdims=True)) / fields.std(axes, keepdims=True)
    found = hosvd(x, rtol)
    assert true_error(x, found) <= found.error <= rtol
