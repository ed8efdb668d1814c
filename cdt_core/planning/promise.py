"""From the bound that was asked for to the one that a codec keeps on the numbers that it is given."""

from __future__ import annotations

from typing import Any

import numpy as np

from cdt_core.errors import BoundError
from cdt_core.model import Bound, VariableProfile, VariableSpec

__all__ = ["applied_as", "applied_bound", "codec_bound", "packed_steps", "reads_within"]

#: What rounding may take of a root mean square, at most.
_BELOW_ONE = 1 - 2.0**-40


def applied_bound(spec: VariableSpec, profile: VariableProfile, asked: Bound) -> Bound:
    """``asked`` on the physical values, ``rel`` resolved by their range; times, durations and truth values are lossless.

    Raises
    ------
    BoundError
        The bound makes no sense for the variable, which is named.
    """
    kind = np.dtype(spec.packing.dtype or spec.dtype).kind
    is_duration = str(spec.attributes.get("dtype", "")).startswith("timedelta64")  # numbers by now
    if asked.is_lossless or kind in "bO" or is_duration or not spec.size:
        return Bound("lossless")
    try:
        return asked.applied(profile.minimum, profile.maximum)
    except BoundError as error:
        raise BoundError(f"variable {spec.name!r}: {error}") from None


def applied_as(spec: VariableSpec, profile: VariableProfile, asked: Bound, kept: Bound) -> Bound:
    """``asked`` on the physical values where a codec keeps ``kept``: for all values together, or each of them."""
    applied = applied_bound(spec, profile, asked)
    if kept.kind != "rmse" or applied.is_lossless:
        return applied
    return asked.as_rmse(profile.minimum, profile.maximum)


def codec_bound(
    spec: VariableSpec, profile: VariableProfile, applied: Bound, form: str, error_share: float = 1.0
) -> Bound:
    """What the codec must keep in that form, so that ``error_share`` of ``applied`` holds on physical values."""
    if not applied.is_lossless:
        # What sums of squares round is kept away from the promise.
        allowed = applied.value * error_share * (_BELOW_ONE if applied.kind == "rmse" else 1)
        applied = Bound(applied.kind, allowed) if allowed > 0 else Bound("lossless")
    if applied.is_lossless or form == "decoded" or not spec.packing.is_packed:
        return applied
    steps = packed_steps(spec, profile, applied)
    return Bound("abs", float(steps)) if steps >= 1 else Bound("lossless")


def packed_steps(spec: VariableSpec, profile: VariableProfile, applied: Bound) -> int:
    """How many steps of a packed integer an absolute bound allows, less what unpacking itself may round."""
    dtype = np.dtype(spec.packing.dtype or "f8")
    if applied.kind != "abs" or np.dtype(spec.dtype).kind not in "iu" or profile.minimum is None or dtype.kind != "f":
        return 0
    scale = 1.0 if spec.packing.scale_factor is None else abs(float(spec.packing.scale_factor))
    room = applied.value - _rounding(spec, profile, dtype)
    return int(room / scale) if scale > 0 and room > scale else 0


def reads_within(spec: VariableSpec, profile: VariableProfile, applied: Bound) -> bool:
    """True when packed numbers, unchanged, keep ``applied`` as any reader of the store unpacks them.

    Attributes of a Zarr store are JSON, which has no float32: what the source unpacks in float32, readers of the store unpack
    in float64, without its rounding.
    """
    if applied.is_lossless or spec.packing.dtype != "float32" or profile.minimum is None:
        return True
    if applied.kind == "pw_rel":
        return not spec.packing.add_offset and applied.value >= 4 * float(np.finfo(np.float32).eps)
    return applied.value >= _rounding(spec, profile, np.dtype(np.float32))


def _rounding(spec: VariableSpec, profile: VariableProfile, dtype: np.dtype[Any]) -> float:
    """The most that unpacking in ``dtype`` rounds."""
    offset = abs(float(spec.packing.add_offset or 0.0))
    largest = max(abs(float(profile.minimum or 0.0)), abs(float(profile.maximum or 0.0))) + offset
    return 4 * float(np.finfo(dtype).eps) * largest
