"""What treating one variable's chunks needs; picklable, so that it can travel to a cluster's workers."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from attrs import define, field, frozen

from cdt_core.hooks.contracts import ChunkCodec, VariableSummary
from cdt_core.hooks.descriptor import CodecOffer, Processor, Validator
from cdt_core.model import Bound, VariablePlan, VariableProfile, VariableSpec
from cdt_core.model.grid import ChunkGrid

__all__ = ["ChunkRecord", "VariableJob"]


@define(slots=False, eq=False)
class VariableJob:
    """A variable's spec, profile and plan with the descriptors that the plan names; functions are imported at first use."""

    spec: VariableSpec
    profile: VariableProfile
    plan: VariablePlan
    codec_offer: CodecOffer
    processors: tuple[Processor, ...] = ()
    validators: tuple[Validator, ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        made = ("grid", "codec", "lossless_codec", "summaries", "physical_spec", "processor_functions", "edges")
        return {key: value for key, value in self.__dict__.items() if key not in made}

    @cached_property
    def grid(self) -> ChunkGrid:
        """The chunks of the variable."""
        return ChunkGrid(self.plan.shape, self.plan.chunk_shape)

    @cached_property
    def codec(self) -> ChunkCodec:
        """The codec that keeps the planned bound."""
        return self._codec(self.plan.codec_bound)

    @cached_property
    def lossless_codec(self) -> ChunkCodec:
        """The same codec, lossless: what a chunk falls back to."""
        return self._codec(Bound("lossless"))

    def codec_for(self, bound: Bound) -> ChunkCodec:
        """The codec that keeps a bound: the planned one, none but lossless, or a tighter one for a chunk of its own."""
        if bound.is_lossless:
            return self.lossless_codec
        return self.codec if bound == self.plan.codec_bound else self._codec(bound)

    def _codec(self, bound: Bound) -> ChunkCodec:
        codec: ChunkCodec = self.codec_offer.load()(self.plan.parameters, bound, self.missing_codes)
        return codec

    @property
    def missing_codes(self) -> tuple[float | int, ...]:
        """The codes for no value among the numbers that are stored."""
        return self.spec.packing.missing if self.plan.form == "stored" else ()

    @cached_property
    def processor_functions(self) -> list[tuple[Any, dict[str, Any]]]:
        """The plan's processors, imported, each with its parameters."""
        return [
            (processor.load(), dict(use.parameters))
            for processor, use in zip(self.processors, self.plan.processors, strict=True)
        ]

    @cached_property
    def physical_spec(self) -> VariableSpec:
        """The spec that validators see: complex values are their two parts along a last axis."""
        from attrs import evolve

        kind = np.dtype(self.spec.packing.dtype or self.spec.dtype).kind
        if kind != "c":
            return self.spec
        part = np.dtype(self.spec.packing.dtype or self.spec.dtype).type(0).real.dtype.name
        packing = evolve(self.spec.packing, dtype=part)
        return evolve(
            self.spec, dims=(*self.spec.dims, "part"), shape=(*self.spec.shape, 2), dtype=part, packing=packing
        )

    @cached_property
    def summaries(self) -> list[tuple[Validator, VariableSummary | Exception]]:
        """The validators that apply, made for this variable; one that cannot be made is kept as its exception."""
        made: list[tuple[Validator, VariableSummary | Exception]] = []
        for validator in self.validators:
            try:
                made.append((validator, validator.load()(self.physical_spec, self.profile, self.plan.applied)))
            except Exception as error:  # a validator's failure is a finding, never the end of a treatment
                made.append((validator, error))
        return made

    @cached_property
    def edges(self) -> tuple[float, float] | None:
        """Finite range of the physical values."""
        if self.profile.minimum is None or self.profile.maximum is None:
            return None
        return float(self.profile.minimum), float(self.profile.maximum)


@frozen(eq=False)
class ChunkRecord:
    """What treating one chunk measured. ``states`` has the state of each validator, ``errors`` the text of what one raised;
    ``seconds`` is the time of its task.
    """

    name: str
    position: int
    raw_bytes: int
    stored_bytes: int
    digests: dict[str, str]
    input_digest: str = ""
    max_error: float = 0.0
    exact_values: int = 0
    fallback: bool = False
    seconds: float = 0.0
    replayed: bool | None = None
    states: dict[str, Any] = field(factory=dict)
    errors: dict[str, str] = field(factory=dict)
