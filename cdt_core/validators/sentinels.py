"""Codes for 'no value' that no attribute declares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.hooks.contracts import Block, State
from cdt_core.model import Bound, Finding, VariableProfile, VariableSpec
from cdt_core.validators.sampling import lattice_of, strides_for
from cdt_core.validators.summary import OfVariable

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Sentinels", "candidates_of"]

_COMMON = (-999.0, -9999.0, -99999.0, -1e34, 1e20, 1e30, 1e35, 1e36, 1e37, 9.96921e36, 9.969209968386869e36)
#: NetCDF's default fill values and the limits of the types.
_OF_TYPE = {
    "int16": (-32767, -32768, 32767),
    "int32": (-2147483647, -2147483648, 2147483647),
    "int64": (-9223372036854775806, -9223372036854775808, 9223372036854775807),
    "uint16": (65535,),
    "uint32": (4294967295,),
    "uint64": (18446744073709551614, 18446744073709551615),
}
_THIN, _SAMPLE = 4096, 1024


def candidates_of(spec: VariableSpec) -> list[float | int]:
    """Values that would be sentinels of this variable, as its physical type holds them; declared codes are left out."""
    packing = spec.packing
    dtype = np.dtype(packing.dtype or spec.dtype)
    declared = {float(code) for code in packing.missing}
    declared |= {
        float(x) for x in np.ravel(spec.attributes.get("flag_values", ())) if np.asarray(x).dtype.kind in "iuf"
    }
    codes = [code for code in _OF_TYPE.get(spec.dtype, ()) if float(code) not in declared]
    if packing.is_packed:
        factor = dtype.type(1 if packing.scale_factor is None else packing.scale_factor)
        with np.errstate(over="ignore"):
            found = {(dtype.type(c) * factor + dtype.type(packing.add_offset or 0)).item() for c in codes}
        return sorted(found | {c for c in _held(_COMMON, dtype) if c not in declared})
    return sorted({*codes, *(c for c in _held(_COMMON, dtype) if c not in declared)})


def _held(values: Iterable[float], dtype: np.dtype[Any]) -> list[float | int]:
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            held = [dtype.type(value) for value in values]
        return [value.item() for value in held if np.isfinite(value)]
    limits = np.iinfo(dtype)
    return [int(v) for v in values if limits.min <= v <= limits.max]


class Sentinels(OfVariable):
    """Counts candidates that stand apart: at least as far from the nearest other value as that is from the median.

    A block is searched value by value only when a candidate lies inside its range with no other value close to it.
    """

    def __init__(self, spec: VariableSpec, profile: VariableProfile, bound: Bound) -> None:
        super().__init__(spec, profile, bound)
        self.candidates = candidates_of(spec)

    def start(self) -> State:
        """Per candidate: count, first position, nearest other value below and above; and a sample of the others."""
        blank = [{"count": 0, "first": None, "below": None, "above": None} for _ in self.candidates]
        return {"seen": blank, "sample": np.zeros(0)}

    def update(self, state: State, block: Block) -> State:
        """Add one block."""
        described = block.comparison.original
        if described.minimum is None or described.maximum is None:
            return state
        inside = [c for c in self.candidates if described.minimum <= c <= described.maximum]
        points = lattice_of(block, strides_for(self.spec.shape, _SAMPLE))
        more: State = {"seen": [], "sample": points[~np.isin(points, np.array(self.candidates, np.float64))]}
        apart = self._apart(block, inside) if inside else []
        others = np.array([described.minimum, described.maximum], dtype=block.original.dtype)
        hits: dict[float | int, tuple[int, list[int] | None]] = {}
        if apart:
            kept = block.valid.copy()
            for code in apart:
                hits[code] = _search(block, code, kept)
            others = _surroundings(block.original[kept], apart)
        for code in self.candidates:
            count, first = hits.get(code, (0, None))
            crowded = code in inside and code not in apart
            below, above = (code, code) if crowded else _nearest(others, code)
            more["seen"].append({"count": count, "first": first, "below": below, "above": above})
        return self.merge(state, more)

    @staticmethod
    def _apart(block: Block, inside: list[float | int]) -> list[float | int]:
        """The candidates that a thin sample of the block does not show to lie among other values."""
        flat = block.original.reshape(-1)
        step = max(1, flat.size // _THIN)
        thin = flat[::step][block.valid.reshape(-1)[::step]].astype(np.float64)
        apart = []
        for code in inside:
            with np.errstate(over="ignore"):
                near = np.abs(thin[thin != code] - code)
                spread = np.abs(thin - np.median(thin)) if thin.size else near
                if not near.size or near.min() >= 0.01 * float(np.median(spread)):
                    apart.append(code)
        return apart

    def merge(self, left: State, right: State) -> State:
        """Both together."""
        seen = []
        for a, b in zip(left["seen"], right["seen"], strict=True):
            seen.append(
                {
                    "count": a["count"] + b["count"],
                    "first": min((p for p in (a["first"], b["first"]) if p is not None), default=None),
                    "below": max((v for v in (a["below"], b["below"]) if v is not None), default=None),
                    "above": min((v for v in (a["above"], b["above"]) if v is not None), default=None),
                }
            )
        return {"seen": seen, "sample": np.concatenate([left["sample"], right["sample"]])}

    def finish(self, state: State) -> Iterable[Finding]:
        """The number of values that look like sentinels; not asked of bit fields, nor without a finite value."""
        if self.profile.minimum is None or (self.is_flag and "flag_values" not in self.spec.attributes):
            return
        with np.errstate(over="ignore"):
            median = float(np.median(state["sample"])) if state["sample"].size else None
        evidence: dict[str, Any] = {}
        for code, seen in zip(self.candidates, state["seen"], strict=True):
            near = [value for value in (seen["below"], seen["above"]) if value is not None]
            if not seen["count"] or not near:
                continue
            nearest = min(near, key=lambda value: abs(value - code))
            if nearest != code and abs(nearest - code) >= abs(nearest - (nearest if median is None else median)):
                evidence[repr(code)] = {"count": seen["count"], "first": seen["first"], "nearest_other_value": nearest}
        yield self.finding(
            "core.undeclared_sentinels",
            "validity",
            sum(entry["count"] for entry in evidence.values()),
            method="values equal to a usual code for 'no value' that no attribute declares, whose distance to the nearest "
            "other value is at least that value's distance to the median (of a sample)",
            parameters={"candidates": list(self.candidates)},
            evidence=evidence,
        )


def _search(block: Block, code: float | int, kept: NDArray[np.bool_]) -> tuple[int, list[int] | None]:
    """Count of ``code`` in the block and its first position; takes those values out of ``kept``."""
    hit = (block.original == block.original.dtype.type(code)) & block.valid
    count = int(np.count_nonzero(hit))
    if not count:
        return 0, None
    kept &= ~hit
    inside = np.unravel_index(int(np.argmax(hit)), hit.shape)
    return count, [int(s + i) for s, i in zip(block.start, inside, strict=True)]


def _surroundings(values: NDArray[Any], codes: Iterable[float | int]) -> NDArray[Any]:
    """The extremes of ``values``, and the neighbours of those ``codes`` that lie between them."""
    if not values.size:
        return values
    low, high = values.min(), values.max()
    found = [low, high]
    for code in codes:
        if low < code < high:
            found += [values[values < code].max(), values[values > code].min()]
    return np.array(found, dtype=values.dtype)


def _nearest(others: NDArray[Any], code: float | int) -> tuple[float | int | None, float | int | None]:
    """Largest value below ``code`` and smallest above it."""
    below, above = others[others < code], others[others > code]
    return (below.max().item() if below.size else None), (above.min().item() if above.size else None)
