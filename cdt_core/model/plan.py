"""The plan: how each variable will be stored. JSON in, JSON out; replayable.

Seconds that are predicted (``predicted_seconds``), limited (``max_seconds``) and measured (``Treatment.variable_seconds``) are
one quantity: processor time of the tasks that read, encode, check, summarise and write chunks, over the number of workers.
So long the clock runs for them where no worker waits for a disk, for another program or for Python's lock: a limit that
a busy machine neither breaks nor keeps. Profiling, planning, text and certifying are no part of it; the time by the clock of
all together is ``Treatment.seconds``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from attrs import evolve, field, frozen

from cdt_core.model.bound import Bound

__all__ = ["PLAN_VERSION", "Candidate", "ChoiceTrace", "Plan", "ProcessorUse", "VariablePlan"]

#: Version 2 says how the choice was made, and may have a limit of time; version 3 has the chunk shapes that were tried, and
#: the metrics that were lost. Plans of versions 1 and 2 are read as well.
PLAN_VERSION = 3


@frozen
class ProcessorUse:
    """A processor applied to a variable before it is encoded, with its parameters."""

    name: str
    parameters: Mapping[str, Any] = field(factory=dict)


@frozen
class Candidate:
    """A way to store a variable that was tried on sampled blocks, with what it measured there.

    ``ratio`` is raw bytes over encoded bytes of the samples, ``sample_bytes`` the latter. ``error_share`` is the share of
    the applied bound that the codec was allowed, ``max_error`` the largest error that it made on the samples. ``seconds`` (of
    this module) is what the variable would take, as predicted from the trial: it is of this machine, so no part of
    what makes candidates equal, and kept in files only where a limit of time was asked for. Codecs list their
    parameters from fast to slow, and without such a limit that order decides. ``chunk_shape`` is that of its chunks,
    and empty in plans of earlier versions; where it is not the default one, ``sample_bytes`` are those of the default times
    the ratio on a region that was cut both ways. ``lost`` are the checks that pass on the samples, and no longer on the
    decoded ones; they are looked at where metrics are to be kept, and such an option is not chosen.
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
    seconds: float | None = field(default=None, eq=False)
    lost: tuple[str, ...] = ()
    chunk_shape: tuple[int, ...] = ()


@frozen
class ChoiceTrace:
    """How the options of all variables were chosen together.

    ``method`` is what found the choice, with its ``seed`` and number of ``steps``; ``cost`` is the choice's, in the
    whole numbers that the objective makes of what the options lack, and ``greedy_cost`` that of the greedy choice,
    ``None`` where that kept no limit. ``energies`` are (step, least cost met so far) wherever it fell. ``is_proved``
    says that none costs less, ``is_timed`` that measured seconds decided: another run or machine may choose otherwise.
    """

    method: str
    cost: int = 0
    greedy_cost: int | None = None
    seed: int = 0
    steps: int = 0
    energies: tuple[tuple[int, int], ...] = ()
    is_proved: bool = False
    is_timed: bool = False


@frozen
class VariablePlan:
    """How one variable is stored.

    ``form`` is ``"stored"`` (the file's own numbers, packed ones stay packed) or ``"decoded"`` (physical values), and
    ``dtype`` the type of the numbers in that form. ``bound`` is the promise asked for; ``applied`` the same on physical
    values with ``rel`` resolved to ``abs`` by the range; ``error_share`` the share of ``applied`` that the codec is allowed,
    below 1 where less error costs nothing; ``codec_bound`` what the codec must keep on the numbers that it is given,
    so that ``error_share`` of ``applied`` holds once they are unpacked. ``predicted_bytes`` and ``predicted_seconds`` (on all
    workers; see :class:`Candidate`) come from the sampled blocks.
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
    predicted_seconds: float | None = field(default=None, eq=False)


@frozen
class Plan:
    """The plans of all variables, in the dataset's order, and what they were made for.

    ``max_size`` is the most bytes that all chunks may take, ``max_seconds`` the longest that reading, encoding and checking
    them may take on all workers; both were kept by what the samples predict. ``metrics_policy`` is the policy under which
    each variable's checks that pass on the samples still pass once those are decoded; ``None`` where that was not asked for.
    """

    variables: tuple[VariablePlan, ...]
    objective: str = "balanced"
    max_size: int | None = None
    engine_version: str = ""
    version: int = PLAN_VERSION
    max_seconds: float | None = None
    choice: ChoiceTrace | None = None
    metrics_policy: str | None = None

    def __getitem__(self, name: str) -> VariablePlan:
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, VariablePlan]:
        return {variable.name: variable for variable in self.variables}

    @property
    def predicted_bytes(self) -> int:
        """Predicted size of all encoded chunks, in bytes."""
        return sum(variable.predicted_bytes for variable in self.variables)

    @property
    def predicted_seconds(self) -> float | None:
        """Predicted time of reading, encoding and checking all chunks on all workers; ``None`` where none was measured."""
        known = [variable.predicted_seconds for variable in self.variables if variable.predicted_seconds is not None]
        return sum(known) if known else None

    @property
    def without_times(self) -> Plan:
        """The plan less every measured time."""
        return evolve(self, variables=tuple(map(_untimed, self.variables)))

    @property
    def recorded(self) -> Plan:
        """What a file keeps: times only where a limit of time was asked for, so that else the same data give the same file."""
        return self if self.max_seconds is not None else self.without_times

    def _repr_html_(self) -> str:
        from cdt_core.model.notebook import plan_html

        return plan_html(self)


def _untimed(variable: VariablePlan) -> VariablePlan:
    candidates = tuple(evolve(candidate, seconds=None) for candidate in variable.candidates)
    return evolve(variable, predicted_seconds=None, candidates=candidates)
