"""A bound is read strictly, and rules give each variable exactly one."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import BoundError
from cdt_core.model import Bound, BoundRules

positive = st.floats(min_value=5e-324, max_value=1e308)


@given(st.sampled_from(["abs", "rel", "pw_rel"]), positive)
def test_text_of_a_bound_reads_back_as_the_same_bound(kind, value):
    bound = Bound(kind, value)
    assert Bound.parse(str(bound)) == bound


@pytest.mark.parametrize(
    "text",
    ["", "abs", "abs:", "abs:x", "abs:-1", "abs:0", "abs:nan", "rel:inf", "lossless:1", "snr:3", "psnr:0", "Abs:1"],
)
def test_senseless_bounds_are_refused_with_the_text_that_was_given(text):
    with pytest.raises(BoundError) as caught:
        Bound.parse(text)
    assert repr(text) in str(caught.value)


def test_a_number_alone_is_refused():
    with pytest.raises(BoundError, match=r"not float 0\.5"):
        Bound.parse(0.5)  # type: ignore[arg-type]


def test_rel_becomes_abs_by_the_range():
    assert Bound.parse("rel:0.25").applied(-2.0, 6.0) == Bound("abs", 2.0)


@pytest.mark.parametrize("target", [0.5, 20.0, 60.0, 137.0])
def test_psnr_becomes_an_abs_that_reaches_it_whatever_the_errors(target):
    applied = Bound("psnr", target).applied(-2.0, 6.0)
    assert applied.kind == "abs"
    assert target <= 20 * math.log10(8.0 / applied.value) <= target + 1e-9


def test_rel_and_psnr_on_a_constant_are_lossless():
    assert Bound.parse("psnr:60").applied(3.0, 3.0).is_lossless
    assert Bound.parse("rel:0.25").applied(3.0, 3.0).is_lossless


def test_rel_without_a_finite_value_is_refused():
    with pytest.raises(BoundError, match="no finite value"):
        Bound.parse("rel:0.1").applied(None, None)


def test_rel_over_a_range_that_overflows_is_refused():
    with pytest.raises(BoundError, match="overflows"):
        Bound.parse("rel:0.9").applied(-1.7e308, 1.7e308)


def test_the_first_matching_pattern_decides():
    rules = BoundRules.parse({"u*": "abs:1", "uv": "abs:2", "*": "rel:0.1"})
    assert [str(rules.bound_for(name)) for name in ("uv", "x")] == ["abs:1.0", "rel:0.1"]


def test_a_variable_that_no_pattern_matches_is_lossless():
    assert BoundRules.parse({"u": "abs:1"}).bound_for("v").is_lossless


def test_a_pattern_that_matches_nothing_is_refused_and_the_variables_are_named():
    with pytest.raises(BoundError, match=r"'tmep=abs:1.0' matches no variable; the variables are: temp, u"):
        BoundRules.parse({"tmep": "abs:1"}).check_used(["temp", "u"])


def test_promises_for_all_values_are_kept_as_rmse_where_a_codec_knows_it():
    assert Bound("rmse", 0.5).as_rmse(None, None) == Bound("rmse", 0.5)
    assert Bound("psnr", 40).as_rmse(-1, 3).kind == "rmse"
    assert 0.0399999 < Bound("psnr", 40).as_rmse(-1, 3).value <= 0.04
    assert Bound("psnr", 40).as_rmse(2, 2).is_lossless
    for kind in ("abs", "rel", "pw_rel"):
        with pytest.raises(BoundError, match="for each value"):
            Bound(kind, 0.1).as_rmse(0, 1)


def test_rmse_is_kept_as_abs_without_a_range():
    assert str(Bound.parse("rmse:0.5")) == "rmse:0.5"
    for low, high in ((None, None), (3.0, 3.0), (-1e300, 1e300)):
        applied = Bound("rmse", 0.5).applied(low, high)
        assert applied.kind == "abs"
        assert 0.5 * (1 - 1e-9) < applied.value < 0.5
