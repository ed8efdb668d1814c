"""Plans and findings are JSON in, JSON out, and typing errors show."""

from __future__ import annotations

import json

import pytest

from cdt_core.errors import PlanError
from cdt_core.model import Bound, Candidate, Finding, Plan, ProcessorUse, VariablePlan
from cdt_core.model.serial import from_tree, to_json, to_tree


def a_plan() -> Plan:
    candidate = Candidate("cdt.bounded", {"level": 3}, "stored", Bound("abs", 0.5), 3.25, 100, True)
    variable = VariablePlan(
        name="g/u",
        dtype="float32",
        shape=(3, 4),
        chunk_shape=(2, 4),
        codec="cdt.bounded",
        parameters={"level": 3},
        bound=Bound.parse("rel:1e-3"),
        applied=Bound("abs", 0.5),
        codec_bound=Bound("abs", 0.5),
        processors=(ProcessorUse("mask_values", {"codes": [-9999]}),),
        candidates=(candidate,),
    )
    return Plan((variable,), objective="size", max_size=12)


def test_a_plan_comes_back_from_its_json():
    plan = a_plan()
    assert from_tree(json.loads(to_json(plan)), Plan, "plan.json", PlanError) == plan


def test_a_typing_error_in_a_plan_is_named():
    tree = to_tree(a_plan())
    tree["objectiv"] = tree.pop("objective")
    with pytest.raises(PlanError, match=r"plan\.json: not a valid plan.*objectiv"):
        from_tree(tree, Plan, "plan.json", PlanError)


def test_a_wrong_type_in_a_plan_is_named():
    tree = to_tree(a_plan())
    tree["variables"][0]["chunk_shape"] = ["two", 4]
    with pytest.raises(PlanError, match="chunk_shape"):
        from_tree(tree, Plan, "plan.json", PlanError)


def test_findings_come_back():
    finding = Finding(check="a.b", dimension="validity", value=1.5, interval=(1.0, 2.0), evidence={"first": [1, 2]})
    assert from_tree(json.loads(to_json(finding)), Finding, "x") == finding
