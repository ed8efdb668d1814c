"""What the plans of all variables come from."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping
from functools import cached_property

from attrs import field, frozen

from cdt_core.model import Bound, Profile, VariablePlan, VariableSpec
from cdt_core.planning.chunks import chunk_shape_of, is_text
from cdt_core.planning.pace import Paces
from cdt_core.planning.promise import applied_bound
from cdt_core.planning.request import PlanRequest
from cdt_core.planning.trial import SampledValues, sampled_values, slow_values
from cdt_core.readers.stored import StoredDataset

__all__ = ["Basis", "Known", "base_plan"]


@frozen(eq=False)
class Known:
    """Of a few alike variables: the seconds of calls by setting (of trials), and other grids that made one of them smaller."""

    timed: Mapping[Hashable, float]
    grids: Collection[tuple[int, ...]]


@frozen(eq=False)
class Basis:
    """What the options of all variables come from; samples are of ``sampled``, and ``paces`` say what goes beside the
    codecs; ``known`` is what was found of others that are alike.
    """

    dataset: StoredDataset
    sampled: SampledValues
    profile: Profile
    request: PlanRequest
    paces: dict[str, Paces] = field(factory=dict)
    known: dict[str, Known] = field(factory=dict)

    @cached_property
    def bases(self) -> dict[str, VariablePlan]:
        """What is known of the plan of each variable with numbers before its codec is."""
        return {name: base_plan(self, spec) for name, spec in self.dataset.specs.items() if not is_text(spec)}

    @cached_property
    def most_values(self) -> tuple[int, int]:
        """How many values of a variable are sampled at most, and how many of those slow settings are tried on."""
        sizes = [math.prod(plan.shape) for plan in self.bases.values()]
        return sampled_values(sizes), slow_values(sizes)


def base_plan(basis: Basis, spec: VariableSpec) -> VariablePlan:
    """What is known of a variable's plan before its codec is."""
    dataset, profile, request = basis.dataset, basis.profile, basis.request
    asked = request.bounds.bound_for(spec.name) if spec.role == "data" else Bound("lossless")
    applied = applied_bound(spec, profile[spec.name], asked)
    return VariablePlan(
        name=spec.name,
        dtype=spec.dtype,
        shape=spec.shape,
        chunk_shape=chunk_shape_of(dataset, spec, request.chunk_bytes),
        codec="",
        parameters={},
        bound=asked,
        applied=applied,
        codec_bound=applied,
        processors=request.processors_for(spec),
    )
