"""Discovery of plugins. Every failure quarantines the plugin that caused it, with a reason; all others keep working."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from attrs import evolve, field, frozen

from cdt_core.errors import PluginError
from cdt_core.hooks import spec
from cdt_core.hooks.call import Failure, call_guarded
from cdt_core.hooks.descriptor import (
    Aggregator,
    CodecOffer,
    Descriptor,
    Policy,
    Processor,
    Reader,
    Validator,
)
from cdt_core.hooks.inspection import Candidate, inspect_plugin

__all__ = ["Catalog", "PluginRecord", "catalog", "discover"]

D = TypeVar("D", bound=Descriptor)

_log = logging.getLogger("cdt.plugins")

#: The plugin that always wins a clash: the core itself.
_CORE = "core"

_KINDS: Mapping[str, type[Descriptor]] = {
    "readers": Reader,
    "processors": Processor,
    "validators": Validator,
    "aggregators": Aggregator,
    "codecs": CodecOffer,
    "policies": Policy,
}


@frozen
class PluginRecord:
    """A plugin as it was found.

    ``status`` is ``"active"``, ``"quarantined"`` (``reason`` says why) or ``"disabled"``; ``offers`` maps kinds (readers,
    validators ...) to the names of what it has.
    """

    name: str
    distribution: str = ""
    version: str = ""
    status: str = "active"
    reason: str = ""
    offers: Mapping[str, tuple[str, ...]] = field(factory=dict)


@frozen(eq=False)
class Catalog:
    """All plugins that were found, and the descriptors of the active ones in the order of plugin names, the core's first."""

    plugins: tuple[PluginRecord, ...] = ()
    readers: tuple[Reader, ...] = ()
    processors: tuple[Processor, ...] = ()
    validators: tuple[Validator, ...] = ()
    aggregators: tuple[Aggregator, ...] = ()
    codecs: tuple[CodecOffer, ...] = ()
    policies: tuple[Policy, ...] = ()
    notifications: Mapping[str, tuple[tuple[str, Callable[..., Any], Sequence[str]], ...]] = field(
        factory=dict, repr=False
    )

    def reader(self, name: str) -> Reader:
        """The reader of that name; raises ``PluginError`` naming what exists."""
        return _named("reader", name, self.readers)

    def processor(self, name: str) -> Processor:
        """The processor of that name; raises ``PluginError`` naming what exists."""
        return _named("processor", name, self.processors)

    def validator(self, name: str) -> Validator:
        """The validator of that name; raises ``PluginError`` naming what exists."""
        return _named("validator", name, self.validators)

    def aggregator(self, name: str) -> Aggregator:
        """The aggregator of that name; raises ``PluginError`` naming what exists."""
        return _named("aggregator", name, self.aggregators)

    def codec(self, name: str) -> CodecOffer:
        """The codec of that name; raises ``PluginError`` naming what exists."""
        return _named("codec", name, self.codecs)

    def policy(self, name: str) -> Policy:
        """The policy of that name; raises ``PluginError`` naming what exists."""
        return _named("policy", name, self.policies)

    def notify(self, hook: str, **arguments: Any) -> list[Failure]:
        """Call a notification hook of every active plugin; failures are logged and returned, the others still run."""
        return call_guarded(hook, self.notifications.get(hook, ()), arguments)


def _named(kind: str, name: str, known: Sequence[D]) -> D:
    for descriptor in known:
        if descriptor.name == name:
            return descriptor
    names = ", ".join(descriptor.name for descriptor in known) or "none"
    raise PluginError(f"no {kind} is called {name!r}; installed: {names} (see 'cdt plugins')")


def discover(found: Iterable[EntryPoint] | None = None, *, disabled: Collection[str] = ()) -> Catalog:
    """Load every plugin of the entry-point group ``cdt`` (or of ``found``) but those ``disabled``.

    The environment variable ``CDT_DISABLE_PLUGINS`` (names with commas) disables more. Nothing is raised for a plugin's
    faults: its record has the reason, and the log says it once. What a plugin prints goes to standard error, so that it cannot
    end up in a command's JSON.
    """
    found = entry_points(group=spec.ENTRY_POINT_GROUP) if found is None else found
    disabled = {*disabled, *filter(None, os.environ.get("CDT_DISABLE_PLUGINS", "").split(","))}
    candidates = []
    for entry in sorted(set(found), key=lambda e: (e.name != _CORE, e.name, _distribution(e))):
        record = PluginRecord(entry.name, _distribution(entry), _version(entry))
        if entry.name in disabled:
            candidates.append(Candidate(evolve(record, status="disabled", reason="disabled by the user")))
        else:
            candidates.append(Candidate(record, entry))
    _refuse_name_clashes(candidates)
    with contextlib.redirect_stdout(sys.stderr):
        for candidate in candidates:
            if candidate.record.status == "active":
                inspect_plugin(candidate, _KINDS)
    _refuse_offer_clashes(candidates)
    for record in (candidate.record for candidate in candidates):
        if record.status == "quarantined":
            _log.warning("plugin %s (%s) is out: %s", record.name, record.distribution or "?", record.reason)
    return _catalog(candidates)


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else ""


def _version(entry: EntryPoint) -> str:
    return entry.dist.version if entry.dist is not None else ""


def _refuse_name_clashes(candidates: list[Candidate]) -> None:
    by_name: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        by_name.setdefault(candidate.record.name, []).append(candidate)
    for name, claimants in by_name.items():
        if len(claimants) < 2:
            continue
        owners = " and ".join(sorted(candidate.record.distribution or "?" for candidate in claimants))
        for candidate in claimants:
            if name != _CORE or candidate.record.distribution != "cdt":
                candidate.quarantine(f"the name {name!r} is claimed by {owners}; uninstall or disable one of them")


def _refuse_offer_clashes(candidates: list[Candidate]) -> None:
    """A name that two plugins offer in one kind puts both out; the core's own stays."""
    owners: dict[tuple[str, str], list[Candidate]] = {}
    for candidate in candidates:
        if candidate.record.status == "active":
            for kind, descriptors in candidate.offers.items():
                for descriptor in descriptors:
                    owners.setdefault((kind, descriptor.name), []).append(candidate)
    for (kind, name), claimants in owners.items():
        if len(claimants) < 2:
            continue
        names = sorted({candidate.record.name for candidate in claimants})
        for candidate in claimants:
            if candidate.record.name != _CORE:
                candidate.quarantine(f"{kind}: {name!r} is offered more than once, by {' and '.join(names)}")


def _catalog(candidates: list[Candidate]) -> Catalog:
    active = [candidate for candidate in candidates if candidate.record.status == "active"]
    collected = {kind: tuple(d for candidate in active for d in candidate.offers.get(kind, ())) for kind in _KINDS}
    notifications = {
        hook: tuple(
            (candidate.record.name, *candidate.notifications[hook])
            for candidate in active
            if hook in candidate.notifications
        )
        for hook in ("cdt_treatment_started", "cdt_treatment_finished")
    }
    records = tuple(candidate.record for candidate in candidates)
    return Catalog(plugins=records, notifications=notifications, **collected)  # type: ignore[arg-type]


@lru_cache(maxsize=1)
def catalog() -> Catalog:
    """The catalog of this process, made at first use; ``catalog.cache_clear()`` has it made anew."""
    return discover()
