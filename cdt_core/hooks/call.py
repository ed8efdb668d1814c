"""Guarded calls of notification hooks: one plugin's failure never reaches another, or the treatment."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import frozen

__all__ = ["Failure", "call_guarded"]

_log = logging.getLogger("cdt.plugins")


@frozen
class Failure:
    """A plugin whose hook raised, and what it said."""

    plugin: str
    hook: str
    reason: str


def call_guarded(
    hook: str, implementations: Sequence[tuple[str, Callable[..., Any], Sequence[str]]], arguments: Mapping[str, Any]
) -> list[Failure]:
    """Call each implementation (plugin name, function, the arguments that it takes); failures are logged and returned."""
    failures = []
    for plugin, function, wanted in implementations:
        try:
            function(**{name: arguments[name] for name in wanted})
        except Exception as error:  # a notification must not end the treatment that it is about
            _log.warning("plugin %s: %s raised %s: %s", plugin, hook, type(error).__name__, error)
            failures.append(Failure(plugin, hook, f"{type(error).__name__}: {error}"))
    return failures
