"""Policies: which value of which check passes, and what each level demands. Versioned JSON files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from importlib.resources import files
from typing import Any, Literal

from attrs import evolve, field, frozen

from cdt_core.errors import CertificateError
from cdt_core.model.finding import DIMENSIONS, Dimension
from cdt_core.model.serial import from_tree, to_tree
from cdt_core.provenance.document import canonical

__all__ = ["Level", "Policy", "Rule", "core_policy", "extended", "merged", "read_policy"]

_OPERATORS = ("at_most", "at_least", "equals")


@frozen(kw_only=True)
class Rule:
    """What the value of one check must be.

    ``value`` is a number, or ``"bound"`` for the bound of the variable (the finding's ``parameters["bound_value"]``).
    ``mandatory`` checks cannot be averaged away: one that does not pass makes its dimension's score 0. ``caps`` names the
    best level that remains when the check does not pass. ``needs`` names a check without whose pass, on the same variable,
    the value means nothing: it is then not assessed, unless nothing of the variable changed. ``why`` says where the threshold
    comes from.
    """

    op: Literal["at_most", "at_least", "equals"]
    value: float | int | Literal["bound"]
    dimension: Dimension
    why: str
    mandatory: bool = False
    caps: str | None = None
    needs: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.op not in _OPERATORS:
            raise CertificateError(f"op {self.op!r} is none of {', '.join(_OPERATORS)}")
        if self.dimension not in DIMENSIONS:
            raise CertificateError(f"dimension {self.dimension!r} is none of {', '.join(DIMENSIONS)}")
        if self.value != "bound" and (isinstance(self.value, bool) or not isinstance(self.value, float | int)):
            raise CertificateError(f"value {self.value!r} is neither a number nor 'bound'")
        if not self.why.strip():
            raise CertificateError("'why' is empty: a threshold without a reason is not accepted")


@frozen
class Level:
    """A level: the score that each of the dimensions in ``demands`` must reach."""

    name: str
    score: float
    demands: tuple[str, ...]


@frozen(slots=False)
class Policy:
    """Rules by check, and levels from the highest to the lowest.

    A policy without levels only adds rules, for the checks of its plugin.
    """

    name: str
    rules: Mapping[str, Rule]
    levels: tuple[Level, ...] = ()
    description: str = ""
    extends: str | None = None
    additions: tuple[str, ...] = field(default=())

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the policy's canonical JSON, in hexadecimal."""
        return hashlib.sha256(canonical(to_tree(self))).hexdigest()


def read_policy(text: str, where: str) -> Policy:
    """A policy from its JSON text.

    Raises
    ------
    CertificateError
        Not JSON, an unknown field, operator, dimension or level, or a rule without a reason; names ``where``.
    """
    try:
        tree = json.loads(text)
    except ValueError as error:
        raise CertificateError(f"{where}: not JSON: {error}") from error
    if not isinstance(tree, Mapping):
        raise CertificateError(f"{where}: a policy is a JSON object")
    try:
        policy = from_tree(tree, Policy, where, CertificateError)
    except CertificateError as error:
        message = str(error)
        raise CertificateError(message if message.startswith(where) else f"{where}: {message}") from error
    known = {level.name for level in policy.levels}
    for level in policy.levels:
        unknown = set(level.demands) - set(DIMENSIONS)
        if unknown or not 0 < level.score <= 1:
            raise CertificateError(f"{where}: level {level.name!r}: a score in (0, 1] and dimensions of {DIMENSIONS}")
    for check, rule in policy.rules.items():
        if known and rule.caps is not None and rule.caps not in known:
            raise CertificateError(f"{where}: rule {check!r} caps at {rule.caps!r}, which is no level of this policy")
    return policy


def core_policy() -> str:
    """The JSON text of the core's policy."""
    return files("cdt_core.certify").joinpath("policies", "core-1.json").read_text(encoding="utf-8")


def merged(base: Policy, additions: Iterable[Policy]) -> Policy:
    """``base`` with the rules of ``additions`` for checks that it has no rule for: plugins add, and never change, rules."""
    rules: dict[str, Any] = dict(base.rules)
    names = []
    for addition in additions:
        new = {check: rule for check, rule in addition.rules.items() if check not in rules}
        if new:
            rules.update(new)
            names.append(addition.name)
    return evolve(base, rules=dict(sorted(rules.items())), additions=tuple(names))


def extended(policy: Policy, base: Policy) -> Policy:
    """A policy that ``extends`` another: its own rules and levels first, the base's for the rest."""
    rules = {**base.rules, **policy.rules}
    return evolve(policy, rules=dict(sorted(rules.items())), levels=policy.levels or base.levels)
