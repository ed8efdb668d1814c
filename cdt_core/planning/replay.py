"""A plan made elsewhere, fitted to the dataset that it is to be applied to."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from cdt_core.errors import PlanError
from cdt_core.model import Plan, VariablePlan, VariableSpec

__all__ = ["fitted"]


def fitted(plan: Plan, specs: Mapping[str, VariableSpec]) -> Plan:
    """The plan for these variables; one made for other names, shapes or types is refused.

    A plan for decoded values (of a dataset that was opened and decoded) fits the packed variables of its file: those are
    then stored decoded, as the plan says.

    Raises
    ------
    PlanError
        Naming the first variable that differs.
    """
    planned = {variable.name for variable in plan.variables}
    for name in specs:
        if name not in planned:
            raise PlanError(f"the plan has no variable {name!r}, which the dataset has; make a new plan")
    return evolve(plan, variables=tuple(_fitted(variable, specs) for variable in plan.variables))


def _fitted(variable: VariablePlan, specs: Mapping[str, VariableSpec]) -> VariablePlan:
    name, spec = variable.name, specs.get(variable.name)
    if spec is None:
        raise PlanError(f"the plan names variable {name!r}, which the dataset does not have")
    if spec.shape != variable.shape:
        raise PlanError(f"variable {name!r} has shape {spec.shape}, but the plan was made for {variable.shape}")
    decoded = spec.packing.dtype or spec.dtype
    expected = spec.dtype if variable.form == "stored" else decoded
    if expected == variable.dtype:
        return variable
    if spec.packing.is_packed and decoded == variable.dtype:
        return evolve(variable, form="decoded")
    raise PlanError(f"variable {name!r} has dtype {expected}, but the plan was made for {variable.dtype}")
