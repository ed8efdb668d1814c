"""The in-toto Statement v1 that a certificate signs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cdt_core.certify.evidence import Evidence
from cdt_core.certify.policy import Policy
from cdt_core.certify.score import Grade
from cdt_core.model import Finding
from cdt_core.model.serial import to_tree
from cdt_core.provenance.document import plain
from cdt_core.provenance.merkle import merkle_root

__all__ = ["MERKLE_DIGEST", "PREDICATE_TYPE", "STATEMENT_TYPE", "limits_of", "statement_of"]

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:cdt:treatment:v1"

#: Name of the digest over a folder (:mod:`cdt_core.provenance.merkle`) in a subject's digest set.
MERKLE_DIGEST = "merkleSha256"

_LIMITS = (
    "It does not say that the science is right, or that the values were measured well: accuracy compares what was stored with "
    "what was read, not with nature.",
    "It does not say who signed: the key's holder did, and its identifier must be compared with one that you trust.",
    "It does not say that the data are fit for your purpose; the bounds are those that the person who treated them chose.",
    "It does not say when it was made; a signature has no clock.",
    "It does not cover report.html and ro-crate-metadata.json, which have dates and are not signed.",
)


def statement_of(
    evidence: Evidence, findings: Sequence[Finding], policy: Policy, grade: Grade, scores: dict[str, float]
) -> dict[str, Any]:
    """The statement: subjects by digest, and all that was measured. The same evidence and policy give the same tree."""
    predicate = {
        "engine": {"name": "cdt", "version": evidence.engine_version},
        "plugins": [to_tree(plugin) for plugin in evidence.plugins],
        "inputs": [to_tree(item) for item in evidence.inputs],
        "variables": [_variable(evidence, position) for position in range(len(evidence.outcomes))],
        "policy": {"name": policy.name, "sha256": policy.digest, "additions": list(policy.additions)},
        "findings": [to_tree(finding) for finding in findings],
        "scores": scores,
        "score": grade.score,
        "level": grade.level,
        "reasons": list(grade.reasons),
        "limits": list(limits_of(findings)),
    }
    tree = {
        "_type": STATEMENT_TYPE,
        "subject": [
            {"name": "data.zarr", "digest": {MERKLE_DIGEST: merkle_root(evidence.leaves)}},
            {"name": "plan.json", "digest": {"sha256": evidence.plan_digest}},
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": predicate,
    }
    result: dict[str, Any] = plain(tree)
    return result


def _variable(evidence: Evidence, position: int) -> dict[str, Any]:
    outcome = evidence.outcomes[position]
    spec, plan = evidence.specs[outcome.name], evidence.plan[outcome.name]
    return {
        **to_tree(outcome),
        "dims": list(spec.dims),
        "shape": list(spec.shape),
        "source_dtype": spec.dtype,
        "role": spec.role,
        "units": spec.units,
        "dtype": plan.dtype,
        "form": plan.form,
        "codec": plan.codec,
        "bound": str(plan.bound),
        "applied": str(plan.applied),
        "codec_bound": str(plan.codec_bound),
        "processors": [to_tree(use) for use in plan.processors],
    }


def limits_of(findings: Sequence[Finding]) -> tuple[str, ...]:
    """What the certificate does not say, in general and in this case."""
    special = []
    unassessed = sorted({finding.check for finding in findings if finding.verdict == "not-assessed"})
    if unassessed:
        special.append(f"Not assessed for at least one variable, and never counted as passed: {', '.join(unassessed)}.")
    sampled = sorted({finding.check for finding in findings if finding.sampled < 1})
    if sampled:
        special.append(f"Measured on samples, with the share that was looked at: {', '.join(sampled)}.")
    return (*_LIMITS, *special)
