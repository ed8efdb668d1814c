"""Numbers for people: the one place where the report rounds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cdt_core.model import Bound

__all__ = ["bound", "count", "moment", "number", "percent", "ratio", "seconds", "size"]

#: Between a number and its unit, so that no line ends there.
_UNIT = "\u00a0"
_NOT_FINITE = {"inf": "∞", "Infinity": "∞", "-inf": "−∞", "-Infinity": "−∞"}


def number(value: Any) -> str:
    """Four significant digits; very large and very small ones as powers of ten."""
    if value is None:
        return "–"
    if isinstance(value, bool | str):
        return _NOT_FINITE.get(str(value), str(value))
    if not value:
        return "0"  # of either sign
    if isinstance(value, int) and abs(value) < 10**12:
        return count(value).replace("-", "−")
    if not math.isfinite(value):
        return "∞" if value > 0 else "−∞" if value < 0 else "NaN"
    if abs(value) < 1e-3 or abs(value) >= 1e6:
        mantissa, _, exponent = f"{value:.3e}".partition("e")
        mantissa = mantissa.rstrip("0").rstrip(".")
        return f"{mantissa} × 10{str(int(exponent)).translate(_RAISED)}".replace("-", "−")
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace(",", "\u202f").replace("-", "−")
    if 0.99 < abs(value) < 1:  # what matters of a correlation is how far it is from 1
        return f"{value:.{2 - math.floor(math.log10(1 - abs(value)))}f}".replace("-", "−")
    return f"{value:.4g}".replace("-", "−")


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def count(value: int) -> str:
    """A whole number with thin spaces."""
    return f"{value:,}".replace(",", "\u202f")


def size(value: float) -> str:
    """Bytes in decimal units."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(value) < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f}{_UNIT}B" if unit == "B" else f"{value:.3g}{_UNIT}{unit}"


def seconds(value: float | None) -> str:
    """A time, with the unit that suits it."""
    if value is None:
        return "–"
    if value < 1:
        return f"{1000 * value:.2g}{_UNIT}ms" if value < 0.1 else f"{1000 * value:.0f}{_UNIT}ms"
    return f"{value:.3g}{_UNIT}s" if value < 1000 else f"{value:.0f}{_UNIT}s"


def ratio(value: float) -> str:
    """A compression ratio, as in ``12.4×``."""
    return "∞" if not math.isfinite(value) else f"{value:.3g}×" if value < 1000 else f"{value:.0f}×"


def percent(share: float) -> str:
    """A share in percent."""
    return f"{100 * share:.3g}{_UNIT}%"


def bound(promise: Bound) -> str:
    """A bound with four significant digits."""
    return promise.kind if promise.is_lossless else f"{promise.kind}:{promise.value:.4g}"


def moment(text: str) -> str:
    """An ISO 8601 time in words: ``2026-11-22 00:40:34 UTC``."""
    return text.replace("T", " ", 1).replace("+00:00", " UTC")
