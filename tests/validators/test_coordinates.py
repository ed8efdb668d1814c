from __future__ import annotations

import numpy as np
import pytest

from cdt_core.validators.coordinates import coordinates

DAYS = {"units": "days since 2000-01-01"}
EAST = {"units": "degrees_east"}


def checks(subject, values, attributes=None, name="x"):
    """Findings on one index coordinate, by the last part of the check's name."""
    made = subject({name: ((name.rpartition("/")[2],), values, attributes or {})})
    return {finding.check.removeprefix("core.coordinate_"): finding for finding in coordinates(made)}


@pytest.mark.parametrize("values", [np.arange(0, 360, 2.5), np.linspace(90, -90, 73), np.arange(73, dtype=np.int16)])
def test_regular_axes_pass_in_either_direction(subject, values):
    found = checks(subject, values, EAST)
    assert {check: finding.value for check, finding in found.items()} == {
        "missing": 0,
        "duplicates": 0,
        "monotone": 1,
        "gaps": 0,
    }


@pytest.mark.parametrize("direction", [1, -1])
def test_a_step_back_is_found_and_placed(subject, direction):
    values = np.arange(20.0)
    values[7] = 5.5
    finding = checks(subject, direction * values)["monotone"]
    assert finding.value == 0
    assert finding.evidence == {"against": 1, "first": 6}


def test_repeated_values_are_duplicates_and_not_disorder(subject):
    found = checks(subject, [0.0, 1, 1, 2, 3, 3, 3], EAST)
    assert found["duplicates"].value == 3
    assert found["monotone"].value == 1


def test_left_out_steps_are_counted_and_placed(subject):
    values = np.delete(np.arange(100) * 6, [40, 41, 70])
    finding = checks(subject, values, {"units": "hours since 1990-01-01"})["gaps"]
    assert finding.value == 2
    assert finding.evidence == {"steps_left_out": 3, "first": 39}
    assert finding.parameters == {"step": 6.0, "step_unit": "hours"}


def test_steps_that_are_irregular_by_design_have_no_gaps(subject):
    pressure = [1000.0, 925, 850, 700, 500, 300, 200, 100, 50, 10]
    assert "gaps" not in checks(subject, pressure, {"units": "hPa"})
    assert "gaps" not in checks(subject, np.sin(np.radians(np.linspace(-88, 88, 60))), {"units": "degrees_north"})
    assert checks(subject, pressure, {"units": "hPa"})["monotone"].value == 1


@pytest.mark.parametrize("values", [[3, 1, 2, 9], ["b", "a", "c"], np.arange(10)[[0, 1, 2, 3, 4, 5, 9]]])
def test_labels_have_neither_order_nor_gaps(subject, values):
    assert set(checks(subject, values)) == {"missing", "duplicates"}


def test_a_described_axis_of_whole_numbers_has_an_order(subject):
    assert checks(subject, [3, 1, 2], {"axis": "Z"})["monotone"].value == 0
    assert checks(subject, [3, 1, 2], {"units": "m"})["monotone"].value == 0


def test_repeated_labels_are_duplicates(subject):
    assert checks(subject, ["a", "b", "a"])["duplicates"].value == 1
    assert checks(subject, [4, 4, 5])["duplicates"].value == 1


def test_missing_values_are_counted_and_left_out_of_the_order(subject):
    found = checks(subject, [0.0, 1, np.nan, 3, np.inf, 5], EAST)
    assert found["missing"].value == 2
    assert found["missing"].evidence == {"first": 2}
    assert found["monotone"].value == 1
    filled = checks(subject, np.array([0, 1, -99, 3], np.int32), {**EAST, "_FillValue": np.int32(-99)})
    assert filled["missing"].value == 1
    assert filled["monotone"].value == 1


@pytest.mark.parametrize("values", [[], [5.0], [np.nan, np.nan], np.array([np.nan])])
def test_what_has_no_two_values_has_no_order(subject, values):
    assert not {"monotone", "gaps"} & set(checks(subject, np.array(values, float), EAST))


def test_months_of_a_calendar_are_regular(subject):
    middle = np.datetime64("1999-01") + np.arange(36)
    days = (middle.astype("datetime64[D]") - np.datetime64("2000-01-01")).astype(int)
    finding = checks(subject, days, {**DAYS, "calendar": "standard"})["gaps"]
    assert finding.value == 0
    assert finding.parameters == {"step": 1.0, "step_unit": "calendar month"}
    assert checks(subject, np.delete(days, 13), {**DAYS, "calendar": "standard"})["gaps"].evidence == {
        "steps_left_out": 1,
        "first": 12,
    }


@pytest.mark.parametrize(("calendar", "length"), [("noleap", 365), ("360_day", 360), ("all_leap", 366)])
def test_model_calendars_have_their_own_years(subject, calendar, length):
    finding = checks(subject, np.arange(50) * length, {**DAYS, "calendar": calendar})["gaps"]
    assert finding.value == 0
    assert finding.parameters["step"] == 12


def test_years_are_regular_over_leap_years(subject):
    starts = np.arange("1890", "1930", dtype="datetime64[Y]").astype("datetime64[D]")
    days = (starts - np.datetime64("2000-01-01")).astype(int)
    assert checks(subject, days, DAYS)["gaps"].value == 0


def test_a_leap_day_left_out_is_a_gap(subject):
    days = np.delete(np.arange(366), 59)
    assert checks(subject, days, {**DAYS, "calendar": "standard"})["gaps"].value == 1
    assert checks(subject, np.arange(365), {**DAYS, "calendar": "noleap"})["gaps"].value == 0


def test_times_that_are_decoded_already_are_axes(subject):
    times = np.datetime64("2000-01-01", "ns") + np.arange(48).astype("timedelta64[h]")
    assert checks(subject, np.delete(times, 5))["gaps"].value == 1
    months = (np.datetime64("2000-01") + np.arange(24)).astype("datetime64[ns]")
    assert checks(subject, months)["gaps"].value == 0


def test_packed_times_are_unpacked_before_their_months_are_counted(subject):
    starts = (np.datetime64("2000-01") + np.arange(24)).astype("datetime64[D]")
    halves = 2 * (starts - np.datetime64("2000-01-01")).astype(int)
    finding = checks(subject, halves, {**DAYS, "scale_factor": 0.5})["gaps"]
    assert finding.value == 0
    assert finding.parameters["step_unit"] == "calendar month"


def test_dates_beyond_every_calendar_are_steps_of_numbers(subject):
    finding = checks(subject, np.arange(10) * 1e15, DAYS)["gaps"]
    assert finding.value == 0
    assert finding.parameters["step"] == 1e15


def test_only_index_coordinates_are_looked_at(subject):
    made = subject({"x": (("y",), [3.0, 1.0, 2.0]), "a/y": (("y",), [2.0, 1.0, 0.0], EAST)})
    assert {finding.variable for finding in coordinates(made)} == {"a/y"}
