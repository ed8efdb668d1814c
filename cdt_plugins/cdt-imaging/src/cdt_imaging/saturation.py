"""Pixels at the top of what the detector, or the type, can hold."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cdt_core.hooks.contracts import Block, State
from cdt_core.model import Bound, Finding, VariableProfile, VariableSpec
from cdt_imaging.summary import OfImage, has_intensities

__all__ = ["Saturation"]

_FEWEST_BITS = 8


class Saturation(OfImage):
    """Counts values at the ceiling.

    The ceiling of integers is the largest number of ``bits_stored`` bits, or of the type; where the largest value of the
    image is itself ``2**k - 1`` (``k`` at least 8: a 12-bit camera in a 16-bit file), it is that. Floating-point values have
    no ceiling of their own: the largest value stands for it. Masks and palette indices are not looked at.
    """

    def __init__(self, spec: VariableSpec, profile: VariableProfile, bound: Bound) -> None:
        super().__init__(spec, profile, bound)
        self.ceiling = self._ceiling() if self.applies and has_intensities(spec) else None

    def _ceiling(self) -> tuple[float, float] | None:
        """The ceiling and half a step below it, in physical units; a negative step turns the comparison round."""
        dtype, packing, attributes = np.dtype(self.spec.dtype), self.spec.packing, self.spec.attributes
        low, high = self.profile.minimum, self.profile.maximum
        if low is None or high is None or low == high:
            return None
        if dtype.kind == "f":
            return float(high), 0.0
        bits = min(int(attributes.get("bits_stored", 8 * dtype.itemsize)), 8 * dtype.itemsize)
        if dtype.kind not in "iu":
            return None
        step = 1.0 if packing.scale_factor is None else packing.scale_factor
        offset = packing.add_offset or 0.0
        if step == 0:
            return None
        largest = round(((high if step > 0 else low) - offset) / step)
        top = (1 << (bits - (dtype.kind == "i"))) - 1
        is_full_scale = largest >= (1 << _FEWEST_BITS) - 1 and (largest + 1) & largest == 0
        return (largest if is_full_scale else top) * step + offset, step / 2

    def start(self) -> State:
        """Nothing counted."""
        return {"count": 0, "at_ceiling": 0}

    def update(self, state: State, block: Block) -> State:
        """Count one block."""
        if self.ceiling is None:
            return state
        ceiling, half = self.ceiling
        valid = block.valid
        top = block.original >= ceiling - half if half >= 0 else block.original <= ceiling - half
        state["count"] += int(np.count_nonzero(valid))
        state["at_ceiling"] += int(np.count_nonzero(top & valid))
        return state

    def merge(self, left: State, right: State) -> State:
        """Both together."""
        return {key: left[key] + right[key] for key in left}

    def finish(self, state: State) -> Iterable[Finding]:
        """The share of valid values at the ceiling."""
        if self.ceiling is None or not state["count"]:
            return
        yield self.finding(
            "imaging.saturation",
            "validity",
            state["at_ceiling"] / state["count"],
            method="share of valid values at the ceiling of the stored bits, or at the image's full scale 2**k - 1 "
            "(for floating point: at the largest value)",
            parameters={"ceiling": self.ceiling[0]},
            evidence=dict(state),
        )
