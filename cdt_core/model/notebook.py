"""How plans, treatments and certificates show themselves in a notebook: HTML tables in the notebook's own style."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cdt_core.model.certificate import Certificate
    from cdt_core.model.plan import Plan
    from cdt_core.model.treatment import Treatment

__all__ = ["certificate_html", "plan_html", "treatment_html", "verification_html"]

#: Rows of a table that are shown; the rest is counted.
_ROWS = 60


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows[:_ROWS])
    more = f"<p>and {len(rows) - _ROWS} more</p>" if len(rows) > _ROWS else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _list(items: Iterable[str]) -> str:
    found = "".join(f"<li>{escape(item)}</li>" for item in items)
    return f"<ul>{found}</ul>" if found else ""


def plan_html(plan: Plan) -> str:
    """A row per variable: bound, codec, chunks, predicted size."""
    rows = [
        (
            variable.name,
            " × ".join(map(str, variable.shape)),
            variable.dtype,
            variable.bound,
            variable.codec,
            " × ".join(map(str, variable.chunk_shape)),
            f"{variable.predicted_bytes:,}",
            "" if variable.predicted_seconds is None else f"{variable.predicted_seconds:.3g}",
        )
        for variable in plan.variables
    ]
    columns = ("variable", "shape", "dtype", "bound", "codec", "chunks", "predicted bytes", "predicted seconds")
    return f"<p><b>cdt plan</b>, objective {escape(plan.objective)}</p>{_table(columns, rows)}"


def certificate_html(certificate: Certificate) -> str:
    """Level, scores, and what kept a higher level away."""
    rows = [(dimension, f"{score:.3f}") for dimension, score in certificate.scores.items()]
    failed = [finding for finding in certificate.findings if finding.verdict == "fail"]
    checks = [(f.check, f.variable or "dataset", f.value, f.threshold or "", f.message) for f in failed]
    shown = _table(("failed check", "of", "value", "asked", "because"), checks) if checks else ""
    return (
        f"<p><b>{escape(certificate.level.replace('_', ' '))}</b>, score {certificate.score:.3f}</p>"
        f"{_table(('dimension', 'score'), rows)}{_list(certificate.reasons)}{shown}"
    )


def verification_html(verdict: str, checks: Sequence[tuple[bool, str, str]]) -> str:
    """The verdict, and a row per check: whether it holds, its name, and what was found."""
    rows = [("ok" if holds else "FAILED", name, detail) for holds, name, detail in checks]
    return f"<p><b>{escape(verdict)}</b></p>{_table(('', 'check', 'what was found'), rows)}"


def treatment_html(treatment: Treatment) -> str:
    """Headline, a row per variable, and the certificate."""
    rows = [
        (o.name, f"{o.raw_bytes:,}", f"{o.stored_bytes:,}", f"{o.ratio:.2f}", f"{o.max_error:.4g}", o.over_bound)
        for o in treatment.outcomes
    ]
    columns = ("variable", "raw bytes", "stored bytes", "ratio", "largest error", "over bound")
    return (
        f"<p><b>cdt treatment</b> {escape(str(treatment.path))}: {treatment.raw_bytes:,} → {treatment.stored_bytes:,} bytes, "
        f"ratio {treatment.ratio:.2f}</p>{_table(columns, rows)}{certificate_html(treatment.certificate)}"
    )
