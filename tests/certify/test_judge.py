"""Verdicts, scores and levels."""

from __future__ import annotations

import json

import pytest

from cdt_core.certify.judge import judge
from cdt_core.certify.policy import read_policy
from cdt_core.certify.score import grade, scores
from cdt_core.model import DIMENSIONS, Finding

ALL = list(DIMENSIONS)


def _policy(**rules):
    levels = [
        {"name": "TOP", "score": 0.99, "demands": ALL},
        {"name": "MIDDLE", "score": 0.9, "demands": ["completeness", "validity"]},
        {"name": "LOW", "score": 0.5, "demands": ["format"]},
    ]
    found = {
        name: {"op": "at_most", "value": 1, "dimension": "validity", "why": "test", **rule}
        for name, rule in rules.items()
    }
    for dimension in ALL:
        found[f"base.{dimension}"] = {"op": "equals", "value": 1, "dimension": dimension, "why": "test"}
    return read_policy(json.dumps({"name": "t", "levels": levels, "rules": found}), "t")


def _base(**values):
    return [Finding(check=f"base.{d}", dimension=d, value=values.get(d, 1)) for d in ALL]


def _finding(check="c", value=0.5, **more):
    return Finding(check=check, dimension="format", value=value, **more)


@pytest.mark.parametrize(
    ("rule", "value", "verdict"),
    [
        ({"op": "at_most", "value": 1}, 1, "pass"),
        ({"op": "at_most", "value": 1}, 1.0000001, "fail"),
        ({"op": "at_least", "value": 1}, 1, "pass"),
        ({"op": "at_least", "value": 1}, 0.999, "fail"),
        ({"op": "equals", "value": 0}, 0, "pass"),
        ({"op": "equals", "value": 0}, 1, "fail"),
        ({"op": "at_least", "value": 40}, "inf", "pass"),
        ({"op": "at_least", "value": 40}, "many", "not-assessed"),
        ({"op": "at_most", "value": 1}, None, "not-assessed"),
        ({"op": "at_most", "value": 1}, float("nan"), "not-assessed"),
        ({"op": "at_most", "value": "bound"}, 0.1, "not-assessed"),
    ],
)
def test_verdicts(rule, value, verdict):
    (judged,) = judge([_finding(value=value)], _policy(c=rule))
    assert judged.verdict == verdict
    assert judged.dimension == "validity"
    assert judged.threshold


@pytest.mark.parametrize(("value", "verdict"), [(0.25, "pass"), (0.26, "fail")])
def test_the_bound_of_the_variable_is_the_limit(value, verdict):
    finding = _finding(value=value, parameters={"bound_value": 0.25})
    (judged,) = judge([finding], _policy(c={"value": "bound"}))
    assert (judged.verdict, judged.threshold) == (verdict, "<= 0.25")


@pytest.mark.parametrize(
    ("op", "interval", "verdict"),
    [
        ("at_most", (0, 2), "fail"),
        ("at_most", (0, 1), "pass"),
        ("at_least", (0.5, 2), "fail"),
        ("at_least", (1, 2), "pass"),
    ],
)
def test_a_sampled_finding_is_judged_by_the_worse_end(op, interval, verdict):
    finding = _finding(value=1, interval=interval, sampled=0.1)
    (judged,) = judge([finding], _policy(c={"op": op}))
    assert judged.verdict == verdict
    assert ("interval" in judged.message) == (verdict == "fail")


def test_an_interval_over_all_values_does_not_judge():
    (judged,) = judge([_finding(value=1, interval=(0, 2))], _policy(c={}))
    assert judged.verdict == "pass"


def test_a_finding_without_a_rule_is_never_a_pass():
    (judged,) = judge([_finding(check="unknown", value=0)], _policy())
    assert (judged.verdict, judged.threshold) == ("not-assessed", None)


def test_judging_again_changes_nothing():
    policy = _policy(c={})
    once = judge([*_base(), _finding(value=3), _finding(value=2, interval=(1, 4), sampled=0.2)], policy)
    assert judge(once, policy) == once


def test_scores_are_shares_of_passed_findings():
    policy = _policy(c={})
    findings = judge([*_base(), *(_finding(value=v) for v in (0, 0, 5, None))], policy)
    assert scores(findings, policy)["validity"] == pytest.approx(3 / 5)
    assert scores(findings, policy)["format"] == 1.0


def test_missing_evidence_lowers_and_never_raises():
    policy = _policy(c={})
    assert grade(judge(_base(), policy), policy).level == "TOP"
    assert grade(judge([f for f in _base() if f.dimension != "accuracy"], policy), policy).level == "MIDDLE"
    assert grade(judge([*_base(), _finding(value=None)], policy), policy).level == "LOW"
    assert grade((), policy).level == "NONE"


@pytest.mark.parametrize("value", [2, None])
def test_a_mandatory_check_cannot_be_averaged_away(value):
    policy = _policy(c={"mandatory": True}, d={})
    findings = judge([*_base(), _finding(value=value), *(_finding(check="d") for _ in range(1000))], policy)
    assert scores(findings, policy)["validity"] == 0.0
    assert grade(findings, policy).level == "LOW"


def test_format_gates_every_level():
    policy = _policy()
    result = grade(judge(_base(format=0), policy), policy)
    assert (result.level, result.score) == ("NONE", 0.0)
    assert "base.format is 0" in result.reasons[0]


def test_a_capped_check_keeps_higher_levels_away():
    policy = _policy(c={"caps": "MIDDLE"}, d={})
    many = [_finding(check="d") for _ in range(1000)]
    result = grade(judge([*_base(), *many, _finding(value=3)], policy), policy)
    assert result.level == "MIDDLE"
    assert "TOP is out of reach" in result.reasons[0]


def test_the_score_is_the_lowest_that_the_level_demands():
    policy = _policy(c={}, a={"dimension": "accuracy"})
    findings = judge(
        [*_base(), *(_finding() for _ in range(18)), _finding(value=9), _finding(check="a", value=9)], policy
    )
    result = grade(findings, policy)
    assert result.level == "MIDDLE"
    assert result.score == pytest.approx(19 / 20)
    assert len(result.reasons) == 2


def test_a_check_without_the_one_it_needs_is_not_assessed():
    policy = _policy(c={"needs": "d"}, d={"op": "equals", "value": 0})
    findings = [
        _finding("c", variable="spoilt"),
        _finding("c", variable="unchanged", evidence={"identical": True}),
        _finding("c", variable="clean"),
        _finding("d", 1, variable="spoilt"),
        _finding("d", 1, variable="unchanged"),
        _finding("d", 0, variable="clean"),
    ]
    spoilt, unchanged, clean, *_ = judge(findings, policy)
    assert (spoilt.verdict, unchanged.verdict, clean.verdict) == ("not-assessed", "pass", "pass")
    assert spoilt.message == "says nothing while d fails"
