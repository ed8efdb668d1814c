"""Numbers, as callers give them: of another kind they are refused with a reason, never cut off."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from numbers import Real
from typing import Any

from cdt_core.errors import TensorError

__all__ = ["axis_lengths", "tolerance", "whole", "whole_numbers"]


def whole(value: Any, name: str, least: int, most: int | None = None) -> int:
    """A whole number of Python's or NumPy's, from ``least`` to ``most``.

    Raises
    ------
    TensorError
        It is none (2.0 and "2" are not), or out of range.
    """
    try:
        found = operator.index(value)
    except TypeError:
        found = None
    if found is None or found < least or (most is not None and found > most):
        ends = f"from {least} on" if most is None else f"from {least} to {most}"
        raise TensorError(f"{name} is {value!r}; it has to be a whole number {ends}")
    return found


def tolerance(rtol: Any) -> float:
    """A relative error that is allowed: a finite real number, not below 0."""
    if not isinstance(rtol, Real) or not 0.0 <= float(rtol) < math.inf:
        raise TensorError(f"rtol is {rtol!r}; give a number from 0 to 1, the relative Frobenius error that is allowed")
    return float(rtol)


def whole_numbers(values: Any, name: str, least: int) -> tuple[int, ...]:
    """Several of them, each from ``least`` on."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise TensorError(f"{name} is {values!r}; give a sequence of whole numbers")
    return tuple(whole(value, f"a number of {name}", least) for value in values)


def axis_lengths(shape: Any) -> tuple[int, ...]:
    """The lengths of the axes of a tensor: at least one axis, each of length >= 1."""
    found = whole_numbers(shape, "shape", 1)
    if not found:
        raise TensorError("shape () has no elements; give at least one axis, each of length >= 1")
    return found
