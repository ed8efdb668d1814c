"""What the template shows, worked out from the content: rows, cards and groups."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from attrs import asdict

from cdt_core.model import DIMENSIONS, Finding, Treatment, VariableOutcome, VariablePlan, VariableSpec
from cdt_core.report import numbers
from cdt_core.report.content import Preview, ReportContent
from cdt_core.report.figure import histogram, lines
from cdt_core.report.picture import DIVERGING, SEQUENTIAL, css_gradient, data_url

__all__ = ["MAX_PICTURES", "card", "findings_by_dimension", "most_interesting", "plan_row", "row"]

#: Variables that are shown with pictures.
MAX_PICTURES = 24

#: Options of a variable that are shown at once; of more, the chosen one.
_CANDIDATES = 8

_MEANINGS = {
    "format": "Can it be read, and is it what it says?",
    "completeness": "Is anything missing?",
    "consistency": "Do the parts agree with each other?",
    "validity": "Are the values plausible?",
    "accuracy": "What did the treatment change?",
    "reproducibility": "Does doing it again give the same?",
}


def _type(dtype: str) -> str:
    return "text" if dtype == "object" else dtype


def row(content: ReportContent, outcome: VariableOutcome) -> dict[str, Any]:
    """A variable's line in the table."""
    plan, spec = content.treatment.plan[outcome.name], content.specs[outcome.name]
    share = _share_of_bound(plan, outcome)
    return {
        "name": outcome.name,
        "role": spec.role,
        "shape": " × ".join(map(str, spec.shape)) or "scalar",
        "dtype": _type(spec.dtype),
        "units": _units(spec),
        "bound": str(plan.bound),
        "raw": numbers.size(outcome.raw_bytes),
        "raw_bytes": outcome.raw_bytes,
        "stored": numbers.size(outcome.stored_bytes),
        "stored_bytes": outcome.stored_bytes,
        "ratio": numbers.ratio(outcome.ratio),
        "ratio_value": f"{min(outcome.ratio, 1e9):.6g}",
        "kept": min(1.0, outcome.stored_bytes / outcome.raw_bytes) if outcome.raw_bytes else 1.0,
        "max_error": numbers.number(outcome.max_error) if outcome.max_error else "0",
        "max_error_value": repr(outcome.max_error),
        "share": "" if share is None else numbers.percent(share),
        "share_value": 0.0 if share is None else min(1.0, share),
        "over": outcome.over_bound,
    }


def plan_row(content: ReportContent, plan: VariablePlan) -> dict[str, Any]:
    """A variable's line in the table of the plan: what was chosen, and what it was predicted to take beside what it took."""
    treatment = content.treatment
    outcome = next((outcome for outcome in treatment.outcomes if outcome.name == plan.name), None)
    seconds = treatment.variable_seconds.get(plan.name)
    few = len(plan.candidates) <= _CANDIDATES
    return {
        "plan": plan,
        "first": [candidate for candidate in plan.candidates if few or candidate.chosen],
        "others": [] if few else [candidate for candidate in plan.candidates if not candidate.chosen],
        "predicted": numbers.size(plan.predicted_bytes) if plan.predicted_bytes else "–",
        "stored": "–" if outcome is None else numbers.size(outcome.stored_bytes),
        "predicted_seconds": numbers.seconds(plan.predicted_seconds),
        "seconds": numbers.seconds(seconds),
    }


def _units(spec: VariableSpec) -> str:
    return "" if spec.units == "1" else spec.units


def _share_of_bound(plan: VariablePlan, outcome: VariableOutcome) -> float | None:
    if plan.applied.kind == "rmse" or not plan.applied.value:  # no bound of the largest error
        return None
    return outcome.max_error / plan.applied.value


def most_interesting(treatment: Treatment, specs: Mapping[str, VariableSpec]) -> list[VariableOutcome]:
    """What deserves a look: data variables, and coordinates with failed findings; failed ones first, then by size."""
    failed: dict[str, int] = {}
    for finding in treatment.findings:
        if finding.verdict == "fail" and finding.variable:
            failed[finding.variable] = failed.get(finding.variable, 0) + 1
    return sorted(
        (o for o in treatment.outcomes if specs[o.name].role == "data" or o.name in failed),
        key=lambda o: (specs[o.name].role != "data", -failed.get(o.name, 0), -o.raw_bytes),
    )


