"""What a plan is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from attrs import field, frozen

from cdt_core.errors import PlanError
from cdt_core.hooks.descriptor import CodecOffer, Processor
from cdt_core.model import BoundRules, ProcessorUse, VariableSpec

__all__ = ["OBJECTIVES", "PlanRequest"]

#: Objective -> how much larger than the smallest candidate a faster one may be and still be taken.
OBJECTIVES: Mapping[str, float] = {"size": 1.0, "balanced": 1.05, "speed": 1.5}


@frozen(eq=False)
class PlanRequest:
    """Bounds, objective and budget of a plan, with the codecs and processors to choose from.

    ``processors`` maps name patterns of variables to what is applied to them, in order. ``chunk_bytes`` is the raw size
    that chunks aim at; ``max_size`` the most bytes that all encoded chunks may take.
    """

    bounds: BoundRules
    codecs: tuple[CodecOffer, ...]
    objective: str = field(default="balanced")
    max_size: int | None = field(default=None)
    processors: Mapping[str, tuple[ProcessorUse, ...]] = field(factory=dict)
    processor_offers: Mapping[str, Processor] = field(factory=dict)
    chunk_bytes: int = 8 << 20
    engine_version: str = ""

    @objective.validator
    def _known(self, _: Any, value: str) -> None:
        if value not in OBJECTIVES:
            raise PlanError(f"objective {value!r}: use one of {', '.join(OBJECTIVES)}")

    def processors_for(self, spec: VariableSpec) -> tuple[ProcessorUse, ...]:
        """What is applied to a variable: of the first pattern that matches; nothing to coordinates."""
        if spec.role != "data":
            return ()
        return next((tuple(uses) for pattern, uses in self.processors.items() if fnmatchcase(spec.name, pattern)), ())

    @max_size.validator
    def _positive(self, _: Any, value: int | None) -> None:
        if value is not None and (type(value) is not int or value <= 0):
            raise PlanError(f"max_size={value!r}: the budget must be a whole number of bytes above 0")
