"""``cdt.tensor``: for the planner where size counts, in Zarr by its entry point, and behind ``cdt.compress`` under ``rmse``."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
import xarray as xr
import zarr
from attrs import evolve
from zarr.registry import get_codec_class
from zarr.storage import MemoryStore

import cdt_core as cdt
from cdt_core.codecs.tensor import Tensor
from cdt_core.codecs.zarr_tensor import CONFIGURATION_SCHEMA, TensorCodec
from cdt_core.errors import BoundError, CdtError, CorruptStreamError
from cdt_core.kernels import tensor_stream
from cdt_core.model import Bound
from tests.kernels.tensor_stream.fields import rough, smooth


def chain(*shape):
    """A train of rank 3."""
    rng = np.random.default_rng(6)
    made = np.ones((1, 1))
    for axis, n in enumerate(shape):
        rank = 1 if axis == len(shape) - 1 else 3
        made = (made @ rng.standard_normal((made.shape[1], n * rank))).reshape(-1, rank)
    return made.reshape(shape)


def rmse(x, y):
    return np.sqrt(np.mean(np.square(x.astype(np.float64) - y)))


def stored(x, codec, chunks):
    """The array after it was written and read again by the metadata alone."""
    store = MemoryStore()
    array = zarr.create_array(
        store, shape=x.shape, dtype=x.dtype, chunks=chunks, serializer=codec, compressors=None, filters=None
    )
    array[...] = x
    return np.asarray(zarr.open_array(store, mode="r")[...])


def test_a_chunk_keeps_its_bound_and_comes_back():
    codec = Tensor({}, Bound("abs", 0.25), ())
    x = rough(20, 30)
    made = codec.encode(x)
    y = codec.decode(made.stream, x.shape, x.dtype)
    assert np.abs(x - y).max() <= made.max_error <= 0.25


@pytest.mark.parametrize(("shape", "dtype"), [((30, 20), "f8"), ((20, 30), "f4"), ((600,), "f8")])
def test_a_stream_of_another_array_is_refused(shape, dtype):
    codec = Tensor({}, Bound("abs", 0.25), ())
    with pytest.raises(CorruptStreamError, match="not of this array"):
        codec.decode(codec.encode(rough(20, 30)).stream, shape, np.dtype(dtype))


def test_it_has_no_parameters():
    with pytest.raises(CdtError, match=r"cdt\.tensor: unknown parameters profile"):
        Tensor({"profile": "dense"}, Bound("abs", 1), ())


def test_it_travels_to_other_processes():
    codec = pickle.loads(pickle.dumps(Tensor({}, Bound("abs", 0.5), (1,))))
    assert (codec.bound, codec.missing) == (Bound("abs", 0.5), (1,))


def test_its_metadata_makes_the_same_codec_in_zarr():
    (written,) = Tensor({}, Bound("abs", 0.5), (math.inf, np.int64(2**62 + 1))).metadata(np.dtype("f4"))
    again = TensorCodec.from_dict(written)
    assert again == TensorCodec("abs:0.5", (math.inf, 2**62 + 1))
    assert again.to_dict() == written
    assert set(written["configuration"]) == set(CONFIGURATION_SCHEMA["properties"])


def test_the_entry_point_leads_to_the_codec():
    assert get_codec_class("cdt.tensor") is TensorCodec


def test_each_chunk_of_a_zarr_array_meets_the_target():
    x = rough(60, 90)
    y = stored(x, TensorCodec("rmse:0.1"), (30, 40))
    for rows in (slice(0, 30), slice(30, 60)):
        for columns in (slice(0, 40), slice(40, 80), slice(80, 90)):
            assert rmse(x[rows, columns], y[rows, columns]) <= 0.1 * (2 if columns.start == 80 else 1)
    assert rmse(x, y) > 0


@pytest.mark.parametrize(("bound", "limit"), [("rel:1e-3", 1e-3), ("psnr:60", 1e-3)])
def test_bounds_by_range_are_of_each_chunk(bound, limit):
    x = rough(40, 50)
    y = stored(x, TensorCodec(bound), x.shape)
    error = np.abs(x - y).max() if bound.startswith("rel") else rmse(x, y)
    assert error <= limit * np.ptp(x)


@pytest.mark.parametrize("dtype", ["b1", "i8", "c16", "M8[s]"])
def test_types_that_are_not_decomposed_are_lossless_or_bounded(dtype):
    x = np.arange(200).reshape(10, 20).astype(dtype)
    assert (stored(x, TensorCodec("psnr:60"), x.shape) == x).all()


@pytest.mark.parametrize(
    "configuration",
    [{"version": 2, "bound": "abs:1"}, {"bound": "abs:1", "profile": "fast"}, {"missing": ["x"]}, {"version": True}, 5],
)
def test_configurations_of_other_releases_are_refused(configuration):
    with pytest.raises(CdtError, match=r"cdt\.tensor"):
        TensorCodec.from_dict({"name": "cdt.tensor", "configuration": configuration})


def test_a_senseless_bound_is_refused():
    with pytest.raises(BoundError):
        TensorCodec("rmse:-1")


def test_the_plan_takes_it_where_it_wins_and_only_there(tmp_path):
    low_rank = chain(8, 14, 16, 12)
    noise = np.random.default_rng(1).standard_normal((60, 70))
    data = xr.Dataset({"chain": (("a", "b", "c", "d"), low_rank), "noise": (("y", "x"), noise)})
    plan = cdt.plan(data, bound="rel:1e-4", objective="size")
    assert (plan["chain"].codec, plan["noise"].codec) == ("cdt.tensor", "cdt.bounded")
    out = cdt.treat(data, tmp_path / "out", bound="rel:1e-4", objective="size")
    assert cdt.verify(out.path, original=data).ok
    with xr.open_zarr(out.path / "data.zarr") as after:
        assert np.abs(after["chain"].values - low_rank).max() <= 1e-4 * np.ptp(low_rank)
    assert cdt.plan(data, bound="rel:1e-4", objective="speed")["chain"].codec == "cdt.bounded"


def in_chunks(plan):
    """The plan with chunks that do not divide the axes."""
    return evolve(plan, variables=(evolve(plan["u"], chunk_shape=(32, 40)),))


@pytest.mark.parametrize("asked", ["rmse:0.05", "psnr:50"])
def test_a_treatment_meets_a_promise_for_all_values_together_and_no_more(tmp_path, asked):
    values = rough(70, 85, seed=4).astype("f4")
    values[64:, 80:] += 3 * np.random.default_rng(0).standard_normal((6, 5))  # most of its chunk are copies of the edge
    values[3, 5] = np.nan
    data = xr.Dataset({"u": (("y", "x"), values)})
    plan = in_chunks(cdt.plan(data, bound=asked, objective="size"))
    assert (plan["u"].codec, plan["u"].applied.kind, plan["u"].codec_bound.kind) == ("cdt.tensor", "rmse", "rmse")
    out = cdt.treat(data, tmp_path / "out", plan=plan)
    target = 0.05 if asked[0] == "r" else float(np.nanmax(values) - np.nanmin(values)) * 10**-2.5
    with xr.open_zarr(out.path / "data.zarr") as after:
        known = np.isfinite(values)
        assert (np.isnan(after["u"].values) == ~known).all()
        assert 0.9 * target <= rmse(values[known], after["u"].values[known]) <= target
        assert after["u"].attrs["cdt_applied_bound"] == str(out.plan["u"].applied)
    (outcome,) = out.outcomes
    assert (outcome.fallback_chunks, outcome.over_bound) == (0, 0)
    assert outcome.max_error > 1.5 * target
    assert cdt.verify(out.path, original=data).ok
    verdicts = {f.check: f.verdict for f in out.certificate.findings if f.variable == "u"}
    assert "core.max_error" not in verdicts
    assert (verdicts["core.rmse"], verdicts["core.over_bound"]) == ("pass", "pass")
    each = in_chunks(cdt.plan(data, bound=f"abs:{target!r}", objective="size"))
    assert out.stored_bytes < 0.95 * cdt.treat(data, tmp_path / "each", plan=each).stored_bytes


def test_a_treatment_that_exceeds_the_root_mean_square_is_seen_against_the_original(tmp_path):
    data = xr.Dataset({"u": (("y", "x"), rough(40, 50))})
    plan = cdt.plan(data, bound="rmse:0.05", objective="size")
    out = cdt.treat(data, tmp_path / "out", plan=plan)
    others = data + np.where(np.arange(50) % 2, 0.04, -0.04)
    found = {check.name: check for check in cdt.verify(out.path, original=others).checks}
    assert found["chunks"].ok
    assert "the root mean square error 0.06" in found["values against the original"].detail


def test_packed_numbers_are_kept_together_as_physical_values(tmp_path):
    values = rough(40, 50, seed=2)
    data = xr.Dataset({"u": (("y", "x"), values)})
    data["u"].encoding = {"dtype": "i2", "scale_factor": 0.01, "_FillValue": -32768}
    data.to_netcdf(tmp_path / "packed.nc")
    with xr.open_dataset(tmp_path / "packed.nc") as file:
        before = file["u"].values
    out = cdt.treat(tmp_path / "packed.nc", tmp_path / "out", bound="rmse:0.3", objective="size")
    assert (out.plan["u"].codec, out.plan["u"].form, out.plan["u"].applied) == (
        "cdt.tensor",
        "decoded",
        Bound("rmse", 0.3),
    )
    with xr.open_zarr(out.path / "data.zarr") as after:
        assert rmse(before, after["u"].values) <= 0.3
    assert cdt.verify(out.path, original=tmp_path / "packed.nc").ok


def test_compress_takes_the_smaller_stream_under_rmse():
    x = chain(8, 14, 16, 12)
    target = 1e-3 * float(np.ptp(x))
    dense, balanced = (cdt.compress(x, f"rmse:{target!r}", profile=profile) for profile in ("dense", "balanced"))
    assert len(dense) < len(balanced) / 4
    for stream in (dense, balanced):
        assert rmse(x, cdt.decompress(stream)) <= target
    assert dense[:4] == tensor_stream.SIGNATURE
    whole = cdt.decompress(dense)
    part = (slice(1, 3), slice(None), slice(2, 5), slice(0, 1))
    assert (cdt.decompress(dense, region=part) == whole[part]).all()
    assert (cdt.decompress(dense, level=1) == whole[::2, ::2, ::2, ::2]).all()
    out = np.empty_like(whole)
    assert cdt.decompress(dense, out=out) is out
    assert (out == whole).all()
    with pytest.raises(ValueError, match=r"out has shape .* and dtype float32"):
        cdt.decompress(dense, out=out.astype("f4"))


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2"])
@pytest.mark.parametrize("profile", ["fast", "dense"])
def test_compress_meets_rmse_as_measured(dtype, profile):
    x = (smooth(40, 60) + rough(40, 60)).astype(dtype)
    y = cdt.decompress(cdt.compress(x, "rmse:2", profile=profile))
    assert 1.8 <= rmse(x, y) <= 2


def test_rmse_of_a_constant_or_of_nothing():
    for x in (np.full(100, 3.0), np.full(100, np.nan), np.zeros((0, 3)), np.arange(9) > 4):
        y = cdt.decompress(cdt.compress(x, "rmse:0.5"))
        assert y.dtype == x.dtype
        np.testing.assert_array_equal(x, y)
