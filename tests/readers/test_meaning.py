from __future__ import annotations

import warnings

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import ReaderError
from cdt_core.readers.flatten import flatten
from cdt_core.readers.meaning import missing_in, packing_of, unpacked

FLOATS = [np.float32(0.1), np.float64(0.1), 0.01, np.float32(2.5), np.float64(-3.25)]
STORED = ["i1", "u1", "i2", ">i2", "u2", "i4", "u4", "i8", "f4", ">f4", "f8"]


def _xarray_decoded(values: np.ndarray, attributes: dict) -> np.ndarray:
    variable = xr.Variable(("x",), values, dict(attributes))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return xr.decode_cf(xr.Dataset({"v": variable}), decode_times=False)["v"].values


def _same_bits(left: np.ndarray, right: np.ndarray) -> bool:
    left = np.where(np.isnan(left), np.nan, left).astype(left.dtype) if left.dtype.kind == "f" else left
    right = np.where(np.isnan(right), np.nan, right).astype(right.dtype) if right.dtype.kind == "f" else right
    return left.dtype == right.dtype and left.tobytes() == right.tobytes()


@st.composite
def packed(draw: st.DrawFn) -> tuple[np.ndarray, dict]:
    dtype = np.dtype(draw(st.sampled_from(STORED)))
    if dtype.kind == "f":
        pool = [0.0, -0.0, 1.5, -9999.0, 1e20, 9.969209968386869e36, float("nan"), float("inf"), 1e-40]
    else:
        limits = np.iinfo(dtype)
        small = [0, 1, 5, 100, 127]
        edges = [limits.max, limits.max - 1, limits.min] if dtype.itemsize < 8 else []
        pool = small + edges
    values = np.array(draw(st.lists(st.sampled_from(pool), min_size=1, max_size=12)), dtype)
    attributes: dict = {}
    if draw(st.booleans()):
        attributes["scale_factor"] = draw(st.sampled_from(FLOATS))
    if draw(st.booleans()):
        attributes["add_offset"] = draw(st.sampled_from(FLOATS))
    native = dtype.newbyteorder("=")
    if draw(st.booleans()):
        attributes["_FillValue"] = native.type(draw(st.sampled_from(pool)))
    if draw(st.booleans()):
        chosen = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=2))
        attributes["missing_value"] = native.type(chosen[0]) if len(chosen) == 1 else np.array(chosen, native)
    return values, attributes


@settings(deadline=None)
@given(packed())
def test_decoded_values_are_those_of_xarray_bit_for_bit(case):
    values, attributes = case
    stored = flatten(xr.Dataset({"v": ("x", values, attributes)}), "")
    block = stored.read("v", (slice(0, len(values)),))
    expected = _xarray_decoded(values, attributes)
    assert block.tobytes() == values.astype(values.dtype.newbyteorder("=")).tobytes()
    assert stored.specs["v"].packing.dtype == expected.dtype.name
    assert _same_bits(stored.decoded("v", block), expected)
    mask = stored.missing_mask("v", block)
    if expected.dtype.kind == "f" and mask is not None:
        finite_input = ~np.isnan(values) if values.dtype.kind == "f" else np.ones(len(values), bool)
        assert np.array_equal(mask, np.isnan(expected) | ~finite_input)


@pytest.mark.parametrize(("dtype", "unsigned"), [("i1", "true"), ("i2", "true"), ("u1", "false")])
@pytest.mark.parametrize("fill", [None, -1, 5])
@pytest.mark.parametrize("scale", [None, np.float32(0.5)])
def test_unsigned_attribute_means_what_it_means_to_xarray(dtype, unsigned, fill, scale):
    values = np.array([0, 1, 5, 127, 200, 255]).astype(dtype)
    attributes: dict = {"_Unsigned": unsigned}
    if fill is not None:
        attributes["_FillValue"] = np.array(fill).astype(dtype)[()]
    if scale is not None:
        attributes["scale_factor"] = scale
    stored = flatten(xr.Dataset({"v": ("x", values, attributes)}), "")
    assert _same_bits(stored.decoded("v", stored.read("v", (slice(0, 6),))), _xarray_decoded(values, attributes))


