"""The ``cdt`` command, over :mod:`cdt_core.api` only. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cdt_core import __version__
from cdt_core.errors import BoundError, CdtError, OutputError

if TYPE_CHECKING:
    from cdt_core.model import Treatment

__all__ = ["app", "main"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Treat a scientific dataset once, so that it is smaller, certified and shareable.",
)

#: What typer exits with after Ctrl-C: 128 and the number of SIGINT.
_INTERRUPTED = 130

Source = Annotated[list[str], typer.Argument(help="Files, a glob, a folder or a URL.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Workers = Annotated[int | None, typer.Option(help="Number of threads (default: all cores).")]
BoundOption = Annotated[
    str | None,
    typer.Option(
        "--bound", "-b", help="Bound of all data variables: abs:X, rel:X, pw_rel:X, psnr:X, rmse:X or lossless."
    ),
]
VarOption = Annotated[
    list[str] | None,
    typer.Option("--var", help="Bound of the variables that a pattern matches: 'pressure_*=rel:1e-4'."),
]
Objective = Annotated[
    str, typer.Option(help="size, balanced, speed, or fidelity (with a limit: the least error in it).")
]
MaxSize = Annotated[str | None, typer.Option(help="Most bytes that the chunks may take, such as 2GB.")]
MaxSeconds = Annotated[
    float | None,
    typer.Option(
        help="The longest that reading, encoding and checking may take, in processor seconds over the workers."
    ),
]
Process = Annotated[
    list[str] | None,
    typer.Option(help="""Processor for the variables that a pattern matches: 'tas=mask_values:{"codes":[-9999]}'."""),
]


@app.callback(invoke_without_command=True)
def _common(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    context.obj = {"debug": debug}
    if version:
        print(f"cdt {__version__}")
        raise typer.Exit


@app.command()
def treat(
    source: Source,
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to make.", show_default=False)],
    bound: BoundOption = None,
    var: VarOption = None,
    objective: Objective = "balanced",
    max_size: MaxSize = None,
    max_seconds: MaxSeconds = None,
    process: Process = None,
    plan: Annotated[Path | None, typer.Option(help="Replay this plan.json.")] = None,
    workers: Workers = None,
    scheduler: Annotated[str | None, typer.Option(help="Address of a Dask scheduler to run on.")] = None,
    key: Annotated[Path | None, typer.Option(help="Private key (PEM, Ed25519) to sign with.")] = None,
    policy: Annotated[str, typer.Option(help="Thresholds: an installed policy, or a .json file.")] = "core-1",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier treatment.")] = False,
    allow_partial: Annotated[bool, typer.Option("--allow-partial", help="Take what a damaged file has.")] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Compress, check and certify a dataset. Exit code 1 when the result is larger than --max-size asked."""
    from cdt_core import api, console

    with console.progress_shown(quiet or as_json) as progress:
        treatment = api.treat(
            _one(source),
            output,
            bound=_bounds(bound, var),
            plan=plan,
            objective=objective,
            max_size=_size(max_size),
            max_seconds=max_seconds,
            processors=_processors(process) or None,
            workers=workers,
            client=_client(scheduler),
            key=key,
            policy=policy,
            overwrite=overwrite,
            allow_partial=allow_partial,
            progress=progress,
        )
    _show_treatment(treatment, as_json)


@app.command()
def plan(
    source: Source,
    bound: BoundOption = None,
    var: VarOption = None,
    objective: Objective = "balanced",
    max_size: MaxSize = None,
    max_seconds: MaxSeconds = None,
    process: Process = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the plan to this file.")] = None,
    workers: Workers = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show how each variable would be stored."""
    from cdt_core import api, printing
    from cdt_core.console import progress_shown
    from cdt_core.model.serial import to_json

    if output is not None:
        _check_plan_file(output)
    with progress_shown(quiet or as_json) as progress:
        made = api.plan(
            _one(source),
            bound=_bounds(bound, var),
            objective=objective,
            max_size=_size(max_size),
            max_seconds=max_seconds,
            processors=_processors(process) or None,
            workers=workers,
            progress=progress,
        )
    if output is not None:
        try:
            output.write_text(to_json(made.recorded), encoding="utf-8")
        except OSError as error:
            raise OutputError(f"{output}: the plan cannot be written: {error.strerror}") from error
    if as_json:
        sys.stdout.write(to_json(made))
    else:
        printing.print_plan(made)


def _check_plan_file(path: Path) -> None:
    """Refuse a file that is there and is no plan: it would be lost."""
    try:
        if not os.path.lexists(path) or "variables" in json.loads(path.read_bytes()):
            return
    except (OSError, ValueError, TypeError, RecursionError):
        pass
    raise OutputError(f"{path} exists and is no plan; it is not overwritten, choose another name")


@app.command()
def inspect(source: Source, as_json: AsJson = False) -> None:
    """Show what a file holds."""
    from cdt_core import api, printing
    from cdt_core.model.serial import to_tree
    from cdt_core.store.metadata import json_value

    found = api.inspect(_one(source))
    if as_json:
        _print_json(json_value(to_tree(found)))
    else:
        printing.print_inspection(found)


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="What treat made.", show_default=False)],
    original: Annotated[list[str] | None, typer.Option(help="The input, to compare every value with again.")] = None,
    public_key: Annotated[Path | None, typer.Option(help="Public key (PEM) that must have signed.")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Re-check every digest, the signature, every chunk and every bound that can be re-checked."""
    from cdt_core import api, printing
    from cdt_core.console import progress_shown
    from cdt_core.model.serial import to_tree

    with progress_shown(quiet or as_json) as progress:
        before = _one(original) if original else None
        result = api.verify(folder, original=before, public_key=public_key, progress=progress)
    if as_json:
        _print_json({**to_tree(result), "ok": result.ok, "first_failure": result.first_failure})
    else:
        printing.print_verification(result)
    if not result.ok:
        raise typer.Exit(1)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="What treat made.", show_default=False)],
    target: Annotated[Path, typer.Argument(help="A file .nc or a folder .zarr.", show_default=False)],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the target.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write plain NetCDF or plain Zarr, for people without cdt."""
    from cdt_core import api

    written = api.export(folder, target, overwrite=overwrite)
    print(json.dumps({"written": str(written)}) if as_json else f"written: {written}")


@app.command()
def plugins(as_json: AsJson = False) -> None:
    """Show the installed plugins: what each offers, or why it is out."""
    from cdt_core import printing
    from cdt_core.hooks.manager import catalog
    from cdt_core.model.serial import to_tree

    records = catalog().plugins
    if as_json:
        _print_json([to_tree(record) for record in records])
    else:
        printing.print_plugins(records)


@app.command()
def demo(
    source: Annotated[list[str] | None, typer.Argument(help="Data to treat instead of the built-in.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to make.")] = Path("demo-out"),
    bound: BoundOption = "rel:1e-3",
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Treat real data that comes with a dependency (or SOURCE), and say where the report is."""
    from cdt_core import api
    from cdt_core.console import progress_shown
    from cdt_core.demo import DEMO_BOUNDS, demo_dataset

    given: Any = _one(source) if source else demo_dataset()
    bounds = bound if source else DEMO_BOUNDS
    with progress_shown(quiet or as_json) as progress:
        treatment = api.treat(given, output, bound=bounds, overwrite=True, progress=progress)
    _show_treatment(treatment, as_json)


