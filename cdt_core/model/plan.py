"""The plan: how each variable will be stored. JSON in, JSON out; replayable."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from attrs import field, frozen

from cdt_core.model.bound import Bound

__all__ = ["PLAN_VERSION", "Candidate", "Plan", "ProcessorUse", "VariablePlan"]

PLAN_VERSION = 1


@frozen
class ProcessorUse:
    """A processor applied to a variable before it is encoded, with its parameters."""

    name: str
    parameters: Mapping[str, Any] = field(factory=dict)


@frozen
class Candidate:
    """A way to store a variable that was tried on sampled blocks, with what it measured there.

    ``ratio`` is raw bytes over encoded bytes of the samples, ``sample_bytes`` the latter. Time is not kept: it would make
    the plan depend on the machine. Codecs list their parameters from fast to slow instead. ``error_share`` is the share of
    the applied bound that the codec was allowed, ``max_error`` the largest error that it made on the samples.
    """

    codec: str
    parameters: Mapping[str, Any]
    form: str
    codec_bound: Bound
    ratio: float
    sample_bytes: int
    chosen: bool = False
    error_share: float = 1.0
    max_error: float = 0.0


@frozen
class VariablePlan:
    """How one variable is stored.

    ``form`` is ``"stored"`` (the file's own numbers, packed ones stay packed) or ``"decoded"`` (physical values), and
    ``dtype`` the type of the numbers in that form. ``bound`` is the promise asked for; ``applied`` the same on physical
    values with ``rel`` resolved to ``abs`` by the range; ``error_share`` the share of ``applied`` that the codec is allowed,
    below 1 where less error costs nothing; ``codec_bound`` what the codec must keep on the numbers that it is given,
    so that ``error_share`` of ``applied`` holds once they are unpacked.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    chunk_shape: tuple[int, ...]
    codec: str
    parameters: Mapping[str, Any]
    bound: Bound
    applied: Bound
    codec_bound: Bound
    form: str = "stored"
    error_share: float = 1.0
    processors: tuple[ProcessorUse, ...] = ()
    predicted_bytes: int = 0
    candidates: tuple[Candidate, ...] = ()
    note: str = ""


@frozen
class Plan:
    """The plans of all variables, in the dataset's order, and what they were made for."""

    variables: tuple[VariablePlan, ...]
    objective: str = "balanced"
    max_size: int | None = None
    engine_version: str = ""
    version: int = PLAN_VERSION

    def __getitem__(self, name: str) -> VariablePlan:
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, VariablePlan]:
        return {variable.name: variable for variable in self.variables}

    @property
    def predicted_bytes(self) -> int:
        """Predicted size of all encoded chunks, in bytes."""
        return sum(variable.predicted_bytes for variable in self.variables)

    def _repr_html_(self) -> str:
        from cdt_core.model.notebook import plan_html

        return plan_html(self)
