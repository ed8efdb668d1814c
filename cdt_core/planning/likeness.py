"""Variables that are alike: what is measured of a few of them stands for all."""

from __future__ import annotations

import math
import statistics
from collections.abc import Hashable, Iterable, Mapping, Sequence

from cdt_core.model import VariablePlan, VariableSpec

__all__ = ["SMALL_VALUES", "alike", "few_of", "kinds_of", "middle_of"]

#: How many alike variables there must be, and how many of them are measured.
_MANY, _MEASURED = 32, 7

#: A variable of at most so many values is small: its time is that of calls, whatever the values.
SMALL_VALUES = 1 << 12


def alike(plan: VariablePlan, spec: VariableSpec) -> Hashable:
    """What the time of a chunk depends on, as far as that is known before one is read."""
    uses = tuple((use.name, str(use.parameters)) for use in plan.processors)
    size = math.prod(plan.chunk_shape).bit_length()
    lengths = tuple(min(length, 8) for length in plan.shape)  # what looks at neighbours leaves out short axes
    return (plan.dtype, lengths, size, plan.applied.kind, spec.role, spec.packing.is_packed, uses)


def kinds_of(plans: Iterable[tuple[VariablePlan, VariableSpec]]) -> list[list[str]]:
    """Names of variables that are alike, large ones also in shape, where there are many of a kind."""
    kinds: dict[Hashable, list[str]] = {}
    for plan, spec in plans:
        shapes = () if spec.size <= SMALL_VALUES else (plan.shape, plan.chunk_shape)
        if spec.size:
            kinds.setdefault((alike(plan, spec), shapes), []).append(plan.name)
    return [names for names in kinds.values() if len(names) >= _MANY]


def few_of(names: Sequence[str]) -> list[str]:
    """Those that are measured, evenly among all."""
    return [names[number * len(names) // _MEASURED] for number in range(_MEASURED)]


def middle_of(timed: Sequence[Mapping[Hashable, float]]) -> dict[Hashable, float]:
    """The middle one of the seconds of each setting."""
    keys = dict.fromkeys(key for each in timed for key in each)
    return {key: statistics.median([each[key] for each in timed if key in each]) for key in keys}