def _show_treatment(treatment: Treatment, as_json: bool) -> None:
    from cdt_core import printing
    from cdt_core.model.serial import to_tree

    if as_json:
        document = to_tree(treatment)
        document["ratio"] = treatment.ratio
        for key in ("statement", "envelope"):
            document["certificate"].pop(key)
        _print_json(document)
    else:
        printing.print_treatment(treatment)
    if treatment.is_over_budget:
        raise typer.Exit(1)


def _print_json(tree: Any) -> None:
    """Strict JSON: NaN and infinities are text, as in the certificate, since other parsers refuse Python's names for them."""
    from cdt_core.provenance.document import plain

    print(json.dumps(plain(tree), indent=2, allow_nan=False))


def _one(source: list[str]) -> str | list[str]:
    return source[0] if len(source) == 1 else source


def _bounds(bound: str | None, var: list[str] | None) -> dict[str, str] | None:
    """Patterns of ``--var`` first, then ``--bound`` for the rest."""
    if bound is None and not var:
        return None
    rules: dict[str, str] = {}
    for rule in var or []:
        pattern, equals, text = rule.rpartition("=")
        if not equals or not pattern:
            raise BoundError(f"--var {rule!r}: write NAME=BOUND, as in 'weight=abs:0.01'")
        rules[pattern] = text
    rules.setdefault("*", "lossless" if bound is None else bound)
    return rules


def _processors(process: list[str] | None) -> dict[str, list[Any]]:
    from cdt_core.model import ProcessorUse

    uses: dict[str, list[Any]] = {}
    for rule in process or []:
        pattern, equals, rest = rule.partition("=")
        name, _, parameters = rest.partition(":")
        try:
            use = ProcessorUse(name, dict(json.loads(parameters)) if parameters else {})
        except (ValueError, TypeError) as error:
            raise CdtError(f"--process {rule!r}: the parameters are no JSON object: {error}") from None
        if not equals or not pattern or not name:
            raise CdtError(f"--process {rule!r}: write NAME=PROCESSOR or NAME=PROCESSOR:JSON")
        uses.setdefault(pattern, []).append(use)
    return uses


def _size(text: str | None) -> int | None:
    if text is None:
        return None
    units = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
    number = text.strip().lower().rstrip("bkmgt")
    unit = text.strip().lower()[len(number) :]
    try:
        size = int(float(number) * units[unit])
    except (ValueError, OverflowError, KeyError):
        size = 0
    if size < 1:
        raise CdtError(f"--max-size {text!r}: write a number of bytes above 0, or 500MB, 2GB")
    return size


def _client(scheduler: str | None) -> Any:
    if scheduler is None:
        return None
    try:
        from distributed import Client
    except ImportError:
        raise CdtError("--scheduler needs the 'distributed' extra: pip install 'cdt[distributed]'") from None
    try:
        return Client(scheduler, timeout=10)
    except (OSError, ValueError) as error:
        raise CdtError(f"--scheduler {scheduler}: no Dask scheduler answers there: {error}") from error


def main() -> None:
    """Run the command line; a :class:`CdtError` is one line on standard error, and exit code 2 (1 for failed checks)."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of any alphabet, on terminals of few
    try:
        app()
    except CdtError as error:
        if "--debug" in sys.argv:
            raise
        if "--json" in sys.argv:
            print(json.dumps({"error": {"kind": type(error).__name__, "message": str(error)}}))
        print(f"cdt: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except Exception as error:  # a fault of ours: one line for the user, the rest on request
        if "--debug" in sys.argv:
            raise
        print(f"cdt: internal error, {type(error).__name__}: {error} (--debug shows where)", file=sys.stderr)
        sys.exit(3)
    except SystemExit as stop:
        if stop.code == _INTERRUPTED:
            print("cdt: interrupted; run the same command again to go on from here", file=sys.stderr)
        raise
