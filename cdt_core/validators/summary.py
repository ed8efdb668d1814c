"""What the variable-scope validators share: the variable they are made for, and findings that name it."""

from __future__ import annotations

from typing import Any

from attrs import asdict

from cdt_core.kernels.stats import Comparison, Description
from cdt_core.model import Bound, Finding, VariableProfile, VariableSpec
from cdt_core.model.finding import Dimension

__all__ = ["OfVariable", "comparison_of", "description_of", "state_of"]


class OfVariable:
    """A check of one variable: keeps what every :class:`cdt_core.hooks.contracts.VariableSummary` is made from."""

    def __init__(self, spec: VariableSpec, profile: VariableProfile, bound: Bound) -> None:
        self.spec = spec
        self.profile = profile
        self.bound = bound

    @property
    def units(self) -> str:
        """Units of the variable, ``"1"`` without."""
        return self.spec.units or "1"

    def finding(self, check: str, dimension: Dimension, value: float | int | str | None, **more: Any) -> Finding:
        """A finding on this variable."""
        return Finding(check=check, dimension=dimension, value=value, variable=self.spec.name, **more)


def state_of(summary: Comparison | Description) -> dict[str, Any]:
    """A statistics value as a state."""
    return asdict(summary)


def description_of(state: dict[str, Any]) -> Description:
    """The description that :func:`state_of` wrote."""
    return Description(**state)


def comparison_of(state: dict[str, Any]) -> Comparison:
    """The comparison that :func:`state_of` wrote."""
    parts = {"original": Description(**state["original"]), "treated": Description(**state["treated"])}
    return Comparison(**{**state, **parts})