def test_missing_codes_are_stored_numbers():
    attributes = {"_FillValue": np.int16(-999), "missing_value": np.array([-999, -888], "i2"), "scale_factor": 0.1}
    packing = flatten(xr.Dataset({"v": ("x", np.zeros(1, "i2"), attributes)}), "").specs["v"].packing
    assert packing.missing == (-999, -888)
    assert packing.is_packed


def test_a_double_fill_value_that_no_float32_equals_masks_nothing():
    """The file says 1e20 in double precision; float32 holds 1.00000002e20, which xarray does not take for missing."""
    values = np.array([1e20, 1.0], "f4")
    stored = flatten(xr.Dataset({"v": ("x", values, {"_FillValue": np.float64(1e20)})}), "")
    assert stored.specs["v"].packing.missing == ()
    assert _same_bits(stored.decoded("v", values), _xarray_decoded(values, {"_FillValue": np.float64(1e20)}))


def test_nanosecond_times_stay_whole_numbers():
    values = np.array([1_600_000_000_000_000_001, 1_600_000_000_000_000_002, np.iinfo("i8").min])
    attributes = {"units": "nanoseconds since 1970-01-01", "_FillValue": np.iinfo("i8").min}
    stored = flatten(xr.Dataset({"t": ("x", values, attributes)}), "")
    assert stored.decoded("t", values).tolist() == values.tolist()
    assert stored.missing_mask("t", values).tolist() == [False, False, True]


@pytest.mark.parametrize("value", ["0.1", np.array([0.1, 0.2]), ""])
def test_a_scale_factor_that_is_not_one_number_is_refused(value):
    with pytest.raises(ReaderError, match=r"'v'.*scale_factor"):
        flatten(xr.Dataset({"v": ("x", np.zeros(2, "i2"), {"scale_factor": value})}), "file.nc")


def test_roles_follow_the_cf_conventions():
    dataset = xr.Dataset(
        {
            "temperature": (("time", "x"), np.zeros((2, 3)), {"coordinates": "lon", "ancillary_variables": "flag"}),
            "lon": ("x", np.zeros(3)),
            "flag": (("time", "x"), np.zeros((2, 3), "i1")),
            "time_bnds": (("time", "two"), np.zeros((2, 2))),
            "crs": ((), 0),
            "launch": ((), 0.0, {"units": "hours since 2000-01-01 00:00"}),
            "area": ("x", np.zeros(3)),
            "wind": ("x", np.zeros(3), {"grid_mapping": "crs: lon", "cell_measures": "area: area", "units": "m"}),
        },
        coords=xr.Coordinates({"time": xr.Variable("time", [0, 1], {"bounds": "time_bnds"})}, indexes={}),
    )
    specs = flatten(dataset, "").specs
    assert {name for name, spec in specs.items() if spec.role == "data"} == {"temperature", "wind"}


def test_a_scalar_has_a_mask_and_values_of_no_axes():
    stored = flatten(xr.Dataset({"v": ((), np.float32(-1), {"_FillValue": np.float32(-1), "scale_factor": 0.5})}), "")
    block = stored.read("v", ())
    mask, decoded = stored.missing_mask("v", block), stored.decoded("v", block)
    assert isinstance(mask, np.ndarray)
    assert isinstance(decoded, np.ndarray)
    assert (mask.shape, decoded.shape, bool(mask), bool(np.isnan(decoded))) == ((), (), True, True)


@pytest.mark.parametrize("code", [np.array([-1], "i1"), np.array(-1, "i1"), [-1]])
def test_a_list_of_one_code_is_a_code(code):
    assert packing_of(np.dtype("i1"), {"_FillValue": code, "_Unsigned": "true"}).missing == (-1,)


@pytest.mark.parametrize("code", [2147483647, -2147483647])
def test_a_code_beyond_float32_stays_missing_under_a_float32_scale(code):
    attributes = {"scale_factor": np.float32(0.1), "_FillValue": np.int32(code), "missing_value": np.int32(code)}
    packing = packing_of(np.dtype("i4"), attributes)
    assert packing.missing == (code,)
    stored = np.array([code, 5], "i4")
    assert missing_in(stored, packing).tolist() == [True, False]
    assert np.isnan(unpacked(stored, packing)).tolist() == [True, False]
