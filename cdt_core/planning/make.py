"""Make a plan from a profile: the choice of codec, form and chunk grid for each variable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from attrs import evolve

from cdt_core.errors import BoundError, PlanError
from cdt_core.model import Bound, Candidate, Plan, Profile, VariablePlan, VariableSpec
from cdt_core.model.grid import ChunkGrid
from cdt_core.planning.chunks import chunk_shape_of, is_text
from cdt_core.planning.promise import applied_as, codec_bound
from cdt_core.planning.request import OBJECTIVES, PlanRequest
from cdt_core.planning.trial import Form, SampledValues, forms_of, sample, tightened, trials_of
from cdt_core.readers.stored import StoredDataset

__all__ = ["TEXT_CODEC", "check_request", "make_plan"]

#: Strings are stored by Zarr's own codecs.
TEXT_CODEC = "zarr.string"

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
        No choice of candidates fits ``max_size``: the message says what the smallest one takes.
    """
    check_request(dataset.specs, request)
    sampled = dataset if values is None else values
    options = list(run(lambda name: _options(dataset, sampled, profile, request, name), list(dataset.specs)))
    return Plan(
        variables=tuple(_within_budget(options, request)),
        objective=request.objective,
        max_size=request.max_size,
        engine_version=request.engine_version,
    )


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


def _options(
    dataset: StoredDataset, sampled: SampledValues, profile: Profile, request: PlanRequest, name: str
) -> list[VariablePlan]:
    """Every feasible plan of one variable, the objective's choice first."""
    spec = dataset.specs[name]
    asked = request.bounds.bound_for(name) if spec.role == "data" else Bound("lossless")
    if is_text(spec):
        return [_text_plan(dataset, spec, request)]
    promised = partial(applied_as, spec, profile[name], asked)
    uses = request.processors_for(spec)
    grid = ChunkGrid(spec.shape, chunk_shape_of(dataset, spec, request.chunk_bytes))
    samples = sample(sampled, name, grid)
    found: list[tuple[Form, Candidate]] = []
    for form in forms_of(spec, profile[name], asked, bool(uses)):
        tried = trials_of(request.codecs, spec, profile[name], form, (samples, request.objective))
        found.extend((form, candidate) for candidate in tried)
    if not found:
        raise PlanError(f"variable {name!r}: no codec holds dtype {spec.dtype}; install a plugin that offers one")
    order = _ranked([candidate for _, candidate in found], OBJECTIVES[request.objective])
    form, first = found[order[0]]
    if request.objective == "balanced" and not first.codec_bound.is_lossless:
        bound_for = partial(codec_bound, spec, profile[name], promised(first.codec_bound), form.name)
        tighter = tightened(request.codecs, spec, first, form, (samples, bound_for))
        found.extend((form, candidate) for candidate in tighter)
        order = [*range(len(found) - 1, len(found) - 1 - len(tighter), -1), *order]
    base = VariablePlan(
        name=name,
        dtype=spec.dtype,
        shape=spec.shape,
        chunk_shape=grid.chunk_shape,
        codec="",
        parameters={},
        bound=asked,
        applied=asked,
        codec_bound=asked,
        processors=uses,
    )
    growth = spec.size / max(1, sum(block.size for block in samples.stored))
    return [_with(evolve(base, applied=promised(found[best][1].codec_bound)), found, best, growth) for best in order]


def _with(base: VariablePlan, found: list[tuple[Form, Candidate]], best: int, growth: float) -> VariablePlan:
    form, candidate = found[best]
    listed = tuple(evolve(other, chosen=position == best) for position, (_, other) in enumerate(found))
    note = ""
    if candidate.codec_bound.is_lossless and not base.bound.is_lossless:
        note = "lossless is at least as small as any lossy choice on the sampled blocks"
    elif candidate.error_share < 1:
        note = f"keeps to {candidate.error_share:g} of the allowed error, which takes hardly more space"
    return evolve(
        base,
        dtype=form.dtype,
        codec=candidate.codec,
        parameters=candidate.parameters,
        codec_bound=candidate.codec_bound,
        form=form.name,
        error_share=candidate.error_share,
        predicted_bytes=round(candidate.sample_bytes * growth),
        candidates=listed,
        note=note,
    )


def _ranked(candidates: list[Candidate], slack: float) -> list[int]:
    """Positions of the candidates, best first: the first listed (fastest) whose size is within ``slack`` of the smallest,
    then the rest by size. Only sizes decide, so that the same data gives the same plan on every machine.
    """
    sizes = [candidate.sample_bytes for candidate in candidates]
    smallest_lossless = min(
        (size for size, c in zip(sizes, candidates, strict=True) if c.codec_bound.is_lossless), default=None
    )

    def allowed(position: int) -> bool:
        lossy = not candidates[position].codec_bound.is_lossless
        return not (lossy and smallest_lossless is not None and sizes[position] >= smallest_lossless)

    usable = [position for position in range(len(candidates)) if allowed(position)]
    smallest = min(sizes[position] for position in usable)
    best = next(position for position in usable if sizes[position] <= slack * smallest)
    rest = sorted((position for position in usable if position != best), key=lambda position: sizes[position])
    return [best, *rest]


def _text_plan(dataset: StoredDataset, spec: VariableSpec, request: PlanRequest) -> VariablePlan:
    return VariablePlan(
        name=spec.name,
        dtype=spec.dtype,
        shape=spec.shape,
        chunk_shape=chunk_shape_of(dataset, spec, request.chunk_bytes),
        codec=TEXT_CODEC,
        parameters={},
        bound=Bound("lossless"),
        applied=Bound("lossless"),
        codec_bound=Bound("lossless"),
    )


def _within_budget(options: list[list[VariablePlan]], request: PlanRequest) -> list[VariablePlan]:
    """The first option of each variable; under a budget, as many of the smallest options as it takes, largest gain first."""
    chosen = [variants[0] for variants in options]
    if request.max_size is None:
        return chosen
    smallest = [min(variants, key=lambda plan: plan.predicted_bytes) for variants in options]
    gains = sorted(range(len(chosen)), key=lambda i: smallest[i].predicted_bytes - chosen[i].predicted_bytes)
    total = sum(plan.predicted_bytes for plan in chosen)
    for position in gains:
        if total <= request.max_size:
            return chosen
        total += smallest[position].predicted_bytes - chosen[position].predicted_bytes
        chosen[position] = smallest[position]
    if total > request.max_size:
        raise PlanError(
            f"max_size={request.max_size}: the smallest plan under these bounds takes about {total} bytes; "
            "loosen a bound or raise the budget"
        )
    return chosen
