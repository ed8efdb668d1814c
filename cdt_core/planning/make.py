"""Make a plan from a profile: the choice of codec, form and chunk grid for each variable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from cdt_core.errors import BoundError, PlanError
from cdt_core.model import Plan, Profile, VariableSpec
from cdt_core.planning.basis import Basis, Known
from cdt_core.planning.joint import JointChoice
from cdt_core.planning.likeness import few_of, kinds_of, middle_of
from cdt_core.planning.options import TEXT_CODEC, VariableOptions, options_of
from cdt_core.planning.pace import paces_of
from cdt_core.planning.request import PlanRequest
from cdt_core.planning.trial import SampledValues
from cdt_core.readers.stored import StoredDataset

__all__ = ["TEXT_CODEC", "check_request", "make_plan"]

#: (limit of size, limit of time) -> objectives whose settings are tried, too, where those of the own objective keep no limit.
_WIDER = {(True, False): ("size",), (False, True): ("speed",), (True, True): ("size", "speed")}

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
    specs = basis.dataset.specs
    kinds = kinds_of((plan, specs[name]) for name, plan in basis.bases.items())
    first = [name for names in kinds for name in few_of(names)]
    found = dict(zip(first, run(lambda name: options_of(basis, name, more), first), strict=True))
    for names in kinds:
        few = [found[name] for name in few_of(names)]
        middle = middle_of([options.timed for options in few])
        basis.known.update(dict.fromkeys(names, Known(middle, {grid for options in few for grid in options.grids})))
    rest = [name for name in specs if name not in found]
    found.update(zip(rest, run(lambda name: options_of(basis, name, more), rest), strict=True))
    return [found[name] for name in specs]


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
