"""What treating a variable takes beside its codec: a time per chunk and a time per value, rehearsed on sampled regions."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from cdt_core.model import VariablePlan, VariableSpec
from cdt_core.model.grid import ChunkGrid
from cdt_core.planning.request import PlanRequest, Rehearsal

__all__ = ["Pace", "paces_of"]

_log = logging.getLogger("cdt.plugins")

#: Of variables that are alike, how many are rehearsed; the middle one counts.
_ALIKE = 7
#: Values of a region that is rehearsed, at most.
_VALUES = 1 << 17


@frozen
class Pace:
    """Seconds of one thread per chunk and per value, without encoding and decoding."""

    per_chunk: float
    per_value: float

    def seconds(self, chunks: int, values: int) -> float:
        """Of a whole variable."""
        return chunks * self.per_chunk + values * self.per_value


def paces_of(
    plans: Sequence[tuple[VariablePlan, VariableSpec]],
    request: PlanRequest,
    run: Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]],
) -> Mapping[str, Pace]:
    """The pace of each variable by name; those of one type, shape, role and form go by few of their kind."""
    alike: dict[Hashable, list[VariablePlan]] = {}
    for plan, spec in plans:
        alike.setdefault(_kind(plan, spec), []).append(plan)
    if request.rehearsal is None:
        return {}
    chosen = [plan for members in alike.values() for plan in members[:: max(1, len(members) // _ALIKE)][:_ALIKE]]
    rehearsal = request.rehearsal
    for plan in chosen[:1]:  # what is imported at first use is no part of any chunk's time
        _pace(plan, rehearsal)
    found = dict(zip((plan.name for plan in chosen), run(lambda plan: _pace(plan, rehearsal), chosen), strict=True))
    paces: dict[str, Pace] = {}
    for members in alike.values():
        known = [pace for plan in members if (pace := found.get(plan.name)) is not None]
        if known:
            middle = sorted(known, key=lambda pace: pace.seconds(1, 1 << 16))[(len(known) - 1) // 2]
            paces.update((plan.name, middle) for plan in members)
    return paces


def _kind(plan: VariablePlan, spec: VariableSpec) -> Hashable:
    """What the time of a chunk depends on, as far as that is known before one is read."""
    uses = tuple((use.name, str(use.parameters)) for use in plan.processors)
    return (plan.dtype, plan.shape, plan.chunk_shape, plan.applied.kind, spec.role, spec.packing.is_packed, uses)


def _pace(plan: VariablePlan, rehearsal: Rehearsal) -> Pace | None:
    grid = ChunkGrid(plan.shape, plan.chunk_shape)
    if not len(grid):
        return None
    chunk = grid.region(grid.index(len(grid) // 2))
    region = _shrunk(chunk)
    try:
        long = _seconds(plan, region, rehearsal)
        if region == chunk:
            return Pace(long, 0.0)
        short = _seconds(plan, tuple(slice(part.start, part.start + 1) for part in region), rehearsal)
    except Exception as error:  # what fails here fails again, and is reported, where it counts
        _log.warning("variable %r: no time could be predicted: %s", plan.name, error)
        return None
    return Pace(min(short, long), max(0.0, long - short) / max(1, _size(region) - 1))


def _shrunk(chunk: tuple[slice, ...]) -> tuple[slice, ...]:
    """The chunk, or a part of at most ``_VALUES`` values that is like it in shape: what looks at neighbours needs all axes."""
    lengths = [part.stop - part.start for part in chunk]
    while math.prod(lengths) > _VALUES:
        longest = lengths.index(max(lengths))
        lengths[longest] = (lengths[longest] + 1) // 2
    return tuple(slice(part.start, part.start + length) for part, length in zip(chunk, lengths, strict=True))


def _seconds(plan: VariablePlan, region: tuple[slice, ...], rehearsal: Rehearsal) -> float:
    begin = time.thread_time()
    rehearsal(plan, region)
    return time.thread_time() - begin


def _size(region: tuple[slice, ...]) -> int:
    return math.prod(part.stop - part.start for part in region)
