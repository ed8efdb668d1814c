"""Order, repetition, gaps and missing values of index coordinates (1-d, named as their dimension)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.hooks.contracts import Subject
from cdt_core.model import Finding, VariableSpec
from cdt_core.validators.units import decoded_months, is_time

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["coordinates"]

#: An axis is regular when this share of its steps lies within this of the median step.
_REGULAR_SHARE, _REGULAR_STEP = 0.7, 0.01


def coordinates(subject: Subject) -> Iterable[Finding]:
    """Findings on each index coordinate.

    Order is asked of coordinates that measure something, not of labels (text, numbers of samples); gaps of those among
    them whose steps are regular.
    """
    for name, spec in subject.specs.items():
        leaf = name.rsplit("/", 1)[-1]
        if len(spec.dims) == 1 and spec.dims[0].rsplit("/", 1)[-1] == leaf and spec.size:
            yield from _one(spec, np.asarray(subject.variables[name].values))


def _one(spec: VariableSpec, values: NDArray[Any]) -> Iterator[Finding]:
    absent = _absent(spec, values)
    yield _finding(
        spec,
        "core.coordinate_missing",
        "completeness",
        int(absent.sum()),
        method="missing, NaN or infinite values in an index coordinate (CF-1.12 section 2.5.1)",
        evidence=_first(absent),
    )
    kept = values[~absent]
    _, counts = np.unique(kept.astype(str) if kept.dtype.kind == "O" else kept, return_counts=True)
    yield _finding(
        spec,
        "core.coordinate_duplicates",
        "consistency",
        int((counts - 1).sum()),
        method="values that occurred before in the coordinate",
    )
    if kept.size < 2 or not _is_measured(spec, kept.dtype):
        return
    steps = _steps(kept)
    wrong = steps < 0 if (steps >= 0).sum() >= (steps <= 0).sum() else steps > 0
    yield _finding(
        spec,
        "core.coordinate_monotone",
        "consistency",
        int(not wrong.any()),
        unit="bool",
        method="1 when no step goes against the direction of the others (CF-1.12 section 1.3; repeats counted apart)",
        evidence={"against": int(wrong.sum()), **_first(wrong)},
    )
    yield from _gaps(spec, kept, np.abs(steps))


def _absent(spec: VariableSpec, values: NDArray[Any]) -> NDArray[np.bool_]:
    absent: NDArray[np.bool_] = np.zeros(values.shape, bool)
    if values.dtype.kind == "M":
        return np.asarray(np.isnat(values), bool)
    if values.dtype.kind == "O":
        return np.array([value is None or value != value for value in values.tolist()], bool)
    if values.dtype.kind not in "iuf":
        return absent
    absent |= ~np.isfinite(values)
    for code in spec.packing.missing:
        if code == code:
            absent |= np.asarray(values == code, bool)
    return absent


def _is_measured(spec: VariableSpec, dtype: np.dtype[Any]) -> bool:
    """Whole numbers without units, ``axis`` or ``standard_name`` are labels, whose order and steps mean nothing."""
    described = spec.units not in ("", "1") or bool({"axis", "standard_name"} & set(spec.attributes))
    return dtype.kind in "fM" or (dtype.kind in "iu" and described)


def _steps(values: NDArray[Any]) -> NDArray[np.float64]:
    if values.dtype.kind == "f":
        return np.diff(values.astype(np.float64))
    numbers = values.astype("datetime64[ns]").view(np.int64) if values.dtype.kind == "M" else values
    return np.array(np.diff(numbers.astype(np.int64)), np.float64)


def _gaps(spec: VariableSpec, values: NDArray[Any], steps: NDArray[np.float64]) -> Iterator[Finding]:
    calendar = "step"
    months = decoded_months(spec, values)
    if months is not None:
        steps, calendar = np.abs(np.diff(months)).astype(np.float64), "calendar month"
    moving = steps[steps > 0]
    if moving.size < 3:
        return
    step = float(np.median(moving))
    if (np.abs(moving / step - 1) <= _REGULAR_STEP).mean() < _REGULAR_SHARE:
        return
    wide = steps > 1.5 * step
    left_out = int(np.rint(steps[wide] / step - 1).sum())
    yield _finding(
        spec,
        "core.coordinate_gaps",
        "completeness",
        int(wide.sum()),
        method="steps longer than 1.5 median steps, on an axis most of whose steps are within 1 % of the median",
        parameters={"step": step, "step_unit": calendar if months is not None else _step_unit(spec, values)},
        evidence={"steps_left_out": left_out, **_first(wide)},
    )


def _step_unit(spec: VariableSpec, values: NDArray[Any]) -> str:
    if values.dtype.kind == "M":
        return "ns"
    return spec.units.split(" since ")[0] if is_time(spec.units) else spec.units or "1"


def _first(found: NDArray[np.bool_]) -> dict[str, Any]:
    return {"first": int(np.argmax(found))} if found.any() else {}


def _finding(spec: VariableSpec, check: str, dimension: Any, value: int, **more: Any) -> Finding:
    return Finding(check=check, dimension=dimension, value=value, variable=spec.name, **more)
