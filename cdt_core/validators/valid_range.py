"""Values outside the range that the file itself declares valid."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from cdt_core.hooks.contracts import Block, State
from cdt_core.model import Bound, Finding, VariableProfile, VariableSpec
from cdt_core.validators.summary import OfVariable

__all__ = ["ValidRange", "declared_range"]


def declared_range(spec: VariableSpec) -> tuple[float, float] | None:
    """``(lowest, highest)`` valid physical value by ``valid_range``, ``valid_min``, ``valid_max``; ``None`` undeclared.

    For a packed variable, limits of an integer type are on the packed scale (NetCDF Users Guide, attribute conventions).
    """
    attributes = spec.attributes
    pair = _numbers(attributes.get("valid_range"))
    low = _numbers(attributes.get("valid_min")) or pair[:1]
    high = _numbers(attributes.get("valid_max")) or pair[1:2]
    if not low and not high:
        return None
    limits = [low[0] if low else -math.inf, high[0] if high else math.inf]
    given = [attributes[key] for key in ("valid_range", "valid_min", "valid_max") if key in attributes]
    if spec.packing.is_packed and all(np.asarray(value).dtype.kind in "iu" for value in given):
        factor = 1.0 if spec.packing.scale_factor is None else spec.packing.scale_factor
        limits = sorted(limit * factor + (spec.packing.add_offset or 0.0) for limit in limits) if factor else limits
    return limits[0], limits[1]


def _numbers(value: Any) -> list[float]:
    if value is None:
        return []
    array = np.asarray(value).ravel()
    return [float(x) for x in array] if array.dtype.kind in "iuf" else []


class ValidRange(OfVariable):
    """Count of values outside the declared range; nothing for a variable that declares none."""

    def __init__(self, spec: VariableSpec, profile: VariableProfile, bound: Bound) -> None:
        super().__init__(spec, profile, bound)
        declared = declared_range(spec)
        # Limits are compared as the values' own type holds them: 0.1 in a file of float32 is float32(0.1).
        dtype = np.dtype(spec.packing.dtype or spec.dtype)
        if declared is not None and dtype.kind == "f":
            with np.errstate(over="ignore"):
                declared = float(dtype.type(declared[0])), float(dtype.type(declared[1]))
        self.declared = declared

    def start(self) -> State:
        """Nothing seen yet."""
        return {"original": 0, "treated": 0, "first": None}

    def update(self, state: State, block: Block) -> State:
        """Count on both sides, but only where the block's extremes leave the range."""
        if self.declared is None:
            return state
        low, high = self.declared
        more = self.start()
        for side, values in (("original", block.original), ("treated", block.treated)):
            extremes = getattr(block.comparison, side)
            if extremes.minimum is None or (extremes.minimum >= low and extremes.maximum <= high):
                continue
            outside = ((values < low) | (values > high)) & block.valid
            more[side] = int(np.count_nonzero(outside))
            if side == "original":
                inside = np.unravel_index(int(np.argmax(outside)), outside.shape)
                more["first"] = [int(s + i) for s, i in zip(block.start, inside, strict=True)]
        return self.merge(state, more)

    def merge(self, left: State, right: State) -> State:
        """Both together."""
        positions = [state["first"] for state in (left, right) if state["first"] is not None]
        return {
            "original": left["original"] + right["original"],
            "treated": left["treated"] + right["treated"],
            "first": min(positions, default=None),
        }

    def finish(self, state: State) -> Iterable[Finding]:
        """One finding when a range is declared and a finite value is there."""
        if self.declared is None or self.profile.minimum is None:
            return
        yield self.finding(
            "core.valid_range",
            "validity",
            state["original"],
            method="count of finite original values outside valid_min .. valid_max (NetCDF Users Guide)",
            parameters={"valid_min": _json(self.declared[0]), "valid_max": _json(self.declared[1])},
            evidence={"first": state["first"], "treated_outside": state["treated"]},
        )


def _json(limit: float) -> float | None:
    return limit if math.isfinite(limit) else None
