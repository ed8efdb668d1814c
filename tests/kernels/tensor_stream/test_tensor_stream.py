"""A tensor stream keeps its promise exactly as measured, whatever the array."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import BoundError, UnsupportedDtypeError
from cdt_core.kernels import compress, tensor_stream
from cdt_core.kernels.tensor_stream.layout import CORE, PLAIN, TRAIN, folded
from cdt_core.model import Bound
from tests.kernels.tensor_stream.fields import encode, rough, smooth

FLOATS = ("f2", "f4", "f8")
INTEGERS = ("i1", "i2", "i4", "u1", "u2", "u4")


def rmse(x, y):
    return np.sqrt(np.mean(np.square(x.astype(np.float64) - y)))


@pytest.mark.parametrize("shape", [(3000,), (40, 75), (6, 20, 25), (2, 3, 20, 25), (2, 1, 3, 4, 5, 25)])
@pytest.mark.parametrize("dtype", FLOATS)
def test_the_root_mean_square_error_is_within_the_target_and_uses_it(shape, dtype):
    x = (rough(*shape) / np.abs(rough(*shape)).max() * 100).astype(dtype)
    made = encode(x, "rmse:0.5")
    y = tensor_stream.decode(made.stream)
    assert (y.shape, y.dtype) == (x.shape, x.dtype)
    assert 0.97 * 0.5 <= rmse(x, y) <= 0.5
    assert np.abs(x.astype("f8") - y).max() <= made.max_error


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_stay_integers_of_their_type(dtype):
    limits = np.iinfo(dtype)
    x = rough(30, 40)
    x = (
        ((x - x.min()) / np.ptp(x) * (float(limits.max) - limits.min) + limits.min)
        .clip(limits.min, limits.max)
        .astype(dtype)
    )
    target = 0.02 * float(np.ptp(x.astype("f8")))
    y = tensor_stream.decode(encode(x, f"rmse:{target}").stream)
    assert y.dtype == x.dtype
    assert rmse(x, y) <= target


fields = st.builds(
    lambda shape, seed, kind, power: (smooth(*shape) if kind else rough(*shape, seed=seed)) * 10.0**power,
    st.lists(st.integers(1, 14), min_size=1, max_size=5).map(tuple),
    st.integers(0, 99),
    st.booleans(),
    st.integers(-6, 6),
)


@settings(max_examples=30, deadline=None)
@given(fields, st.floats(1e-5, 1), st.sampled_from(["f4", "f8"]))
def test_any_field_keeps_any_target(x, share, dtype):
    x = x.astype(dtype)
    target = float(share * np.abs(x.astype("f8")).max()) or 1.0
    made = encode(x, f"rmse:{target!r}")
    y = tensor_stream.decode(made.stream)
    assert rmse(x, y) <= target
    header = tensor_stream.read_header(made.stream)
    assert (header.shape, header.dtype) == (x.shape, x.dtype)


@settings(max_examples=30, deadline=None)
@given(fields, st.floats(1e-5, 1), st.sampled_from(["f4", "f8", "i2", "i4"]))
def test_every_value_keeps_an_absolute_bound(x, share, dtype):
    if dtype[0] == "i":
        x = x / (np.abs(x).max() or 1.0) * 30000
    x = x.astype(dtype)
    bound = float(share * np.abs(x.astype("f8")).max()) or 1.0
    made = encode(x, f"abs:{bound!r}")
    y = tensor_stream.decode(made.stream)
    assert (np.abs(x.astype(np.longdouble) - y) <= bound).all()
    assert np.abs(x.astype("f8") - y).max() <= made.max_error <= bound


@pytest.mark.parametrize("bound", ["rmse:0.5", "abs:0.5", "rmse:200", "abs:300"])
def test_missing_and_non_finite_values_stay_and_no_other_value_becomes_missing(bound):
    x = smooth(40, 50, dtype="f4")
    x[3:9, 10:20] = np.nan
    x[20, :5] = np.array([np.inf, -np.inf, -999, -0.0, 0.0])
    x[30] = -999
    y = tensor_stream.decode(encode(x, bound, missing=(-999.0, 0.0)).stream)
    kept = ~np.isfinite(x) | (x == -999) | (x == 0)
    assert x[kept].tobytes() == y[kept].tobytes()
    assert np.isfinite(y[~kept]).all()
    assert not ((y == -999) | (y == 0))[~kept].any()
    error = np.abs(x[~kept].astype("f8") - y[~kept])
    limit = float(bound.split(":")[1])
    assert (np.sqrt(np.mean(error**2)) if bound.startswith("rmse") else error.max()) <= limit


def test_the_head_has_the_errors_of_all_values_with_those_that_are_exact_lest_they_become_missing():
    x = np.rint(rough(31, 31) * 40 + 60).clip(1, 255).astype("u1")
    made = encode(x, "rmse:9", missing=(0,))
    y = tensor_stream.decode(made.stream)
    header = tensor_stream.read_header(made.stream)
    assert made.exact_values > 20
    assert header.rmse == pytest.approx(rmse(x, y), rel=1e-12)
    assert header.max_error == np.abs(x.astype(int) - y).max()


@pytest.mark.parametrize("bound", ["rmse:0.05", "abs:0.05"])
def test_progress_rises_to_one_and_may_end_the_work(bound):
    told = []
    tensor_stream.encode(rough(20, 30), Bound.parse(bound), progress=told.append)
    assert (told[0], told[-1]) == (0, 1)
    assert told == sorted(told)
    assert len(set(told)) > 10

    def stop(share):
        if share > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tensor_stream.encode(rough(20, 30), Bound.parse(bound), progress=stop)


def test_a_chain_of_axes_is_a_train_and_waves_are_a_core():
    rng = np.random.default_rng(2)
    cores = [rng.standard_normal(shape) for shape in ((16, 3), (3, 16, 3), (3, 16, 3), (3, 16))]
    x = np.einsum("ia,ajb,bkc,cl->ijkl", *cores)
    assert tensor_stream.read_header(encode(x, f"rmse:{1e-4 * float(np.ptp(x))!r}").stream).method == TRAIN
    assert tensor_stream.read_header(encode(rough(60, 60), "rmse:0.5").stream).method == CORE


def test_low_rank_fields_take_a_fraction_of_the_bounded_codec():
    x = smooth(20, 30, 40)
    target = 1e-3 * float(np.ptp(x))
    bounded = compress.encode(x, Bound("abs", target * np.sqrt(3)), profile="dense").stream
    assert len(encode(x, f"rmse:{target!r}").stream) < len(bounded) / 2


def test_under_rmse_too_what_no_decomposition_makes_smaller_is_a_plain_stream():
    x = np.full(4000, 3, "u1")
    x[::7] = 200
    x[np.random.default_rng(4).permutation(4000)[:40]] = 90
    bounded = compress.encode(x, Bound("abs", 0.5), profile="dense").stream
    made = encode(x, "rmse:0.5").stream
    assert len(made) <= len(bounded) + 10
    assert rmse(x, tensor_stream.decode(made)) <= 0.5


def test_streams_with_a_residual_are_never_larger_than_the_bounded_codec():
    x = np.random.default_rng(5).standard_normal((30, 40))
    bounded = compress.encode(x, Bound("abs", 1e-6), profile="dense").stream
    assert len(encode(x, "abs:1e-6").stream) <= len(bounded) + 10


@pytest.mark.parametrize(
    "x",
    [
        np.zeros((0, 3)),
        np.array(2.5),
        np.full(1000, np.nan),
        np.arange(1000) > 5,
        np.arange(1000, dtype="i8"),
        np.arange(1000).astype("M8[s]"),
        np.linspace(0, 1, 1000) * (1 + 2j),
        np.linspace(-1e300, 1e300, 1000),
    ],
)
def test_what_is_not_decomposed_is_a_plain_stream_within(x):
    made = encode(x, "rmse:1")
    y = tensor_stream.decode(made.stream)
    assert tensor_stream.read_header(made.stream).method == PLAIN
    assert (y.shape, y.dtype) == (x.shape, x.dtype)
    assert y.tobytes() == x.tobytes() or (np.abs(x.astype(complex) - y.astype(complex)) <= 1).all()


@pytest.mark.parametrize("value", [0.0, 7.25, -1e6])
def test_a_constant_is_kept_exactly(value):
    x = np.full((30, 40), value)
    assert (tensor_stream.decode(encode(x, "rmse:0.1").stream) == x).all()


def test_targets_below_the_last_place_are_lossless_enough():
    x = smooth(30, 40) + 1e9
    assert rmse(x, tensor_stream.decode(encode(x, "rmse:1e-9").stream)) <= 1e-9


def test_strides_and_byte_order_do_not_matter():
    x = rough(40, 50)
    stream = encode(x, "rmse:0.1").stream
    assert encode(np.asfortranarray(x), "rmse:0.1").stream == stream
    assert encode(x.astype(">f8"), "rmse:0.1").stream == stream


@pytest.mark.parametrize("kind", ["rel", "psnr"])
def test_bounds_by_a_range_are_resolved_before(kind):
    with pytest.raises(BoundError, match=kind):
        tensor_stream.encode(rough(30, 40), Bound(kind, 0.1))


def test_text_is_refused():
    with pytest.raises(UnsupportedDtypeError):
        encode(np.array(["a"] * 100), "rmse:1")


def test_axes_are_joined_from_the_front():
    assert folded((2, 1, 3, 4, 5, 6)) == (6, 4, 5, 6)
    assert folded((1, 1)) == (1,)


def test_real_winds_at_60_decibels(test_data):
    xr = pytest.importorskip("xarray")
    with xr.open_dataset(test_data / "geospatial" / "eraint_uvz.nc", decode_cf=False) as file:
        u = file["u"].values * file["u"].attrs["scale_factor"] + file["u"].attrs["add_offset"]
    target = float(np.ptp(u)) * 1e-3
    made = encode(u, f"rmse:{target!r}")
    assert 0.97 * target <= rmse(u, tensor_stream.decode(made.stream)) <= target
    assert len(made.stream) < 13500  # SPERR takes 15986
