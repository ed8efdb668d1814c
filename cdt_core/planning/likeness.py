"""Variables that are alike: what is measured of a few of them stands for all."""

from __future__ import annotations

import math
import statistics
from collections.abc import Hashable, Iterable, Mapping, Sequence

from cdt_core.model import VariablePlan, VariableSpec

__all__ = ["alike", "few_of", "middle_of", "small_kinds"]

#: Values of a variable that is small, and how many alike ones there must be, and are measured.
_SMALL_VALUES, _MANY, _MEASURED = 1 << 12, 32, 7


def alike(plan: VariablePlan, spec: VariableSpec) -> Hashable:
    """What the time of a chunk depends on, as far as that is known before one is read."""
    uses = tuple((use.name, str(use.parameters)) for use in plan.processors)
    size = math.prod(plan.chunk_shape).bit_length()
    lengths = tuple(min(length, 8) for length in plan.shape)  # what looks at neighbours leaves out short axes
    return (plan.dtype, lengths, size, plan.applied.kind, spec.role, spec.packing.is_packed, uses)


def small_kinds(plans: Iterable[tuple[VariablePlan, VariableSpec]]) -> list[list[str]]:
    """Names of small variables that are alike, where there are many of a kind."""
    kinds: dict[Hashable, list[str]] = {}
    for plan, spec in plans:
        if 0 < spec.size <= _SMALL_VALUES:
            kinds.setdefault(alike(plan, spec), []).append(plan.name)
    return [names for names in kinds.values() if len(names) >= _MANY]


def few_of(names: Sequence[str]) -> list[str]:
    """Those that are measured, evenly among all."""
    return [names[number * len(names) // _MEASURED] for number in range(_MEASURED)]


def middle_of(timed: Sequence[Mapping[Hashable, float]]) -> dict[Hashable, float]:
    """The middle one of the seconds of each setting."""
    keys = dict.fromkeys(key for each in timed for key in each)
    return {key: statistics.median([each[key] for each in timed if key in each]) for key in keys}
