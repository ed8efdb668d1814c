"""What the arguments of a command mean, from text."""

from __future__ import annotations

import json
from typing import Any

from cdt_core.errors import BoundError, CdtError

__all__ = ["bounds", "client", "constraints", "one", "processors", "size"]


def one(source: list[str]) -> str | list[str]:
    """A place by itself, or several."""
    return source[0] if len(source) == 1 else source


def bounds(bound: str | None, var: list[str] | None) -> dict[str, str] | None:
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


def constraints(max_size: str | None, max_seconds: float | None, keep_metrics: bool) -> dict[str, Any]:
    """What a plan must keep beside its bounds."""
    return {"max_size": size(max_size), "max_seconds": max_seconds, "keep_metrics": keep_metrics}


def processors(process: list[str] | None) -> dict[str, list[Any]]:
    """Pattern -> processors, in the order of ``--process``."""
    from cdt_core.model import ProcessorUse

    uses: dict[str, list[Any]] = {}
    for rule in process or []:
        pattern, equals, rest = rule.partition("=")
        name, _, parameters = rest.partition(":")
        try:
            use = ProcessorUse(name, _object(parameters) if parameters else {})
        except (ValueError, TypeError) as error:
            raise CdtError(
                f'--process {rule!r}: the parameters are no JSON object such as {{"codes": [-9999]}}: {error}'
            ) from None
        if not equals or not pattern or not name:
            raise CdtError(f"--process {rule!r}: write NAME=PROCESSOR or NAME=PROCESSOR:JSON")
        uses.setdefault(pattern, []).append(use)
    return uses


def _object(text: str) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise TypeError(f"{text} is another kind of value")
    return found


def size(text: str | None) -> int | None:
    """Bytes, of a number with or without a unit."""
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


def client(scheduler: str | None) -> Any:
    """A client of the Dask scheduler at an address."""
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
