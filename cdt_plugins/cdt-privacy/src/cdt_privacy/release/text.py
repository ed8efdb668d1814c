"""Texts of released values: single ones, intervals and sets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MISSING", "date_texts", "interval_text", "or_missing", "set_text", "value_text", "value_texts"]

MISSING = "missing"
_SPECIAL = set(",{}[]()'\"\n")


def value_text(value: Any) -> str:
    """A number in the fewest digits that read back as it; other values as their text."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def date_texts(values: NDArray[Any]) -> list[str]:
    """ISO 8601, without the time where all are at midnight."""
    days = values.astype("M8[D]")
    return [str(text) for text in np.datetime_as_string(days if (days == values).all() else values)]


def value_texts(values: NDArray[Any], kind: str) -> list[str]:
    """Texts of the distinct values of a column."""
    if kind == "date":
        return date_texts(values)
    return [value_text(value) for value in (values if kind == "duration" else values.tolist())]


def interval_text(low: str, high: str, half_open: bool = False) -> str:
    """``[17, 24]``, or ``[15, 20)`` where the upper end is not inside."""
    return f"[{low}, {high}{')' if half_open else ']'}"


def set_text(texts: Iterable[str]) -> str:
    """``{a, b}``; texts with marks of their own are quoted."""
    return "{" + ", ".join(repr(text) if _SPECIAL & set(text) else text for text in texts) + "}"


def or_missing(text: str) -> str:
    """Of a class that also holds missing values."""
    return f"{text} or {MISSING}"
