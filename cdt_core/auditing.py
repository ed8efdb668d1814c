"""``cdt audit``: an audit log for people, and what was done to it since it was written."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cdt_core.errors import OutputError, ProtocolError

if TYPE_CHECKING:
    from cdt_core.governance import Entry, Head, LogReport

__all__ = ["audit"]

audit = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Verify an audit log, or show what it says.")

Log = Annotated[Path, typer.Argument(metavar="LOG", help="The audit log.", show_default=False)]
Key = Annotated[Path | None, typer.Option(metavar="FILE", help="Public key (PEM) that must have signed.")]
KeptHead = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A head kept elsewhere: nothing that it covers may be gone or changed."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@audit.command()
def verify(log: Log, key: Key = None, head: KeptHead = None, as_json: AsJson = False) -> None:
    """Check every line against the chain, and every head against its signature. Exit code 1 when something is wrong."""
    from cdt_core.governance import read_head, verify_log

    kept = None if head is None else read_head(_text(head), str(head))
    report = verify_log(log, None if key is None else _public_key(key), head=kept)
    if as_json:
        print(json.dumps(_tree(report), indent=2))
    else:
        _print_report(report, kept)
    if not report.ok:
        raise typer.Exit(1)


@audit.command()
def show(
    log: Log,
    last: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Only so many entries, the last ones.", min=1)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the entries, one line each. Nothing is verified by showing it."""
    from collections import deque

    from cdt_core.governance import read_entries

    entries = read_entries(log)
    for entry in entries if last is None else deque(entries, last):
        print(entry.line().decode() if as_json else _sentence(entry))


@audit.command()
def head(
    log: Log,
    key: Key = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write it to this file; the log must go on from a head that is there.",
        ),
    ] = None,
) -> None:
    """Print the last signed head of a log that verifies, to be kept elsewhere. Without --key, of whoever signed the file."""
    from cdt_core.governance import read_head, verify_log

    kept = read_head(_text(output), str(output)) if output is not None and output.exists() else None
    report = verify_log(log, None if key is None else _public_key(key), head=kept)
    if not report.ok or report.head is None:
        raise ProtocolError(f"{log}: no head to keep, since {report.problems[0]}; 'cdt audit verify' says more")
    text = report.head.line().decode() + "\n"
    if key is None:
        print(f"signed by {_whose(report)}", file=sys.stderr)
    if output is None:
        print(text, end="")
        return
    try:
        output.write_text(text, encoding="ascii")
    except OSError as error:
        raise OutputError(f"{output}: the head cannot be written: {error.strerror}") from error
    print(f"written: {output}, the head of {_counted(report.head)}")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise ProtocolError(f"{path}: the head cannot be read: {reason}") from error


def _public_key(path: Path) -> Any:
    from cdt_core.provenance.keys import load_public, public_from_pem

    return public_from_pem(load_public(path), str(path))


def _tree(report: LogReport) -> dict[str, Any]:
    from attrs import asdict

    return {**asdict(report), "path": str(report.path), "ok": report.ok}


def _print_report(report: LogReport, kept: Head | None) -> None:
    for problem in report.problems:
        print(f"{problem.kind}: {_printable(str(problem))}")
    print(f"{report.entries} entries, {report.heads} heads, {report.signed_entries} entries signed without a gap")
    print(_whose(report))
    if report.head is not None and kept is None:
        print("the end of the log was compared with nothing: keep a head elsewhere ('cdt audit head'), and give --head")
    elif kept is not None and report.ok:
        print(f"it goes on from the head kept elsewhere, of {_counted(kept)}")
    print("verified" if report.ok else f"NOT verified: problems: {len(report.problems)}")


def _whose(report: LogReport) -> str:
    said = (
        "the given key" if report.key_is_given else "the key inside; compare it with one that you trust, or give --key"
    )
    return f"key {report.key or 'unknown'} ({said})"


def _counted(head: Head) -> str:
    return f"{head.count} entry" if head.count == 1 else f"{head.count} entries"


def _sentence(entry: Entry) -> str:
    from cdt_core.governance.instants import instant_text

    decision, request = dict(entry.decision), dict(entry.request)
    allowed = decision.pop("allowed", None)
    answer = "allowed" if allowed is True else "refused" if allowed is False else "noted"
    kind = request.pop("kind", "")
    time = instant_text(entry.time, "time", ProtocolError)
    reasons = decision.pop("reasons", None)
    said = [f"{entry.sequence:>6}  {time}  {answer}  {entry.actor}  {kind}".rstrip(), _pairs(request)]
    if isinstance(reasons, list):
        said += [_reason(reason) for reason in reasons]
    return "  ".join(filter(None, map(_printable, said)))


def _pairs(tree: dict[str, Any]) -> str:
    return " ".join(
        f"{key}={value if isinstance(value, str) else json.dumps(value)}"
        for key, value in tree.items()
        if key != "actor"
    )


def _reason(reason: Any) -> str:
    if isinstance(reason, dict):
        return f"[{reason.get('rule', '?')} ({reason.get('path', '?')}): {reason.get('message', '')}]"
    return f"[{reason}]"


def _printable(text: str) -> str:
    """Without what a terminal would obey: others wrote it."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
