"""What treating a variable takes beside its codec: a time once, per chunk and per value, rehearsed on sampled regions."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from cdt_core.model import Bound, VariablePlan, VariableSpec
from cdt_core.model.grid import ChunkGrid
from cdt_core.planning.likeness import alike
from cdt_core.planning.request import PlanRequest, Rehearsal
from cdt_core.planning.trial import cropped

__all__ = ["Pace", "Paces", "paces_of"]

_log = logging.getLogger("cdt.plugins")

#: Rehearsals of all kinds of variables together, and of one kind, at most; the middle one counts.
_REHEARSALS, _ALIKE = 64, 7
#: Values of a region that is rehearsed first, and of one that is short enough to be done again and again.
_VALUES, _FEW = 1 << 16, 1 << 13
#: Seconds that rehearsing whole chunks takes at most, but for the last, or the share of what all variables take.
_WHOLE_SECONDS, _WHOLE_SHARE = 0.25, 0.01

_Map = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]


@frozen
class Pace:
    """Seconds of one thread per variable, per chunk and per value, without encoding and decoding."""

    per_variable: float
    per_chunk: float
    per_value: float

    def seconds(self, chunks: int, values: int) -> float:
        """Of a whole variable."""
        return self.per_variable + chunks * self.per_chunk + values * self.per_value


@frozen
class Paces:
    """The pace of a variable where its values are changed, and where they are not."""

    lossy: Pace
    lossless: Pace

    def of(self, bound: Bound) -> Pace:
        """For a codec that keeps ``bound``."""
        return self.lossless if bound.is_lossless else self.lossy


@frozen(eq=False)
class _Kind:
    """Plans that are alike, all with or all without loss; those that are rehearsed lie evenly among them."""

    plans: tuple[VariablePlan, ...]
    rehearsal: Rehearsal

    def pace(self, most: int) -> Pace | None:
        """The middle pace of few of them; none where all fail."""
        most = min(most, len(self.plans)) if self.chunk_values <= _FEW else 1
        found: list[Pace] = []
        for number in range(most):
            plan = self.plans[number * len(self.plans) // most]
            try:
                if not number:  # what is imported or tabulated at first use is no part of any chunk's time
                    self.rehearsal(plan, cropped(_middle(plan), _FEW), 1)
                found.append(_pace(plan, self.rehearsal))
            except Exception as error:  # what fails here fails again, and is reported, where it counts
                _log.warning("variable %r: no time could be predicted: %s", plan.name, error)
        found.sort(key=lambda pace: pace.seconds(1, self.chunk_values))
        return found[(len(found) - 1) // 2] if found else None

    @property
    def is_exact(self) -> bool:
        """Whether a bound was asked for and is not made use of."""
        plan = self.plans[0]
        return plan.codec_bound.is_lossless and not plan.applied.is_lossless

    @property
    def chunk_values(self) -> int:
        """Of the first; those of the others are nearly as many."""
        return math.prod(self.plans[0].chunk_shape)

    def seconds(self, pace: Pace) -> float:
        """Of all of them."""
        return sum(pace.seconds(len(_grid(plan)), math.prod(plan.shape)) for plan in self.plans)

    def by_whole_chunk(self, pace: Pace, again: float) -> Pace:
        """The pace with a time per value by which a whole chunk takes what it was found to take.

        It is rehearsed again where that takes less than ``again`` seconds: the second time, memory is there.
        """
        plan = self.plans[0]
        try:
            seconds = self.rehearsal(plan, _middle(plan), 1)[0]
            if seconds < again and not self.is_exact:
                seconds = min(seconds, self.rehearsal(plan, _middle(plan), 1)[0])
        except Exception as error:  # as above
            _log.warning("variable %r: the time of a whole chunk is predicted by a part: %s", plan.name, error)
            return pace
        per_value = max(0.0, seconds - pace.per_variable - pace.per_chunk) / _size(_middle(plan))
        return evolve(pace, per_value=per_value)


def paces_of(
    plans: Sequence[tuple[VariablePlan, VariableSpec]], request: PlanRequest, run: _Map
) -> Mapping[str, Paces]:
    """The paces of each variable by name; those of one type, role, form and about one size go by few of their kind."""
    if request.rehearsal is None:
        return {}
    groups: dict[Hashable, list[VariablePlan]] = {}
    for plan, spec in plans:
        if math.prod(plan.shape):
            groups.setdefault(alike(plan, spec), []).append(plan)
    lossless = [_Kind(tuple(map(_without_loss, members)), request.rehearsal) for members in groups.values()]
    lossy = [
        exact if members[0].codec_bound.is_lossless else _Kind(tuple(members), request.rehearsal)
        for exact, members in zip(lossless, groups.values(), strict=True)
    ]
    kinds = list(dict.fromkeys([*lossy, *lossless]))
    most = max(1, min(_ALIKE, _REHEARSALS // max(1, len(kinds))))
    paces = dict(zip(kinds, run(lambda kind: kind.pace(most), kinds), strict=True))
    found = _with_whole_chunks({kind: pace for kind, pace in paces.items() if pace is not None})
    return {
        plan.name: Paces(found[changed], found[exact])
        for changed, exact in zip(lossy, lossless, strict=True)
        if changed in found and exact in found
        for plan in exact.plans
    }


def _with_whole_chunks(paces: dict[_Kind, Pace]) -> dict[_Kind, Pace]:
    """The same, with whole chunks rehearsed while that takes little of the treatment: first of what takes longest.

    What is left of variables whose chunks were rehearsed with loss takes as much more or less than its parts say as those.
    """
    seconds = {kind: kind.seconds(pace) for kind, pace in paces.items()}
    left = max(_WHOLE_SECONDS, _WHOLE_SHARE * sum(seconds.values()))
    factors: dict[str, float] = {}
    for kind in sorted(seconds, key=lambda kind: (kind.is_exact, -seconds[kind])):
        name, pace = kind.plans[0].name, paces[kind]
        if kind.chunk_values > _VALUES and left > 0:
            begin = time.thread_time()
            paces[kind] = kind.by_whole_chunk(pace, left / 4)
            left -= time.thread_time() - begin
            factors[name] = paces[kind].per_value / pace.per_value if pace.per_value else 1.0
        elif name in factors:
            paces[kind] = evolve(pace, per_value=pace.per_value * factors[name])
    return paces


def _without_loss(plan: VariablePlan) -> VariablePlan:
    return evolve(plan, codec_bound=Bound("lossless"))


def _pace(plan: VariablePlan, rehearsal: Rehearsal) -> Pace:
    region = cropped(_middle(plan), _VALUES)
    first, *again = rehearsal(plan, region, 2 if _size(region) <= _FEW else 1)
    long = min([first, *again])
    short = min(long, *rehearsal(plan, tuple(slice(part.start, part.start + 1) for part in region), 2))
    return Pace(first - long, short, (long - short) / _size(region))


def _grid(plan: VariablePlan) -> ChunkGrid:
    return ChunkGrid(plan.shape, plan.chunk_shape)


def _middle(plan: VariablePlan) -> tuple[slice, ...]:
    """Where the middle chunk lies."""
    grid = _grid(plan)
    return grid.region(grid.index(len(grid) // 2))


def _size(region: tuple[slice, ...]) -> int:
    return math.prod(part.stop - part.start for part in region)
