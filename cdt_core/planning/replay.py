"""A plan made elsewhere, fitted to the dataset that it is to be applied to."""

from __future__ import annotations

import math
from collections.abc import Mapping

from attrs import evolve

from cdt_core.errors import PlanError
from cdt_core.model import Bound, Plan, Profile, VariablePlan, VariableProfile, VariableSpec
from cdt_core.model.grid import ChunkGrid
from cdt_core.model.plan import PLAN_VERSION
from cdt_core.planning.chunks import is_text
from cdt_core.planning.objective import OBJECTIVES
from cdt_core.planning.options import TEXT_CODEC
from cdt_core.planning.promise import applied_as, codec_bound

__all__ = ["aligned", "fitted"]

#: Plans of these versions differ in what they say of their making alone; all that is done is in each.
_READ_VERSIONS = range(1, PLAN_VERSION + 1)


def fitted(plan: Plan, specs: Mapping[str, VariableSpec], profile: Profile) -> Plan:
    """The plan for these variables and values: :func:`aligned`, with bounds relative to the range resolved anew.

    Raises
    ------
    PlanError
        Naming the first variable that differs.
    BoundError
        A bound of the plan makes no sense for these data.
    """
    plan = aligned(plan, specs)
    return evolve(plan, variables=tuple(_promised(v, specs[v.name], profile[v.name]) for v in plan.variables))


def aligned(plan: Plan, specs: Mapping[str, VariableSpec]) -> Plan:
    """The plan in the order of these variables; one made for other names, shapes or types is refused, before data are read.

    A plan for decoded values (of a dataset that was opened and decoded) fits the packed variables of its file: those are
    then stored decoded, as the plan says.

    Raises
    ------
    PlanError
        Of another version, without sense, or for other data; names the first variable that differs.
    """
    if plan.version not in _READ_VERSIONS:
        raise PlanError(
            f"the plan is of version {plan.version}, and this program reads 1 to {PLAN_VERSION}; make a new plan"
        )
    _check_limits(plan)
    planned = {variable.name: variable for variable in plan.variables}
    if len(planned) < len(plan.variables):
        raise PlanError("the plan names a variable twice")
    for name in planned:
        if name not in specs:
            raise PlanError(f"the plan names variable {name!r}, which the dataset does not have")
    for name in specs:
        if name not in planned:
            raise PlanError(f"the plan has no variable {name!r}, which the dataset has; make a new plan")
    variables = tuple(_aligned(planned[name], spec) for name, spec in specs.items())
    return evolve(plan, variables=variables, version=PLAN_VERSION)


def _check_limits(plan: Plan) -> None:
    if plan.objective not in OBJECTIVES or (plan.max_size is not None and plan.max_size < 1):
        raise PlanError(f"the plan's objective {plan.objective!r} or max_size {plan.max_size} makes no sense")
    if plan.max_seconds is not None and not 0 < plan.max_seconds < math.inf:
        raise PlanError(f"the plan's max_seconds {plan.max_seconds} makes no sense")


def _promised(variable: VariablePlan, spec: VariableSpec, profile: VariableProfile) -> VariablePlan:
    applied = applied_as(spec, profile, variable.bound, variable.codec_bound)
    kept = Bound("lossless")
    if not variable.codec_bound.is_lossless:
        kept = codec_bound(spec, profile, applied, variable.form, variable.error_share)
    return evolve(variable, applied=applied, codec_bound=kept)


def _aligned(variable: VariablePlan, spec: VariableSpec) -> VariablePlan:
    name, exact = variable.name, spec.role != "data" or is_text(spec)
    if spec.shape != variable.shape:
        raise PlanError(f"variable {name!r} has shape {spec.shape}, but the plan was made for {variable.shape}")
    longest = tuple(max(1, length) for length in spec.shape)
    ChunkGrid(spec.shape, variable.chunk_shape)
    if any(chunk > length for chunk, length in zip(variable.chunk_shape, longest, strict=True)):
        raise PlanError(f"variable {name!r} of shape {spec.shape} has no chunks of shape {variable.chunk_shape}")
    if variable.form not in ("stored", "decoded") or (variable.codec == TEXT_CODEC) != is_text(spec):
        raise PlanError(
            f"variable {name!r} of {spec.dtype} cannot be stored by {variable.codec!r} as {variable.form!r}"
        )
    if not 0 < variable.error_share <= 1:
        raise PlanError(f"variable {name!r}: error_share {variable.error_share} is not above 0 and at most 1")
    if exact and (variable.processors or not variable.bound.is_lossless):
        raise PlanError(f"variable {name!r} is a coordinate or text: always lossless, and without processors")
    decoded = spec.packing.dtype or spec.dtype
    as_stored = variable.form == "stored" and not variable.processors
    expected = spec.dtype if as_stored else decoded
    if expected == variable.dtype:
        return variable
    if spec.packing.is_packed and decoded == variable.dtype:
        return evolve(variable, form="decoded")
    raise PlanError(f"variable {name!r} has dtype {expected}, but the plan was made for {variable.dtype}")
