from __future__ import annotations

import numpy as np
import pytest

from cdt_core.model import Packing
from cdt_core.validators.valid_range import ValidRange


@pytest.mark.parametrize("chunk", [(6, 80, 90), (2, 40, 45)])
def test_values_outside_are_counted_and_placed(case, smooth, chunk):
    smooth[3, 1, 1] = 500
    smooth[4, 0, 0] = -500
    made = case(smooth, np.clip(smooth, 0, 400), attributes={"valid_min": 200.0, "valid_max": np.float32(400)})
    finding = made.run(ValidRange, chunk)["core.valid_range"]
    assert finding.value == 2
    assert finding.evidence == {"first": [3, 1, 1], "treated_outside": 1}


def test_a_range_that_holds_passes(case, smooth):
    made = case(smooth, smooth, attributes={"valid_range": np.array([200.0, 400.0])})
    assert made.run(ValidRange)["core.valid_range"].value == 0


def test_nothing_is_said_where_nothing_is_declared(case, smooth):
    assert case(smooth, smooth).run(ValidRange) == {}


def test_integer_limits_of_packed_values_are_packed(case):
    x = np.array([10.0, 60.0, 61.0], np.float32)
    packing = Packing(scale_factor=0.5, add_offset=10.0, dtype="float32")
    made = case(x, x, attributes={"valid_range": np.array([0, 100], np.int16)}, packing=packing, dtype="int16")
    assert made.run(ValidRange)["core.valid_range"].value == 1


def test_limits_are_taken_in_the_type_of_the_values(case):
    x = np.array([0.1, 0.2], np.float32)
    made = case(x, x, attributes={"valid_min": 0.1, "valid_max": 0.2})
    assert made.run(ValidRange)["core.valid_range"].value == 0


@pytest.mark.parametrize("x", [np.full((5, 5), np.nan), np.zeros((0, 5)), np.array(-np.inf)])
def test_is_not_asked_without_a_finite_value(case, x):
    assert case(x, x, attributes={"valid_min": 0.0}).run(ValidRange) == {}


def test_missing_codes_may_lie_outside(case):
    x = np.array([[1, 2, -99], [3, -99, 12]], np.int16)
    made = case(x, x, attributes={"valid_min": np.int16(0), "valid_max": np.int16(10)}, packing=Packing(missing=(-99,)))
    finding = made.run(ValidRange, (1, 3))["core.valid_range"]
    assert finding.value == 1
    assert finding.evidence["first"] == [1, 2]


@pytest.mark.parametrize(("key", "outside"), [("valid_min", 1), ("valid_max", 2)])
def test_one_limit_alone_is_a_range(case, key, outside):
    x = np.array([1.0, 5.0, 9.0, 9.5])
    finding = case(x, x, attributes={key: 5.0}).run(ValidRange)["core.valid_range"]
    assert finding.value == outside


def test_a_limit_that_is_no_number_declares_nothing(case):
    x = np.array([1.0, 5.0])
    assert case(x, x, attributes={"valid_min": "low"}).run(ValidRange) == {}
