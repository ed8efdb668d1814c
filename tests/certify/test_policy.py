"""Policies: read strictly, each threshold with its reason; plugins add rules and never change one."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from cdt_core.certify.policy import Policy, core_policy, extended, merged, read_policy
from cdt_core.errors import CertificateError
from cdt_core.model import DIMENSIONS
from cdt_core.policies import policy_in_force
from cdt_core.validators.offers import VALIDATORS

RULE = {"op": "at_most", "value": 1, "dimension": "validity", "why": "because"}


def _policy(**more):
    return json.dumps({"name": "p", "rules": {"x.y": RULE}, **more})


def test_the_cores_policy_has_a_rule_for_every_check_of_its_validators():
    policy = read_policy(core_policy(), "core-1")
    checks = {check for validator in VALIDATORS for check in validator.checks}
    assert checks <= set(policy.rules)
    assert [level.name for level in policy.levels] == ["PUBLICATION_READY", "RESEARCH_GRADE", "EXPLORATORY"]
    assert [level.score for level in policy.levels] == [0.99, 0.95, 0.85]
    assert set(policy.levels[0].demands) == set(DIMENSIONS)
    assert set(policy.levels[1].demands) == {"format", "completeness", "validity"}
    assert all(rule.why for rule in policy.rules.values())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("[]", "JSON object"),
        (_policy(colour="red"), "colour"),
        (json.dumps({"name": "p", "rules": {"x": {**RULE, "op": "near"}}}), "op|near"),
        (json.dumps({"name": "p", "rules": {"x": {**RULE, "dimension": "beauty"}}}), "dimension|beauty"),
        (json.dumps({"name": "p", "rules": {"x": {**RULE, "value": "high"}}}), "value|high"),
        (json.dumps({"name": "p", "rules": {"x": {**RULE, "why": " "}}}), "why"),
        (_policy(levels=[{"name": "A", "score": 2, "demands": ["format"]}]), "score"),
        (_policy(levels=[{"name": "A", "score": 0.5, "demands": ["taste"]}]), "dimensions"),
    ],
)
def test_a_malformed_policy_is_refused_and_named(text, said):
    with pytest.raises(CertificateError, match=rf"(?s)mine.*({said})"):
        read_policy(text, "mine")


def test_additions_never_change_a_rule():
    base = read_policy(core_policy(), "core-1")
    addition = Policy("other", {"core.psnr": base.rules["core.ssim"], "other.check": base.rules["core.ssim"]})
    both = merged(base, [addition])
    assert both.rules["core.psnr"] == base.rules["core.psnr"]
    assert both.rules["other.check"] == base.rules["core.ssim"]
    assert both.additions == ("other",)
    assert both.digest != base.digest


def test_a_policy_of_rules_alone_is_not_one_to_choose():
    offer = SimpleNamespace(name="p", kind="levels", load=lambda: lambda: _policy())
    with pytest.raises(CertificateError, match="'p' only adds rules"):
        policy_in_force(SimpleNamespace(policies=(offer,), policy=lambda name: offer), "p")


def test_a_policy_extends_another():
    base = read_policy(core_policy(), "core-1")
    strict = read_policy(_policy(extends="core-1"), "mine")
    both = extended(strict, base)
    assert both.levels == base.levels
    assert both.rules["x.y"].value == 1
    assert set(base.rules) < set(both.rules)
