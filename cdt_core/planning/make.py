"""Make a plan from a profile: the choice of codec, form and chunk grid for each variable."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from attrs import define, field

from cdt_core.errors import BoundError, PlanError
from cdt_core.model import Plan, Profile, VariableSpec
from cdt_core.planning.basis import Basis, Known
from cdt_core.planning.joint import JointChoice
from cdt_core.planning.likeness import SMALL_VALUES, few_of, kinds_of, middle_of
from cdt_core.planning.options import TEXT_CODEC, VariableOptions, options_of
from cdt_core.planning.pace import paces_of
from cdt_core.planning.request import PlanRequest
from cdt_core.planning.trial import SampledValues
from cdt_core.readers.stored import StoredDataset

__all__ = ["TEXT_CODEC", "check_request", "make_plan"]

#: (limit of size, limit of time) -> objectives whose settings are tried, too, where those of the own objective keep no limit.
_WIDER = {(True, False): ("size",), (False, True): ("speed",), (True, True): ("size", "speed")}

#: Share of the time that the processor works, below which the time is spent on waiting for what is read.
_BUSY = 0.5

_Map = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]


def make_plan(
    dataset: StoredDataset, profile: Profile, request: PlanRequest, run: _Map = map, values: SampledValues | None = None
) -> Plan:
    """Plan every variable of ``dataset``; samples are of ``values``, the same with its processors applied, where given.

    Coordinates, their bounds and text are always lossless; the bounds of ``request`` apply to data variables.

    Raises
    ------
    BoundError
        A pattern that matches no variable; a bound that makes no sense for the variable that it names.
    PlanError
        No choice of options keeps ``max_size`` and ``max_seconds``: the message says what the nearest one takes.
    """
    check_request(dataset.specs, request)
    basis = Basis(dataset, dataset if values is None else values, profile, request)
    numbers = [(plan, dataset.specs[name]) for name, plan in basis.bases.items()]
    basis.paces.update(paces_of(numbers, request, run))
    joint = JointChoice(_options(basis, run), request)
    if not joint.choice.fits:
        more = _WIDER[request.max_size is not None, request.max_seconds is not None]
        joint = JointChoice(_options(basis, run, more), request)
    variables, trace = joint.made()
    return Plan(
        variables=tuple(variables),
        objective=request.objective,
        max_size=request.max_size,
        engine_version=request.engine_version,
        max_seconds=request.max_seconds,
        choice=trace,
        metrics_policy=request.metrics_policy,
    )


def _options(basis: Basis, run: _Map, more: Sequence[str] = ()) -> list[VariableOptions]:
    """The options of all variables; of many that are alike, a few say how long calls take, and which grids are worth it."""
    specs, found = basis.dataset.specs, _Found(basis, more, run)
    kinds = kinds_of((plan, specs[name]) for name, plan in basis.bases.items())
    found.add(name for names in kinds for name in few_of(names))
    for names in kinds:
        few = [found.options[name] for name in few_of(names)]
        middle = middle_of([options.timed for options in few])
        basis.known.update(dict.fromkeys(names, Known(middle, {grid for options in few for grid in options.grids})))
    found.add(name for name in specs if name not in found.options)
    return [found.options[name] for name in specs]


@define
class _Found:
    """Options of variables, the large ones side by side. Small ones are nearly all Python, of which threads run one at a time
    and hinder each other: they come one after the other, unless it is reading that takes the time.
    """

    basis: Basis
    more: Sequence[str]
    run: _Map
    options: dict[str, VariableOptions] = field(factory=dict)
    seconds: float = 0.0  #: of small variables, one after the other
    busy_seconds: float = 0.0  #: of these, the processor's

    def add(self, names: Iterable[str]) -> None:
        """Find the options of these."""
        small: list[str] = []
        large: list[str] = []
        for name in names:
            (small if self.basis.dataset.specs[name].size <= SMALL_VALUES else large).append(name)
        self._by(self.run, large)
        if self.busy_seconds < _BUSY * self.seconds:
            self._by(self.run, small)
            return
        started, busy = time.perf_counter(), time.thread_time()
        self._by(map, small)
        self.seconds += time.perf_counter() - started
        self.busy_seconds += time.thread_time() - busy

    def _by(self, run: _Map, names: list[str]) -> None:
        self.options.update(zip(names, run(lambda name: options_of(self.basis, name, self.more), names), strict=True))


def check_request(specs: Mapping[str, VariableSpec], request: PlanRequest) -> None:
    """Refuse what names no variable or no processor, before anything is read.

    Raises
    ------
    BoundError, PlanError
        With the names that there are.
    """
    names = [spec.name for spec in specs.values() if spec.role == "data"]
    for pattern, bound in request.bounds.rules:
        found = [name for name in specs if fnmatchcase(name, pattern)]
        if pattern != "*" and found and not set(found) & set(names):
            raise BoundError(f"bound '{pattern}={bound}' is for a coordinate; those are always lossless, leave it out")
    request.bounds.check_used(names)
    _check_processors(request, names)


def _check_processors(request: PlanRequest, names: list[str]) -> None:
    for pattern, uses in request.processors.items():
        if not any(fnmatchcase(name, pattern) for name in names):
            raise PlanError(f"processors for {pattern!r} match no variable; the variables are: {', '.join(names[:12])}")
        for use in uses:
            if use.name not in request.processor_offers:
                known = ", ".join(request.processor_offers) or "none"
                raise PlanError(f"processor {use.name!r} is not installed; installed are: {known}")
