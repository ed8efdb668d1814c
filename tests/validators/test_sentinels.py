from __future__ import annotations

import numpy as np
import pytest

from cdt_core.model import Packing
from cdt_core.validators.sentinels import Sentinels

CHUNKS = [(6, 80, 90), (2, 40, 45), (1, 80, 90)]


def check(made, chunk=None):
    return made.run(Sentinels, chunk)["core.undeclared_sentinels"]


@pytest.mark.parametrize("chunk", CHUNKS)
def test_planted_codes_are_counted_and_placed(case, smooth, chunk):
    smooth[1, 2, 3] = -9999
    smooth[4, :7, :7] = 9.969209968386869e36
    finding = check(case(smooth, smooth), chunk)
    assert finding.value == 50
    by_count = {entry["count"]: entry["first"] for entry in finding.evidence.values()}
    assert by_count == {1: [1, 2, 3], 49: [4, 0, 0]}


@pytest.mark.parametrize("chunk", CHUNKS)
def test_a_clean_field_passes(case, smooth, chunk):
    assert check(case(smooth, smooth), chunk).value == 0


@pytest.mark.parametrize("chunk", CHUNKS)
def test_a_value_among_others_is_a_value(case, chunk):
    x = np.random.default_rng(0).uniform(-12000, 12000, (6, 80, 90)).astype(np.float32)
    x[0, 0, :3] = -9999, -999, -99999
    x[0, 0, 2] = -999
    assert check(case(x, x), chunk).value == 0


def test_declared_codes_are_not_undeclared(case, smooth):
    smooth[0, 0, 0] = -9999
    assert check(case(smooth, smooth, packing=Packing(missing=(-9999.0,)))).value == 0
    assert check(case(smooth, smooth, attributes={"flag_values": [-9999]})).value == 0


def test_limits_of_an_integer_type(case):
    x = np.random.default_rng(0).integers(0, 500, (50, 50)).astype(np.int16)
    assert check(case(x, x)).value == 0
    x[3, 3] = 32767
    x[4, 4] = -32768
    assert check(case(x, x)).value == 2


def test_a_packed_limit_is_found_on_physical_values(case):
    x = (np.random.default_rng(0).integers(0, 500, (50, 50)) * np.float32(0.5) + np.float32(10)).astype(np.float32)
    x[7, 8] = np.float32(-32768) * np.float32(0.5) + np.float32(10)
    packing = Packing(scale_factor=0.5, add_offset=10.0, dtype="float32")
    finding = check(case(x, x, packing=packing, dtype="int16"))
    assert finding.value == 1
    assert next(iter(finding.evidence.values()))["first"] == [7, 8]


@pytest.mark.parametrize("x", [np.full((5, 5), np.nan), np.zeros((0, 5)), np.array(np.inf)])
def test_is_not_asked_without_a_finite_value(case, x):
    assert case(x, x).run(Sentinels) == {}


def test_is_not_asked_of_bit_fields_whose_values_are_not_listed(case):
    x = np.array([1, 2, 4, 32767] * 9, np.int16)
    assert case(x, x, attributes={"flag_masks": [1, 2, 4]}).run(Sentinels) == {}
    assert check(case(x, x, attributes={"flag_values": [1, 2, 4]})).value == 9


def test_a_variable_of_nothing_but_codes_has_no_other_value_to_stand_apart_from(case):
    x = np.full((4, 4), -9999.0)
    assert check(case(x, x)).value == 0
    scalar = np.array(-999.0)
    assert check(case(scalar, scalar)).value == 0
