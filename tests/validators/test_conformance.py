from __future__ import annotations

import numpy as np
import pytest

from cdt_core.model import Finding
from cdt_core.validators.conformance import conformance

CF = {"Conventions": "CF-1.8, ACDD-1.3"}
ZERO = np.zeros(3, np.float32)


def checks(made, check):
    """Value by variable of one check."""
    return {finding.variable: finding.value for finding in conformance(made) if finding.check == f"core.{check}"}


def message(made, check):
    return next(finding.message for finding in conformance(made) if finding.check == f"core.{check}")


def packed(**attributes):
    return {"v": (("x",), np.zeros(3, np.int16), attributes)}


def test_a_clean_file_passes_every_check(subject):
    made = subject(
        {
            "x": (("x",), np.arange(3.0), {"units": "degrees_east"}),
            "t2m": (("x",), np.zeros(3, np.int16), {"units": "K", "scale_factor": 0.1, "_FillValue": np.int16(-1)}),
            "name": (("x",), ["a", "b", "c"], {}),
        },
        CF,
    )
    found = list(conformance(made))
    assert len(found) >= 12
    assert all(finding.value == 1 for finding in found)


def test_cf_asks_every_quantity_for_units(subject):
    made = subject({"a": (("x",), ZERO, {}), "b": (("x",), ZERO, {"units": "K"})}, CF)
    assert checks(made, "units_present") == {"a": 0, "b": 1}
    assert checks(subject({"a": (("x",), ZERO, {})}, CF), "units_present") == {"a": 0}


def test_elsewhere_units_are_asked_for_where_other_data_have_them(subject):
    made = {"a": (("x",), ZERO, {}), "x": (("x",), ZERO, {"units": "mm"})}
    assert checks(subject(made), "units_present") == {}
    assert checks(subject({**made, "b": (("x",), ZERO, {"units": "K"})}), "units_present") == {"a": 0, "b": 1}


@pytest.mark.parametrize(
    "exempt",
    [
        (("x",), np.zeros(3, np.int8), {"flag_values": [0, 1], "flag_meanings": "no yes"}),
        ((), np.int32(0), {"grid_mapping_name": "latitude_longitude"}),
        (("x",), ["a", "b", "c"], {}),
        ((), 2.0, {}),
    ],
)
def test_codes_text_and_scalars_need_no_units(subject, exempt):
    assert checks(subject({"a": exempt, "b": (("x",), ZERO, {"units": "K"})}, CF), "units_present") == {"b": 1}


def test_units_are_read_where_they_are_given(subject):
    made = subject({"a": (("x",), ZERO, {"units": "furlongs per fnord"}), "b": (("x",), ZERO, {"units": "m s-1"})})
    assert checks(made, "units_parseable") == {"a": 0, "b": 1}
    assert "furlongs per fnord" in message(made, "units_parseable")


@pytest.mark.parametrize(
    ("attributes", "value", "said"),
    [
        ({}, 1, ""),
        ({"scale_factor": 0.1, "add_offset": 5.0}, 1, ""),
        ({"scale_factor": np.array([0.5])}, 1, ""),
        ({"scale_factor": 0.0}, 0, "scale_factor is 0"),
        ({"scale_factor": float("nan")}, 0, "not a finite number"),
        ({"add_offset": float("inf")}, 0, "add_offset"),
    ],
)
def test_packing_that_destroys_values_is_found(subject, attributes, value, said):
    made = subject(packed(**attributes))
    assert checks(made, "packing_valid") == {"v": value}
    assert said in message(made, "packing_valid")


def test_fill_values_are_only_judged_where_there_are_any(subject):
    assert checks(subject(packed(scale_factor=0.5)), "fill_value_valid") == {}


@pytest.mark.parametrize(
    ("dtype", "code", "value"),
    [
        ("int16", -32768, 1),
        ("int16", 65535, 1),
        ("int16", 99999, 0),
        ("int16", float("nan"), 0),
        ("int16", 0.5, 0),
        ("int16", -999.0, 1),
        ("uint8", 255, 1),
        ("uint8", -1, 1),
        ("uint64", np.uint64(2**64 - 1), 1),
        ("int64", np.int64(-(2**63)), 1),
        ("float32", float("nan"), 1),
        ("float32", 1e20, 1),
        ("float32", 1e300, 0),
        ("float64", 1e300, 1),
        ("float64", "none", 0),
    ],
)
@pytest.mark.parametrize("key", ["_FillValue", "missing_value"])
def test_fill_values_are_held_by_the_stored_type(subject, key, dtype, code, value):
    made = subject({"v": (("x",), np.zeros(3, dtype), {key: code})})
    assert checks(made, "fill_value_valid") == {"v": value}


def test_a_bad_fill_value_leaves_the_packing_valid(subject):
    made = subject(packed(scale_factor=0.5, _FillValue=float("nan")))
    assert checks(made, "packing_valid") == {"v": 1}
    assert checks(made, "fill_value_valid") == {"v": 0}
    assert "_FillValue nan" in message(made, "fill_value_valid")


@pytest.mark.parametrize(
    ("name", "cf", "plain"),
    [
        ("t2m", 1, 1),
        ("_x", 0, 1),
        ("2t", 0, 1),
        ("Gene name (HGNC)", 0, 1),
        ("\u03b1", 0, 1),
        (" a", 0, 0),
        ("a\tb", 0, 0),
    ],
)
def test_names_are_judged_by_the_conventions_of_the_file(subject, name, cf, plain):
    made = {f"group/{name}": (("x",), ZERO, {})}
    assert list(checks(subject(made, CF), "names_valid").values()) == [cf]
    assert list(checks(subject(made), "names_valid").values()) == [plain]


def test_a_dimension_has_one_length_in_its_group(subject):
    fine = {"a": (("x",), ZERO), "b": (("x", "y"), np.zeros((3, 2))), "g/a": (("x",), np.zeros(7))}
    assert checks(subject(fine), "dimensions_consistent") == {None: 1}
    broken = subject({**fine, "c": (("x",), np.zeros(4))})
    assert checks(broken, "dimensions_consistent") == {None: 0}
    assert "3 in a, 4 in c" in message(broken, "dimensions_consistent")


def test_types_that_no_codec_holds_are_named(subject):
    made = subject(
        {"a": (("x",), np.zeros(3, "V4")), "b": (("x",), np.zeros(3, bool)), "c": (("x",), ZERO.astype(complex))}
    )
    assert checks(made, "dtype_supported") == {"a": 0, "b": 1, "c": 1}


def test_notes_of_the_reader_decide_whether_the_file_is_readable(subject):
    def note(value, **more):
        return Finding(check="core.note", dimension="format", value=value, message="half of it", **more)

    assert checks(subject({}), "readable") == {None: 1}
    assert checks(subject({}, notes=[note(1)]), "readable") == {None: 1}
    failed = subject({}, notes=[note(5, verdict="fail")])
    assert checks(failed, "readable") == {None: 0}
    assert message(failed, "readable") == "half of it"
