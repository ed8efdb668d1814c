"""What the variable-scope validators share: the variable they are made for, and findings that name it."""

from __future__ import annotations

from typing import Any

from attrs import asdict

from cdt_core.kernels.stats import Comparison, Description
from cdt_core.model import Bound, Finding, VariableProfile, VariableSpec
from cdt_core.model.finding import Dimension

__all__ = ["OfVariable", "comparison_of", "description_of", "is_changed", "state_of"]

_FLAGS = {"flag_values", "flag_masks", "flag_meanings"}


class OfVariable:
    """A check of one variable: keeps what every :class:`cdt_core.hooks.contracts.VariableSummary` is made from."""

    def __init__(self, spec: VariableSpec, profile: VariableProfile, bound: Bound) -> None:
        self.spec = spec
        self.profile = profile
        self.bound = bound

    @property
    def is_flag(self) -> bool:
        """True for codes (CF-1.12 section 3.5, status flags), whose distances and neighbourhoods mean nothing."""
        name = str(self.spec.attributes.get("standard_name", ""))
        return bool(_FLAGS & set(self.spec.attributes)) or name.split(" ")[-1].endswith("_flag")

    @property
    def has_spread(self) -> bool:
        """True when finite values differ."""
        return self.profile.minimum is not None and self.profile.minimum != self.profile.maximum

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


def is_changed(comparison: Comparison) -> bool:
    """True when the treatment changed any value."""
    return comparison.max_error > 0 or comparison.mismatched > 0
