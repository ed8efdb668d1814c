"""The ``cdt`` command, over :mod:`cdt_core.api` only. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cdt_core import __version__, arguments
from cdt_core.auditing import audit
from cdt_core.errors import CdtError, OutputError

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

app.add_typer(audit, name="audit")

#: What typer exits with after Ctrl-C: 128 and the number of SIGINT.
_INTERRUPTED = 130

Source = Annotated[
    list[str], typer.Argument(help="Files, a glob, a folder or a URL.", metavar="SOURCE", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Workers = Annotated[int | None, typer.Option(metavar="NUMBER", help="Number of threads (default: all cores).")]
_BOUND = "Bound of all data variables: abs:X, rel:X, pw_rel:X, psnr:X, rmse:X or lossless."
BoundOption = Annotated[
    str | None, typer.Option("--bound", "-b", metavar="BOUND", help=_BOUND, show_default="lossless")
]
VarOption = Annotated[
    list[str] | None,
    typer.Option(
        "--var",
        metavar="NAME=BOUND",
        help="Bound of the variables that a pattern matches, as 'pressure_*=rel:1e-4'; may be given again.",
    ),
]
Objective = Annotated[
    str,
    typer.Option(metavar="OBJECTIVE", help="size, balanced, speed, or fidelity (with a limit: the least error in it)."),
]
MaxSize = Annotated[str | None, typer.Option(metavar="SIZE", help="Most bytes that the chunks may take, such as 2GB.")]
MaxSeconds = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="The longest that reading, encoding and checking may take: processor time divided by the number of workers.",
    ),
]
Target = Annotated[
    Path, typer.Option("--output", "-o", metavar="FOLDER", help="The folder to make.", show_default=False)
]
Replay = Annotated[Path | None, typer.Option(metavar="FILE", help="Replay this plan.json.")]
Scheduler = Annotated[str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler to run on.")]
Key = Annotated[Path | None, typer.Option(metavar="FILE", help="Private key (PEM, Ed25519) to sign with.")]
Thresholds = Annotated[str, typer.Option(metavar="POLICY", help="Thresholds: an installed policy, or a .json file.")]
Process = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=PROCESSOR",
        help="Processor for the variables that a pattern matches, as "
        """'tas=mask_values:{"codes":[-9999]}'; may be given again.""",
    ),
]
KeepMetrics = Annotated[
    bool,
    typer.Option(
        "--keep-metrics",
        help="Keep every variable's metrics: checks that pass on sampled blocks must pass there once those are decoded.",
    ),
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
    output: Target,
    bound: BoundOption = None,
    var: VarOption = None,
    objective: Objective = "balanced",
    max_size: MaxSize = None,
    max_seconds: MaxSeconds = None,
    process: Process = None,
    keep_metrics: KeepMetrics = False,
    plan: Replay = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    key: Key = None,
    policy: Thresholds = "core-1",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier treatment.")] = False,
    allow_partial: Annotated[bool, typer.Option("--allow-partial", help="Take what a damaged file has.")] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Compress, check and certify a dataset. Exit code 1 when the chunks take more than --max-size."""
    from cdt_core import api, console

    with console.progress_shown(quiet or as_json) as progress:
        treatment = api.treat(
            arguments.one(source),
            output,
            bound=arguments.bounds(bound, var),
            plan=plan,
            objective=objective,
            **arguments.constraints(max_size, max_seconds, keep_metrics),
            processors=arguments.processors(process) or None,
            workers=workers,
            client=arguments.client(scheduler),
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
    keep_metrics: KeepMetrics = False,
    policy: Thresholds = "core-1",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the plan to this file.")
    ] = None,
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
            arguments.one(source),
            bound=arguments.bounds(bound, var),
            objective=objective,
            **arguments.constraints(max_size, max_seconds, keep_metrics),
            processors=arguments.processors(process) or None,
            policy=policy,
            workers=workers,
            progress=progress,
        )
    if output is not None:
        _write_plan(output, to_json(made.recorded))
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


def _write_plan(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path}: the plan cannot be written: {error.strerror}") from error


@app.command()
def inspect(source: Source, as_json: AsJson = False) -> None:
    """Show what a file holds."""
    from cdt_core import api, printing
    from cdt_core.model.serial import to_tree
    from cdt_core.store.metadata import json_value

    found = api.inspect(arguments.one(source))
    if as_json:
        _print_json(json_value(to_tree(found)))
    else:
        printing.print_inspection(found)


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of a treatment.", show_default=False)],
    original: Annotated[
        list[str] | None, typer.Option(metavar="SOURCE", help="The input, to compare every value with again.")
    ] = None,
    public_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Public key (PEM) that must have signed.")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Check a treatment again, to the last chunk and bound. Exit code 1 when something does not hold."""
    from cdt_core import api, printing
    from cdt_core.console import progress_shown
    from cdt_core.model.serial import to_tree

    with progress_shown(quiet or as_json) as progress:
        before = arguments.one(original) if original else None
        result = api.verify(folder, original=before, public_key=public_key, progress=progress)
    if as_json:
        _print_json({**to_tree(result), "ok": result.ok, "first_failure": result.first_failure})
    else:
        printing.print_verification(result)
    if not result.ok:
        raise typer.Exit(1)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of a treatment.", show_default=False)],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="A file .nc or a folder .zarr.", show_default=False)],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the target.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a treatment as plain NetCDF or Zarr. Nobody needs cdt to read it."""
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
    source: Annotated[list[str] | None, typer.Argument(metavar="SOURCE", help="Data to treat instead.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="The folder to make.")] = Path(
        "demo-out"
    ),
    bound: Annotated[str, typer.Option("--bound", "-b", metavar="BOUND", help=_BOUND)] = "rel:1e-3",
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Treat real data that comes with a dependency, or SOURCE."""
    from cdt_core import api
    from cdt_core.console import progress_shown
    from cdt_core.demo import DEMO_BOUNDS, demo_dataset

    given: Any = arguments.one(source) if source else demo_dataset()
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
            again = "; run the same command again to go on from here" if "treat" in sys.argv[1:] else ""
            print(f"cdt: interrupted{again}", file=sys.stderr)
        raise
