"""When two measurements say the same: equal but for the rounding of floating-point sums."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from attrs import asdict

from cdt_core.model import Finding

__all__ = ["difference", "findings_differ"]


def findings_differ(left: Iterable[Finding], right: Iterable[Finding], tolerance: float) -> str:
    """The first difference of two lists of findings, or an empty text."""
    first, second = list(left), list(right)
    if len(first) != len(second):
        return f"{len(first)} findings against {len(second)}"
    for a, b in zip(first, second, strict=True):
        found = difference(asdict(a), asdict(b), tolerance)
        if found:
            return f"finding {a.check!r}{found}"
    return ""


def difference(left: Any, right: Any, tolerance: float) -> str:
    """Where two trees of values differ by more than rounding (``tolerance``, relative and absolute), or an empty text."""
    if isinstance(left, np.ndarray | np.generic) or isinstance(right, np.ndarray | np.generic):
        if np.asarray(left).tobytes() == np.asarray(right).tobytes() and np.shape(left) == np.shape(right):
            return ""
        left, right = np.asarray(left).tolist(), np.asarray(right).tolist()
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        if set(left) != set(right):
            return f": keys {sorted(map(str, left))} against {sorted(map(str, right))}"
        return _first(((f"[{key!r}]", left[key], right[key]) for key in left), tolerance)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return _of_sequences(left, right, tolerance)
    if _is_real(left) and _is_real(right):
        same = left == right or _close(float(left), float(right), tolerance)
    else:
        same = left == right
    return "" if same else f": {left!r} against {right!r}"


def _of_sequences(left: Sequence[Any], right: Sequence[Any], tolerance: float) -> str:
    if len(left) != len(right):
        return f": {len(left)} items against {len(right)}"
    return _first(((f"[{at}]", a, b) for at, (a, b) in enumerate(zip(left, right, strict=True))), tolerance)


def _first(pairs: Iterable[tuple[str, Any, Any]], tolerance: float) -> str:
    for place, left, right in pairs:
        found = difference(left, right, tolerance)
        if found:
            return f"{place}{found}"
    return ""


def _is_real(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _close(left: float, right: float, tolerance: float) -> bool:
    if math.isnan(left) or math.isnan(right):
        return math.isnan(left) and math.isnan(right)
    return math.isclose(left, right, rel_tol=tolerance, abs_tol=tolerance)
