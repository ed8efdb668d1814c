"""Frozen values that travel between the stages of a treatment. No I/O, no NumPy, no behaviour beyond their own fields."""

from __future__ import annotations

from cdt_core.model.bound import Bound, BoundRules
from cdt_core.model.certificate import Certificate
from cdt_core.model.finding import DIMENSIONS, Finding, Verdict
from cdt_core.model.packing import Packing
from cdt_core.model.plan import Candidate, ChoiceTrace, Plan, ProcessorUse, VariablePlan
from cdt_core.model.profile import Profile, VariableProfile
from cdt_core.model.treatment import Treatment, VariableOutcome
from cdt_core.model.variable import VariableSpec

__all__ = [
    "DIMENSIONS",
    "Bound",
    "BoundRules",
    "Candidate",
    "Certificate",
    "ChoiceTrace",
    "Finding",
    "Packing",
    "Plan",
    "ProcessorUse",
    "Profile",
    "Treatment",
    "VariableOutcome",
    "VariablePlan",
    "VariableProfile",
    "VariableSpec",
    "Verdict",
]