def card(content: ReportContent, outcome: VariableOutcome, *, with_pictures: bool) -> dict[str, Any]:
    """A variable in detail; pictures and curves only when asked for."""
    plan, spec = content.treatment.plan[outcome.name], content.specs[outcome.name]
    findings = [f for f in content.treatment.findings if f.variable == outcome.name]
    preview = content.previews.get(outcome.name) if with_pictures else None
    if preview is not None and not (np.isfinite(preview.before).any() or np.isfinite(preview.after).any()):
        preview = None  # nothing to show, and no scale to show it on
    profile = content.profiles.get(outcome.name)
    facts = [
        ("long name", str(spec.attributes.get("long_name", spec.attributes.get("standard_name", "")))),
        (
            "stored as",
            f"{plan.codec}, {_type(plan.dtype)}, {plan.form} values, chunks of {' × '.join(map(str, plan.chunk_shape))}",
        ),
        ("bound", f"{plan.bound}" + (f" → {plan.applied}" if plan.applied != plan.bound else "")),
        *(
            []
            if plan.codec_bound.is_lossless
            else [("kept bit-exact", f"{numbers.count(outcome.exact_values)} values")]
        ),
        (
            "chunks",
            f"{numbers.count(outcome.chunks)}, {numbers.count(outcome.fallback_chunks)} of them fell back to lossless",
        ),
    ]
    if profile is not None and profile.minimum is not None:
        facts.append(("range", f"{numbers.number(profile.minimum)} … {numbers.number(profile.maximum)}"))
        facts.append(("mean ± deviation", f"{numbers.number(profile.mean)} ± {numbers.number(profile.std)}"))
        facts.append(("missing", numbers.percent(profile.missing / profile.count) if profile.count else "–"))
    return {
        **row(content, outcome),
        "facts": [(key, value) for key, value in facts if value],
        "note": plan.note,
        "histogram": _error_histogram(findings, plan),
        "pictures": _pictures(preview, _units(spec)) if preview is not None and preview.before.ndim == 2 else None,
        "curves": _curves(preview, _units(spec)) if preview is not None and preview.before.ndim == 1 else None,
        "failed": [finding_row(f) for f in findings if f.verdict == "fail"],
    }


def _error_histogram(findings: list[Finding], plan: VariablePlan) -> dict[str, Any] | None:
    for finding in findings:
        shown = finding.evidence.get("error_histogram") if finding.check in ("core.max_error", "core.rmse") else None
        if isinstance(shown, Mapping) and any(shown.get("counts", ())):
            edges = [float(edge) for edge in shown["edges"]]
            label = f"errors between {numbers.number(edges[0])} and {numbers.number(edges[-1])}"
            return {
                "svg": histogram(edges, list(shown["counts"]), label),
                "low": numbers.number(edges[0]),
                "high": numbers.number(edges[-1]),
                "what": "relative error" if plan.applied.kind == "pw_rel" else "error",
            }
    return None


def _limits(*arrays: np.ndarray[Any, Any]) -> tuple[float, float]:
    known = np.concatenate([array[np.isfinite(array)].reshape(-1) for array in arrays])
    return (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)


def _pictures(preview: Preview, units: str) -> dict[str, Any]:
    low, high = _limits(preview.before, preview.after)
    with np.errstate(invalid="ignore"):
        difference = preview.after - preview.before
    reach = max(map(abs, _limits(difference))) if np.isfinite(difference).any() else 0.0
    shown = [
        ("before", data_url(preview.before, low, high, SEQUENTIAL)),
        ("after", data_url(preview.after, low, high, SEQUENTIAL)),
        ("difference", data_url(difference, -reach or -1.0, reach or 1.0, DIVERGING)),
    ]
    return {
        "shown": shown,
        "label": preview.label,
        "dims": " × ".join(preview.dims),
        "bars": [
            (css_gradient(SEQUENTIAL), numbers.number(low), numbers.number(high), units),
            (css_gradient(DIVERGING), numbers.number(-reach), numbers.number(reach), units),
        ],
    }


def _curves(preview: Preview, units: str) -> dict[str, Any]:
    low, high = _limits(preview.before, preview.after)
    with np.errstate(invalid="ignore"):
        difference = preview.after - preview.before
    reach = max(map(abs, _limits(difference))) if np.isfinite(difference).any() else 0.0
    return {
        "values": lines([("before", preview.before), ("after", preview.after)], "values before and after"),
        "difference": lines([("difference", difference)], "difference") if reach else None,
        "low": numbers.number(low),
        "high": numbers.number(high),
        "reach": numbers.number(reach),
        "units": units,
        "dims": ", ".join(preview.dims),
    }


def finding_row(finding: Finding) -> dict[str, Any]:
    """A finding's line in a table."""
    value = finding.value
    shown = numbers.number(value) if not (isinstance(value, float) and math.isnan(value)) else "NaN"
    interval = ""
    if finding.interval is not None:
        interval = f"{numbers.number(finding.interval[0])} … {numbers.number(finding.interval[1])}"
    details = {key: item for key, item in asdict(finding).items() if key in ("method", "message") and item}
    return {
        "check": finding.check,
        "variable": finding.variable or "dataset",
        "value": shown + (f" {finding.unit}" if finding.unit not in ("1", "", "bool") and value is not None else ""),
        "exact": repr(value),
        "threshold": finding.threshold or "–",
        "interval": interval,
        "sampled": "" if finding.sampled >= 1 else f"sampled {numbers.percent(finding.sampled)}",
        "verdict": finding.verdict,
        "method": "",
        "message": "",
        **details,
    }


def findings_by_dimension(content: ReportContent, most: int) -> list[dict[str, Any]]:
    """Findings in groups; of each at most ``most``, failures first, and what was left out is counted."""
    order = {"fail": 0, "not-assessed": 1, "pass": 2}
    groups = []
    certificate = content.treatment.certificate
    for dimension in DIMENSIONS:
        found = [f for f in content.treatment.findings if f.dimension == dimension]
        found.sort(key=lambda f: (order[f.verdict], f.check, f.variable or ""))
        tally = {verdict: sum(f.verdict == verdict for f in found) for verdict in order}
        groups.append(
            {
                "name": dimension,
                "meaning": _MEANINGS[dimension],
                "score": certificate.scores.get(dimension),
                "tally": tally,
                "rows": [finding_row(f) for f in found[:most]],
                "left_out": max(0, len(found) - most),
            }
        )
    return groups
