"""Render a report, and keep it under its size."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

import jinja2

from cdt_core.report import numbers
from cdt_core.report.content import ReportContent
from cdt_core.report.view import MAX_PICTURES, card, findings_by_dimension, most_interesting, plan_row, row

__all__ = ["MAX_BYTES", "render"]

#: No report is larger.
MAX_BYTES = 2_000_000

#: What is shown, from most to least: (cards, of them with pictures, findings per dimension, rows of variables).
_SCALES = (
    (60, MAX_PICTURES, 400, 5000),
    (60, 10, 300, 5000),
    (40, 4, 200, 3000),
    (24, 0, 100, 2000),
    (8, 0, 40, 500),
    (0, 0, 10, 50),
)


def render(content: ReportContent) -> str:
    """The report as one HTML text of at most 2,000,000 bytes: pictures go first when it would be more, then detail."""
    text = ""
    for scale in _SCALES:
        text = _rendered(content, scale)
        if len(text.encode()) <= MAX_BYTES:
            return text
    raise AssertionError("the smallest report is bounded by its own limits")


def _rendered(content: ReportContent, scale: tuple[int, int, int, int]) -> str:
    cards, pictures, findings, rows = scale
    treatment = content.treatment
    interesting = most_interesting(treatment, content.specs)
    worst = max((o for o in treatment.outcomes), key=lambda o: _share(content, o.name, o.max_error), default=None)
    return _template().render(
        content=content,
        certificate=treatment.certificate,
        treatment=treatment,
        attributes=[(str(key), f"{value!s:.400}") for key, value in list(content.attributes.items())[:80]],
        rows=[row(content, outcome) for outcome in treatment.outcomes[:rows]],
        rows_left_out=max(0, len(treatment.outcomes) - rows),
        cards=[card(content, o, with_pictures=n < pictures) for n, o in enumerate(interesting[:cards])],
        cards_left_out=max(0, len(interesting) - cards),
        dimensions=findings_by_dimension(content, findings),
        plans=[plan_row(content, variable) for variable in treatment.plan.variables[: min(rows, 500)]],
        spent=sum(treatment.variable_seconds.values()) or None,
        worst_share=_share(content, worst.name, worst.max_error) if worst is not None else 0.0,
        worst_name=worst.name if worst is not None else "",
        over=sum(outcome.over_bound for outcome in treatment.outcomes),
        style=_text("style.css"),
        script=_text("script.js"),
    )


def _share(content: ReportContent, name: str, error: float) -> float:
    applied = content.treatment.plan[name].applied
    return error / applied.value if applied.value and applied.kind != "rmse" else 0.0


def _text(name: str) -> str:
    return files("cdt_core.report").joinpath(name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    loader = jinja2.FunctionLoader(_text)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    filters: dict[str, Any] = {
        "number": numbers.number,
        "size": numbers.size,
        "ratio": numbers.ratio,
        "percent": numbers.percent,
        "count": numbers.count,
        "seconds": numbers.seconds,
        "bound": numbers.bound,
        "moment": numbers.moment,
    }
    environment.filters.update(filters)
    return environment.get_template("template.html")
