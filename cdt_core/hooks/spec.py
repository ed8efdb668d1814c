"""The hooks of cdt. All results of all plugins are collected, in the order of plugin names; none wins over another.

A plugin may name fewer arguments than a hook has; arguments are only ever added. A hook that raises quarantines its
plugin (discovery hooks) or is reported and ignored (notifications); the other plugins' results are always kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdt_core.hooks.descriptor import Aggregator, CodecOffer, Policy, Processor, Reader, Validator
    from cdt_core.model import Plan, Treatment

__all__ = ["API_VERSION", "ENTRY_POINT_GROUP", "PROJECT", "hookimpl", "hookspec"]

PROJECT = "cdt"
ENTRY_POINT_GROUP = "cdt"

#: The hook contract of this release. A plugin's ``CDT_API`` must equal it.
API_VERSION = 1

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def cdt_readers() -> Sequence[Reader]:  # type: ignore[empty-body]
    """File formats that the plugin can open.

    Fires once, when plugins are discovered. Returns descriptors; may be empty. If it raises, or returns anything but
    :class:`~cdt_core.hooks.Reader` values, the plugin is quarantined. Since version 0.1.
    """


@hookspec
def cdt_processors() -> Sequence[Processor]:  # type: ignore[empty-body]
    """Block-wise transformations that a plan may apply to a variable before it is encoded.

    Fires once, when plugins are discovered. Returns descriptors; may be empty. If it raises, or returns anything but
    :class:`~cdt_core.hooks.Processor` values, the plugin is quarantined. Since version 0.1.
    """


@hookspec
def cdt_validators() -> Sequence[Validator]:  # type: ignore[empty-body]
    """Checks that are run on every treatment, on the dataset or on each variable's blocks.

    Fires once, when plugins are discovered. Returns descriptors; may be empty. If it raises, or returns anything but
    :class:`~cdt_core.hooks.Validator` values, the plugin is quarantined. Since version 0.1.
    """


@hookspec
def cdt_aggregators() -> Sequence[Aggregator]:  # type: ignore[empty-body]
    """Rules that combine the updates of several sites into one.

    Fires once, when plugins are discovered. Returns descriptors; may be empty. If it raises, or returns anything but
    :class:`~cdt_core.hooks.Aggregator` values, the plugin is quarantined. Since version 0.1.
    """


@hookspec
def cdt_codecs() -> Sequence[CodecOffer]:  # type: ignore[empty-body]
    """Codecs that the planner may try on a variable.

    Fires once, when plugins are discovered. Returns descriptors; may be empty. If it raises, or returns anything but
    :class:`~cdt_core.hooks.CodecOffer` values, the plugin is quarantined. Since version 0.1.
    """


@hookspec
def cdt_policies() -> Sequence[Policy]:  # type: ignore[empty-body]
    """Versioned texts by which is judged: thresholds of checks (which value passes, what a level demands), and agreements.

    A policy of ``kind="agreement"`` says who may ask what of whose data, and what may leave (:mod:`cdt_core.governance`).
    Fires once, when plugins are discovered. Returns descriptors; may be empty. If it raises, or returns anything but
    :class:`~cdt_core.hooks.Policy` values, the plugin is quarantined. Since version 0.1.
    """


@hookspec
def cdt_treatment_started(plan: Plan, output: str) -> None:
    """A treatment is about to read its first chunk.

    Fires once per treatment, in the process that called ``treat``, after the plan is made. ``output`` is the folder that
    the treatment will have. The result is ignored. If it raises, the error is logged and the treatment goes on. Since
    version 0.1.
    """


@hookspec
def cdt_treatment_finished(treatment: Treatment) -> None:
    """A treatment is complete and in its place.

    Fires once per treatment that finished, after the output folder has its final name; never for a failed one. The
    result is ignored. If it raises, the error is logged and the treatment stays valid. Since version 0.1.
    """
