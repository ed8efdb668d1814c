"""What a plugin imports: ``hookimpl``, the descriptors, and (typed) the contracts that descriptors' functions keep.

A plugin is a module under the entry-point group ``cdt``. It sets ``CDT_API = 1`` and implements hooks of
:mod:`cdt_core.hooks.spec` that return descriptors. It must import neither NumPy nor its own heavy libraries; functions
are named as ``"module:attribute"`` and imported at first use.
"""

from __future__ import annotations

from cdt_core.hooks.descriptor import (
    Aggregator,
    CodecOffer,
    Magic,
    Policy,
    Processor,
    Reader,
    Validator,
)
from cdt_core.hooks.spec import API_VERSION, ENTRY_POINT_GROUP, hookimpl

__all__ = [
    "API_VERSION",
    "ENTRY_POINT_GROUP",
    "Aggregator",
    "CodecOffer",
    "Magic",
    "Policy",
    "Processor",
    "Reader",
    "Validator",
    "hookimpl",
]
