"""What a plan is asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from cdt_core.errors import PlanError
from cdt_core.hooks.descriptor import CodecOffer, Processor
from cdt_core.model import BoundRules, ProcessorUse, VariablePlan, VariableSpec
from cdt_core.planning.objective import OBJECTIVES

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Metrics", "PlanRequest", "Rehearsal", "TriedBlock"]

#: Treats a region by a variable's plan some times in a row, as a chunk of its own, and throws away what comes of it. Gives the
#: processor seconds that each time took beside encoding and decoding; the first makes what the variable needs once.
Rehearsal = Callable[[VariablePlan, tuple[slice, ...], int], list[float]]


@frozen(eq=False)
class TriedBlock:
    """A sampled block: where it begins, its values as read and as physical ones, and what a codec made of them in its form."""

    start: tuple[int, ...]
    stored: NDArray[Any]
    physical: NDArray[Any]
    decoded: NDArray[Any]


#: Says, for a variable's plan and what it makes of its sampled blocks, which checks pass on the blocks and not on those.
Metrics = Callable[[VariablePlan, Sequence[TriedBlock]], tuple[str, ...]]


@frozen(eq=False)
class PlanRequest:
    """Bounds, objective and budgets of a plan, with the codecs and processors to choose from.

    ``processors`` maps name patterns of variables to what is applied to them, in order. ``chunk_bytes`` is the raw size
    that chunks aim at; ``max_size`` the most bytes that all encoded chunks may take, ``max_seconds`` the longest that they
    may take on ``workers`` threads, in the seconds of :mod:`cdt_core.model.plan`. ``seed`` is the annealing's. Where there
    are ``metrics``, no option is chosen that loses one; ``metrics_policy`` names what they are judged by.
    """

    bounds: BoundRules
    codecs: tuple[CodecOffer, ...]
    objective: str = field(default="balanced")
    max_size: int | None = field(default=None)
    max_seconds: float | None = field(default=None)
    processors: Mapping[str, tuple[ProcessorUse, ...]] = field(factory=dict)
    processor_offers: Mapping[str, Processor] = field(factory=dict)
    chunk_bytes: int = 8 << 20
    engine_version: str = ""
    workers: int = 1
    rehearsal: Rehearsal | None = None
    seed: int = 0
    metrics: Metrics | None = None
    metrics_policy: str | None = None

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

    @max_seconds.validator
    def _lasting(self, _: Any, value: float | None) -> None:
        if value is not None and (type(value) not in (int, float) or not 0 < value < math.inf):
            raise PlanError(f"max_seconds={value!r}: the budget must be a number of seconds above 0")

    def __attrs_post_init__(self) -> None:
        if self.objective == "fidelity" and self.max_size is None and self.max_seconds is None:
            raise PlanError(
                "objective 'fidelity' spends no more error than a limit makes it: give max_size or max_seconds"
            )
