"""What the commands print for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cdt_core.console import seconds_text, size_text

if TYPE_CHECKING:
    from cdt_core.hooks.manager import PluginRecord
    from cdt_core.inspecting import Inspection
    from cdt_core.model import Plan, Treatment
    from cdt_core.verification.result import VerifyResult

__all__ = ["print_inspection", "print_plan", "print_plugins", "print_treatment", "print_verification"]

#: Rows of a table of variables that are shown; the rest is counted.
_ROWS = 40


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], numeric: Sequence[int] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for position, column in enumerate(columns):
        table.add_column(column, justify="right" if position in numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    return table


def _shape(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "scalar"


def _type(dtype: str) -> str:
    return "text" if dtype == "object" else dtype


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _print(*parts: object) -> None:
    """Print each part; where nobody looks at a terminal, sentences stay whole lines, so that they can be searched."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 120
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, str) and not console.is_terminal)


def print_treatment(treatment: Treatment) -> None:
    """Headline, a row per variable, the certificate, and where the report is."""
    plans = {plan.name: plan for plan in treatment.plan.variables}
    shown = treatment.outcomes[:_ROWS]
    rows = [
        (
            outcome.name,
            str(plans[outcome.name].bound),
            size_text(outcome.raw_bytes),
            size_text(outcome.stored_bytes),
            f"{outcome.ratio:.2f}",
            f"{outcome.max_error:.3g}" if outcome.max_error else "0",
            str(outcome.over_bound),
        )
        for outcome in shown
    ]
    columns = ("variable", "bound", "raw", "stored", "ratio", "max error", "over bound")
    certificate = treatment.certificate
    _print(
        _table(columns, rows, numeric=range(2, 7)),
        *([f"... and {len(treatment.outcomes) - _ROWS} more variables"] if len(treatment.outcomes) > _ROWS else []),
        "",
        f"[bold]{size_text(treatment.raw_bytes)} -> {size_text(treatment.stored_bytes)}, ratio {treatment.ratio:.2f}[/]"
        f" in {treatment.seconds:.1f} s",
        *_prediction_lines(treatment),
        *_budget_lines(treatment),
        f"certificate: [bold]{certificate.level}[/], score {certificate.score:.3f}",
        *(f"  {escape(reason)}" for reason in certificate.reasons[:3]),
        *_code_lines(treatment),
        f"report: {escape(str(treatment.path / 'report.html'))}",
    )


def _prediction_lines(treatment: Treatment) -> list[str]:
    """What the plan foretold of the chunks, beside what they took; nothing for a plan without trials."""
    plan, spent = treatment.plan, sum(treatment.variable_seconds.values())
    if not plan.predicted_bytes or plan.predicted_seconds is None:
        return []
    return [
        f"predicted: {size_text(plan.predicted_bytes)} in {seconds_text(plan.predicted_seconds)} on all workers; measured: "
        f"{size_text(treatment.stored_bytes)} in {seconds_text(spent)}"
    ]


def _budget_lines(treatment: Treatment) -> list[str]:
    """What is said when the chunks took more than was asked for: the plan had only samples to go by."""
    if not treatment.is_over_budget:
        return []
    most = treatment.plan.max_size
    return [f"[bold red]over the size asked for[/]: {treatment.stored_bytes} bytes of chunks, and {most} were the most"]


def _code_lines(treatment: Treatment) -> list[str]:
    """Variables whose bound is by a range with codes for 'no value' in it, which may be far too loose."""
    relative = {plan.name for plan in treatment.plan.variables if plan.bound.kind in ("rel", "psnr")}
    stretched = [
        str(finding.variable)
        for finding in treatment.findings
        if finding.check == "core.undeclared_sentinels" and finding.verdict == "fail" and finding.variable in relative
    ]
    if not stretched:
        return []
    return [
        f"[bold red]beware[/]: the range of {escape(', '.join(stretched))} may include codes for 'no value' that no attribute "
        "declares, and rel and psnr are by that range; compare the largest error, declare the codes or take abs"
    ]


def print_plan(plan: Plan) -> None:
    """A row per variable: codec, form, chunks, predicted size."""
    rows = [
        (
            variable.name,
            _shape(variable.shape),
            _type(variable.dtype),
            str(variable.bound),
            " ".join([variable.codec, *map(str, variable.parameters.values())]),
            variable.form,
            _shape(variable.chunk_shape),
            size_text(variable.predicted_bytes),
            seconds_text(variable.predicted_seconds),
        )
        for variable in plan.variables[:_ROWS]
    ]
    columns = ("variable", "shape", "dtype", "bound", "codec", "form", "chunks", "predicted", "time")
    _print(
        _table(columns, rows, numeric=(7, 8)),
        *([f"... and {len(plan.variables) - _ROWS} more variables"] if len(plan.variables) > _ROWS else []),
        f"[bold]predicted: {size_text(plan.predicted_bytes)}[/]"
        + (f" in {seconds_text(plan.predicted_seconds)} on all workers" if plan.predicted_seconds is not None else ""),
        *_choice_lines(plan),
    )


def _choice_lines(plan: Plan) -> list[str]:
    """How the options were chosen together, where a limit made that a question."""
    choice = plan.choice
    if choice is None or not choice.steps:
        return []
    share = 1 - choice.cost / choice.greedy_cost if choice.greedy_cost else 0.0
    less = f", at {share:.2%} less cost than greedy" if share >= 5e-5 else ""
    proved = ", proved to be the best" if choice.is_proved else ""
    timed = "; measured speeds decided, another run may choose otherwise" if choice.is_timed else ""
    return [f"chosen by {choice.method}{less}{proved}{timed}"]


def print_inspection(found: Inspection) -> None:
    """A row per variable, and the dataset's attributes."""
    rows = [
        (
            spec.name,
            spec.role,
            ", ".join(spec.dims),
            _shape(spec.shape),
            _type(spec.dtype) + (f" -> {spec.packing.dtype}" if spec.packing.is_packed else ""),
            spec.units,
        )
        for spec in found.variables[:_ROWS]
    ]
    attributes = [f"  {key}: {value!s:.100}" for key, value in found.attributes.get("", {}).items()]
    _print(
        f"[bold]{escape(found.source)}[/]: {_counted(len(found.variables), 'variable')}, {size_text(found.bytes)}",
        _table(("variable", "role", "dims", "shape", "dtype", "units"), rows),
        *([f"... and {len(found.variables) - _ROWS} more variables"] if len(found.variables) > _ROWS else []),
        *(escape(line) for line in attributes),
    )


def print_verification(result: VerifyResult) -> None:
    """A line per check, and the verdict."""
    for check in result.checks:
        mark = "[green]ok  [/]" if check.ok else "[red]FAIL[/]"
        _print(f"{mark} {escape(check.name)}: {escape(check.detail)}")
    verdict = "[bold green]verified[/]" if result.ok else f"[bold red]not verified[/]: {escape(result.first_failure)}"
    signer = f"signed by {escape(result.key_id[:16])}" if result.key_id else "no signature holds"
    _print(f"{verdict} ({result.level}, {signer})")


def print_plugins(records: Sequence[PluginRecord]) -> None:
    """A row per plugin: what it offers, or why it is out."""
    rows = [
        (
            record.name,
            f"{record.distribution} {record.version}".strip(),
            record.status,
            record.reason or "; ".join(f"{kind}: {', '.join(names)}" for kind, names in record.offers.items() if names),
        )
        for record in records
    ]
    _print(_table(("plugin", "distribution", "status", "offers, or why it is out"), rows))
