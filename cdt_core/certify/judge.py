"""Verdicts: each finding against its rule."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from cdt_core.certify.policy import Policy, Rule
from cdt_core.model import Finding
from cdt_core.model.finding import Verdict

__all__ = ["judge"]

_SIGNS = {"at_most": "<=", "at_least": ">=", "equals": "="}


def judge(findings: Iterable[Finding], policy: Policy) -> tuple[Finding, ...]:
    """The findings with dimension, threshold and verdict by the policy.

    A sampled finding is judged by the worse end of its confidence interval. A finding without a value, without a rule, or
    whose value is not a number stays ``not-assessed``; a verdict that the validator set itself stays. A verdict on a changed
    variable is withdrawn when the check that its rule needs failed there.
    """
    judged = tuple(_judged(finding, policy.rules.get(finding.check)) for finding in findings)
    failed = {(finding.check, finding.variable) for finding in judged if finding.verdict == "fail"}
    return tuple(_founded(finding, policy.rules.get(finding.check), failed) for finding in judged)


def _founded(finding: Finding, rule: Rule | None, failed: set[tuple[str, str | None]]) -> Finding:
    if rule is None or (rule.needs, finding.variable) not in failed or finding.evidence.get("identical"):
        return finding
    message = f"says nothing while {rule.needs} fails"
    return evolve(finding, verdict="not-assessed", message="; ".join(filter(None, (finding.message, message))))


def _judged(finding: Finding, rule: Rule | None) -> Finding:
    if rule is None:
        return finding
    limit = _limit(finding, rule)
    finding = evolve(
        finding,
        dimension=rule.dimension,
        threshold=f"{_SIGNS[rule.op]} {rule.value if limit is None else _text(limit)}",
    )
    if finding.verdict != "not-assessed":
        return finding
    value = _number(finding, rule)
    if value is None or limit is None:
        return finding
    verdict = _verdict(value, limit, rule)
    if verdict == "fail" and value != finding.value:
        message = f"the 95 % interval of the sampled value reaches {_text(value)}"
        return evolve(finding, verdict=verdict, message="; ".join(filter(None, (finding.message, message))))
    return evolve(finding, verdict=verdict)


def _verdict(value: float | int, limit: float | int, rule: Rule) -> Verdict:
    holds = {"at_most": value <= limit, "at_least": value >= limit, "equals": value == limit}[rule.op]
    return "pass" if holds else "fail"


def _limit(finding: Finding, rule: Rule) -> float | int | None:
    if rule.value != "bound":
        return rule.value
    limit = finding.parameters.get("bound_value")
    return limit if isinstance(limit, float | int) else None


def _number(finding: Finding, rule: Rule) -> float | int | None:
    """The value to judge: the worse end of the interval of a sampled one."""
    value = finding.value
    if finding.interval is not None and finding.sampled < 1:
        if rule.op == "at_most":
            value = finding.interval[1]
        elif rule.op == "at_least":
            value = finding.interval[0]
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    return value if isinstance(value, float | int) and value == value else None


def _text(number: float | int) -> str:
    return f"{number:.6g}" if isinstance(number, float) else str(number)
