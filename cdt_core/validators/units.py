"""Units of measure and of time, read by pint with the CF registry and by cftime."""

from __future__ import annotations

import re
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.model import VariableSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["decoded_months", "is_time", "problem_of"]

_TIME = re.compile(r"^\s*([A-Za-z]+)\s+since\s+(\S.*)$")
_DATE = re.compile(r"^[+-]?\d{1,6}-\d{1,2}(-\d{1,2}([T ].*)?)?$")
_TIME_WORDS = re.compile(
    r"^(common_|calendar_)?(years?|yr|months?|mon|weeks?|days?|d|hours?|hrs?|h|minutes?|mins?|seconds?|secs?|s|"
    r"milliseconds?|msecs?|ms|microseconds?|us|nanoseconds?|ns)$",
    re.IGNORECASE,
)
#: Dimensionless levels that CF-1.12 section 3.1 still allows.
_LEVELS = ("level", "layer", "sigma_level")


def is_time(units: str) -> bool:
    """True for units of the form ``days since 1970-01-01``."""
    return _TIME.match(units) is not None


@cache
def problem_of(units: str) -> str:
    """Why ``units`` cannot be read; an empty text when they can. ``""`` and ``"1"`` are dimensionless."""
    text = units.strip()
    if text in ("", "1") or text in _LEVELS:
        return ""
    time = _TIME.match(text)
    if time is not None:
        if not _TIME_WORDS.match(time[1]):
            return f"{time[1]!r} is not a unit of time"
        return "" if _DATE.match(time[2].strip()) else f"{time[2]!r} is not a date"
    try:
        _registry().parse_units(text)
    except Exception as error:  # pint raises errors of many kinds on malformed text; each is the finding's reason
        return f"{type(error).__name__}: {error}"
    return ""


@cache
def _registry() -> Any:
    """Pint's units with those of CF; made once, since it takes 0.2 s."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that plotting libraries are not there
        from cf_xarray.units import units
    return units


def decoded_months(spec: VariableSpec, values: NDArray[Any]) -> NDArray[np.int64] | None:
    """Calendar months (12 year + month) of a time coordinate whose median step is 27.5 days or more; ``None`` for others."""
    if values.dtype.kind == "M":
        days = values.astype("datetime64[s]").view(np.int64) / 86400
        months = values.astype("datetime64[M]").view(np.int64)
    elif is_time(spec.units) and not problem_of(spec.units):
        dates = _dates(spec, values)
        if dates is None:
            return None
        months = np.array([12 * date.year + date.month for date in dates], np.int64)
        days = np.array([date.toordinal(fractional=True) for date in dates])
    else:
        return None
    return months if len(days) > 1 and np.median(np.abs(np.diff(days))) >= 27.5 else None


def _dates(spec: VariableSpec, values: NDArray[Any]) -> Any:
    import cftime

    numbers = values.astype(np.float64)
    packing = spec.packing
    numbers = numbers * (1.0 if packing.scale_factor is None else packing.scale_factor) + (packing.add_offset or 0.0)
    calendar = str(spec.attributes.get("calendar", "standard"))
    try:
        return np.atleast_1d(cftime.num2date(numbers, spec.units, calendar, only_use_cftime_datetimes=True))
    except (ValueError, OverflowError, TypeError):
        return None
