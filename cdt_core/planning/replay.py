"""A plan made elsewhere, fitted to the dataset that it is to be applied to."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from cdt_core.errors import PlanError
from cdt_core.model import Bound, Plan, Profile, VariablePlan, VariableProfile, VariableSpec
from cdt_core.planning.promise import applied_bound, codec_bound

__all__ = ["fitted"]


def fitted(plan: Plan, specs: Mapping[str, VariableSpec], profile: Profile) -> Plan:
    """The plan for these variables; one made for other names, shapes or types is refused.

    A plan for decoded values (of a dataset that was opened and decoded) fits the packed variables of its file: those are
    then stored decoded, as the plan says. Bounds relative to the range are resolved anew, by these data's own range.

    Raises
    ------
    PlanError
        Naming the first variable that differs.
    BoundError
        A bound of the plan makes no sense for these data.
    """
    planned = {variable.name for variable in plan.variables}
    for name in specs:
        if name not in planned:
            raise PlanError(f"the plan has no variable {name!r}, which the dataset has; make a new plan")
    variables = [_fitted(variable, specs) for variable in plan.variables]
    return evolve(plan, variables=tuple(_promised(v, specs[v.name], profile[v.name]) for v in variables))


def _promised(variable: VariablePlan, spec: VariableSpec, profile: VariableProfile) -> VariablePlan:
    applied = applied_bound(spec, profile, variable.bound)
    if applied == variable.applied:
        return variable
    kept = Bound("lossless") if variable.codec_bound.is_lossless else codec_bound(spec, profile, applied, variable.form)
    return evolve(variable, applied=applied, codec_bound=kept)


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
