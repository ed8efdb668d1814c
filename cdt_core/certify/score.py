"""Scores and level.

The score of a dimension is the share of its findings under a rule that passed: ``passed / (passed + failed + not-assessed)``.
It is 0 when a mandatory check did not pass or when nothing was measured. A level is reached when the lowest score of the
dimensions that it demands reaches the level's own; a check with ``caps`` that did not pass keeps every higher level away.
Every level demands ``format``: integrity gates everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from cdt_core.certify.policy import Level, Policy
from cdt_core.model import DIMENSIONS, Finding

__all__ = ["NO_LEVEL", "Grade", "grade", "scores"]

NO_LEVEL = "NONE"

#: Findings that are named as the reason why a dimension's score is low; the rest is counted.
_NAMED = 4


@frozen
class Grade:
    """The level, its score, and what kept the next level away."""

    level: str
    score: float
    reasons: tuple[str, ...]


def scores(findings: Sequence[Finding], policy: Policy) -> dict[str, float]:
    """Score in [0, 1] of each dimension, from judged findings."""
    return {dimension: _score(_ruled(findings, policy, dimension), policy) for dimension in DIMENSIONS}


def _ruled(findings: Sequence[Finding], policy: Policy, dimension: str) -> list[Finding]:
    return [finding for finding in findings if finding.dimension == dimension and finding.check in policy.rules]


def _score(findings: Sequence[Finding], policy: Policy) -> float:
    if not findings or any(f.verdict != "pass" and policy.rules[f.check].mandatory for f in findings):
        return 0.0
    return sum(finding.verdict == "pass" for finding in findings) / len(findings)


def grade(findings: Sequence[Finding], policy: Policy) -> Grade:
    """The highest level that the judged findings reach."""
    found = scores(findings, policy)
    reasons: tuple[str, ...] = ()
    for level in policy.levels:
        missing = _missing(level, found, findings, policy)
        if not missing:
            return Grade(level.name, _lowest(level, found), reasons)
        reasons = tuple(missing)
    return Grade(NO_LEVEL, _lowest(policy.levels[-1], found) if policy.levels else 0.0, reasons)


def _lowest(level: Level, found: Mapping[str, float]) -> float:
    return min((found[dimension] for dimension in _demanded(level)), default=0.0)


def _demanded(level: Level) -> list[str]:
    return [dimension for dimension in DIMENSIONS if dimension == "format" or dimension in level.demands]


def _missing(level: Level, found: Mapping[str, float], findings: Sequence[Finding], policy: Policy) -> list[str]:
    """What keeps ``level`` away; empty when it is reached."""
    reasons = []
    for dimension in _demanded(level):
        if found[dimension] < level.score:
            because = _because(_ruled(findings, policy, dimension))
            reasons.append(
                f"{level.name} demands {dimension} >= {level.score:g}, and it is {found[dimension]:.3f}: {because}"
            )
    order = [known.name for known in policy.levels]
    for finding in findings:
        rule = policy.rules.get(finding.check)
        if rule is None or rule.caps is None or finding.verdict == "pass":
            continue
        if rule.caps in order and order.index(level.name) < order.index(rule.caps):
            reasons.append(f"{level.name} is out of reach: {_named(finding)} ({rule.why})")
    return reasons


def _because(findings: Sequence[Finding]) -> str:
    if not findings:
        return "nothing was measured"
    short = [finding for finding in findings if finding.verdict != "pass"]
    more = f", and {len(short) - _NAMED} more" if len(short) > _NAMED else ""
    return "; ".join(map(_named, sorted(short, key=lambda f: f.verdict != "fail")[:_NAMED])) + more


def _named(finding: Finding) -> str:
    where = f" of {finding.variable}" if finding.variable else ""
    if finding.verdict == "not-assessed":
        return f"{finding.check}{where} was not assessed"
    value = f"{finding.value:.7g}" if isinstance(finding.value, float) else str(finding.value)
    if finding.interval is not None and finding.sampled < 1:
        value += f" (95 % interval {finding.interval[0]:.3g} to {finding.interval[1]:.3g})"
    return f"{finding.check}{where} is {value}" + (f", asked {finding.threshold}" if finding.threshold else "")
