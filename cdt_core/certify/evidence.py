"""Everything that a certificate is made from: measured facts, no clock, no machine."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from cdt_core.model import Finding, Plan, VariableOutcome, VariableSpec
from cdt_core.provenance.inputs import InputDigest

__all__ = ["Evidence", "PluginVersion"]


@frozen
class PluginVersion:
    """A plugin that was active."""

    name: str
    distribution: str
    version: str


@frozen(kw_only=True)
class Evidence:
    """What was treated, how, and what was measured.

    ``leaves`` maps each file of ``data.zarr`` to its SHA-256; ``plan_digest`` is the SHA-256 of ``plan.json``.
    """

    findings: tuple[Finding, ...]
    plan: Plan
    outcomes: tuple[VariableOutcome, ...]
    specs: Mapping[str, VariableSpec]
    inputs: tuple[InputDigest, ...]
    leaves: Mapping[str, str]
    plan_digest: str
    engine_version: str
    plugins: tuple[PluginVersion, ...] = field(default=())
