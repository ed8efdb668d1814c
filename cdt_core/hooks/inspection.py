"""Look at one plugin: import it, check its version and hooks, and collect what it offers."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

import pluggy
from attrs import define, evolve, field

from cdt_core.hooks import spec
from cdt_core.hooks.descriptor import Descriptor

if TYPE_CHECKING:
    from cdt_core.hooks.manager import PluginRecord

__all__ = ["Candidate", "inspect_plugin"]

#: Discovery hook -> the kind of descriptor that it returns.
_DISCOVERY = {
    "cdt_readers": "readers",
    "cdt_processors": "processors",
    "cdt_validators": "validators",
    "cdt_aggregators": "aggregators",
    "cdt_codecs": "codecs",
    "cdt_policies": "policies",
}


@define(eq=False)
class Candidate:
    """A plugin on its way into the catalog."""

    record: PluginRecord
    entry: EntryPoint | None = None
    offers: dict[str, tuple[Descriptor, ...]] = field(factory=dict)
    notifications: dict[str, tuple[Callable[..., Any], Sequence[str]]] = field(factory=dict)

    def quarantine(self, reason: str) -> None:
        """Put the plugin out; the first reason stays."""
        if self.record.status == "active":
            self.record = evolve(self.record, status="quarantined", reason=reason)


class _RefusedError(Exception):
    """Why a plugin is out."""


def inspect_plugin(candidate: Candidate, kinds: Mapping[str, type[Descriptor]]) -> None:
    """Fill in what the plugin offers, or quarantine it."""
    try:
        plugin = _imported(candidate.entry)
        for hook, function, arguments in _implementations(plugin):
            kind = _DISCOVERY.get(hook)
            if kind is None:
                candidate.notifications[hook] = (function, arguments)
            else:
                candidate.offers[kind] = _offered(hook, function, kinds[kind])
    except _RefusedError as reason:
        candidate.quarantine(str(reason))
        return
    names = {kind: tuple(d.name for d in descriptors) for kind, descriptors in candidate.offers.items()}
    candidate.record = evolve(candidate.record, offers=names)


def _imported(entry: EntryPoint | None) -> Any:
    assert entry is not None
    try:
        plugin = entry.load()
    except (Exception, SystemExit) as error:
        raise _RefusedError(f"cannot be imported: {type(error).__name__}: {error}") from error
    wanted = getattr(plugin, "CDT_API", None)
    if wanted != spec.API_VERSION:
        said = "does not say which hook API it was written for" if wanted is None else f"needs hook API {wanted!r}"
        raise _RefusedError(f"{said}; this release has {spec.API_VERSION} (set CDT_API = {spec.API_VERSION})")
    return plugin


def _implementations(plugin: Any) -> list[tuple[str, Callable[..., Any], Sequence[str]]]:
    """The plugin's hooks as (name, function, arguments), by a pluggy manager of its own."""
    manager = pluggy.PluginManager(spec.PROJECT)
    manager.add_hookspecs(spec)
    try:
        manager.register(plugin, name="plugin")
    except Exception as error:  # pluggy raises for arguments that a hook does not have
        raise _RefusedError(f"does not fit the hooks: {error}") from error
    callers = manager.get_hookcallers(plugin) or []
    known = [name for name in dir(spec) if name.startswith("cdt_")]
    found: list[tuple[str, Callable[..., Any], Sequence[str]]] = []
    for caller in callers:
        if caller.name not in known:
            close = difflib.get_close_matches(caller.name, known, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; the hooks are {', '.join(known)}"
            raise _RefusedError(f"{caller.name!r} is no hook{hint}")
        found.extend((caller.name, impl.function, impl.argnames) for impl in caller.get_hookimpls())
    if not found:
        raise _RefusedError("implements no hook (mark its functions with @cdt_core.hooks.hookimpl)")
    return found


def _offered(hook: str, function: Callable[..., Any], kind: type[Descriptor]) -> tuple[Descriptor, ...]:
    try:
        offered = function()
        offered = tuple(offered)
    except (Exception, SystemExit) as error:
        raise _RefusedError(f"{hook} raised {type(error).__name__}: {error}") from error
    for descriptor in offered:
        if not isinstance(descriptor, kind):
            raise _RefusedError(f"{hook} returned a {type(descriptor).__name__}, not a {kind.__name__} descriptor")
    return offered
