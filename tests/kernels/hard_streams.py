"""Small streams of every type, bound, profile and method, to damage."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from cdt_core.kernels import compress
from cdt_core.model import Bound
from tests.golden.make import CASES
from tests.kernels.blocks import blocks_of

_MOST_VALUES = 4000


@cache
def hard_streams() -> Mapping[str, bytes]:
    """Streams by name: of each golden case that is small, by each profile, in one block and in many."""
    found = {}
    for name, case in CASES.items():
        values = case.make()
        if values.size > _MOST_VALUES:
            continue
        for profile in compress.PROFILES:
            for side in (None, 5):
                with blocks_of(side):
                    made = compress.encode(values, Bound.parse(case.bound), **{**case.options, "profile": profile})
                found[f"{name} {profile} {side}"] = made.stream
    return found
