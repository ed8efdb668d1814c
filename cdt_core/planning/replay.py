"""Check that a plan made elsewhere fits the dataset that it is to be applied to."""

from __future__ import annotations

from collections.abc import Mapping

from cdt_core.errors import PlanError
from cdt_core.model import Plan, VariableSpec

__all__ = ["check_fits"]


def check_fits(plan: Plan, specs: Mapping[str, VariableSpec]) -> None:
    """Refuse a replayed plan that was made for other variables, shapes or types.

    Raises
    ------
    PlanError
        Naming the first variable that differs.
    """
    planned = {variable.name for variable in plan.variables}
    for name in specs:
        if name not in planned:
            raise PlanError(f"the plan has no variable {name!r}, which the dataset has; make a new plan")
    for variable in plan.variables:
        spec = specs.get(variable.name)
        if spec is None:
            raise PlanError(f"the plan names variable {variable.name!r}, which the dataset does not have")
        if spec.shape != variable.shape:
            raise PlanError(
                f"variable {variable.name!r} has shape {spec.shape}, but the plan was made for {variable.shape}"
            )
        expected = spec.dtype if variable.form == "stored" else (spec.packing.dtype or spec.dtype)
        if expected != variable.dtype:
            raise PlanError(
                f"variable {variable.name!r} has dtype {expected}, but the plan was made for {variable.dtype}"
            )
