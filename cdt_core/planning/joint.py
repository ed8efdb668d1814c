"""The choice of all variables together, and what is said where no choice keeps the limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

from cdt_core.errors import PlanError
from cdt_core.model import ChoiceTrace, VariablePlan
from cdt_core.planning.annealing import chosen_by
from cdt_core.planning.choice import Choice, ChoiceProblem
from cdt_core.planning.objective import combined
from cdt_core.planning.options import VariableOptions
from cdt_core.planning.request import PlanRequest

__all__ = ["JointChoice"]

#: Measured times are counted in whole microseconds.
_MICROSECONDS = 1_000_000


class JointChoice:
    """One option for each variable: least under the objective, within the limits of the request."""

    def __init__(self, options: Sequence[VariableOptions], request: PlanRequest) -> None:
        self.options, self.request = options, request

    @cached_property
    def problem(self) -> ChoiceProblem:
        """Costs of the objective, loads of bytes and, where time is limited, of microseconds."""
        request, loads, limits = self.request, [], []
        if request.max_size is not None:
            loads.append([options.bytes() for options in self.options])
            limits.append(request.max_size)
        if request.max_seconds is not None:
            loads.append([[_microseconds(value) for value in options.seconds()] for options in self.options])
            limits.append(int(request.max_seconds * _MICROSECONDS))
        return ChoiceProblem.of(combined([options.costs() for options in self.options]), loads, limits)

    @cached_property
    def choice(self) -> Choice:
        """The best choice that was found."""
        return chosen_by(self.problem, self.request.seed)

    def made(self) -> tuple[list[VariablePlan], ChoiceTrace]:
        """The plans of all variables, and how they were chosen.

        Raises
        ------
        PlanError
            Nothing that was met keeps the limits.
        """
        choice = self.choice
        if not choice.fits:
            raise PlanError(self._refusal(choice))
        plans = [options.plan(best) for options, best in zip(self.options, choice.chosen, strict=True)]
        trace = ChoiceTrace(
            method=choice.method,
            cost=choice.cost,
            greedy_cost=choice.greedy_cost,
            seed=choice.seed,
            steps=choice.steps,
            energies=choice.trace,
            is_proved=choice.is_proved,
            is_timed=self.request.max_seconds is not None,
        )
        return plans, trace

    def _refusal(self, choice: Choice) -> str:
        """Which limit cannot be kept, and what the nearest choice takes."""
        request = self.request
        under = "under these bounds" if request.metrics is None else "under these bounds that keeps the metrics"
        if request.max_size is not None:
            smallest = sum(min(options.bytes()) for options in self.options)
            if smallest > request.max_size:
                return (
                    f"max_size={request.max_size}: the smallest plan {under} takes about {smallest} bytes; "
                    "loosen a bound or raise the budget"
                )
        if request.max_seconds is not None:
            fastest = sum(min(options.seconds()) for options in self.options)
            if fastest > request.max_seconds:
                return (
                    f"max_seconds={request.max_seconds:g}: the fastest plan {under} takes about {fastest:.3g} s "
                    f"with {request.workers} workers; give more workers or time"
                )
        return (
            f"max_size={request.max_size} and max_seconds={request.max_seconds}: no plan that keeps both was found; the "
            f"nearest takes about {choice.loads[0]} bytes and {choice.loads[1] / _MICROSECONDS:.3g} s; "
            "loosen a bound or raise a budget"
        )


def _microseconds(seconds: float) -> int:
    return math.ceil(seconds * _MICROSECONDS)
