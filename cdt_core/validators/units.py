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

_TIME = re.compile(r"^\s*([A-Za-z_]+)\s+since\s+(\S.*)$")
_DATE = re.compile(r"^[+-]?\d{1,6}-\d{1,2}(-\d{1,2}([T ].*)?)?$")
_TIME_WORDS = re.compile(
    r"^(common_|calendar_)?(years?|yr|months?|mon|weeks?|days?|d|hours?|hrs?|h|minutes?|mins?|seconds?|secs?|s|"
    r"milliseconds?|msecs?|ms|microseconds?|us|nanoseconds?|ns)$",
    re.IGNORECASE,
)
#: By the beginning of the word; the first that fits counts.
_DAYS = (
    ("year", 365.0),
    ("yr", 365.0),
    ("mon", 30.0),
    ("week", 7.0),
    ("d", 1.0),
    ("h", 1 / 24),
    ("min", 1 / 1440),
    ("ms", 1 / 86400e3),
    ("milli", 1 / 86400e3),
    ("s", 1 / 86400),
)
#: Days of the shortest step that counts in calendar months: half a day under February.
_MONTH = 27.5
#: Whole texts that stand for no unit: dimensionless levels that CF-1.12 section 3.1 still allows, ECMWF's mark of a share,
#: the unit of mass spectra (IUPAC 2013, mass-to-charge ratio), and UCUM's Hounsfield unit.
_DIMENSIONLESS = ("", "1", "level", "layer", "sigma_level", "(0 - 1)", "m/z", "[hnsf'U]")
#: A scale before the unit (CF-1.12 section 3.1): ``1e-3``, ``1000 m3``, ``10^9/L``.
_SCALE = re.compile(r"^(?:\d+\.?\d*(?:[eE][+-]?\d+)?|10(?:\^|\*\*|\*)[+-]?\d+)(?:\s*[.*]\s*|\s+|(?=/)|$)")
#: Logarithms of a ratio to a reference level (UDUNITS-2): ``lg(re 1 mW)``.
_LOGARITHM = re.compile(r"^(?:log|lg|ln|lb)\s*\(\s*re:?\s+(?P<level>.+)\)$")
_WORD = re.compile(r"[^\W\d]+(?:_[^\W\d]+)*")
#: Names of UDUNITS-2, of the FITS standard (4.0, section 4.3), of UCUM and of meteorology that the registry lacks, and a unit
#: of the same dimension that it has; only whether units can be read is asked here.
_STAND_INS = {
    **dict.fromkeys(("degree_C", "degrees_C", "deg_C"), "degC"),
    **dict.fromkeys(("degree_F", "degrees_F", "deg_F"), "degF"),
    **dict.fromkeys(("ppmv", "ppb", "ppbv", "ppt", "pptv"), "ppm"),
    **dict.fromkeys(("adu", "electron", "electrons", "photon", "photons", "ct", "beam", "cells", "HU"), "count"),
    **dict.fromkeys(("DU", "mag", "NTU"), "count"),
    "Jy": "W",
    "mJy": "W",
    "PVU": "K",
    "bpm": "Hz",
    "dBZ": "dB",
    "BQML": "Bq",
}


def is_time(units: str) -> bool:
    """True for units of the form ``days since 1970-01-01``."""
    return _TIME.match(units) is not None


@cache
def problem_of(units: str) -> str:
    """Why ``units`` cannot be read; an empty text when they can. ``""`` and ``"1"`` are dimensionless."""
    text = units.strip()
    if text in _DIMENSIONLESS:
        return ""
    time = _TIME.match(text)
    if time is not None:
        if not _TIME_WORDS.match(time[1]):
            return f"{time[1]!r} is not a unit of time"
        return "" if _DATE.match(time[2].strip()) else f"{time[2]!r} is not a date"
    logarithm = _LOGARITHM.match(text)
    if logarithm is not None:
        return problem_of(logarithm["level"])
    return _unread(_SCALE.sub("", text.removesuffix(" of water equivalent")))


def _unread(text: str) -> str:
    """Why the registry cannot read ``text``."""
    known = _WORD.sub(lambda word: _STAND_INS.get(word[0], word[0]), text.removeprefix("/"))
    try:
        _registry().parse_units(known)
    except Exception as error:  # pint raises errors of many kinds on malformed text; each is the finding's reason
        return f"{type(error).__name__}: {error}" if str(error) else "no unit"
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
    if len(values) < 2:
        return None
    if values.dtype.kind == "M":
        seconds = values.astype("datetime64[s]").view(np.int64)
        is_long = float(np.median(np.abs(np.diff(seconds)))) >= _MONTH * 86400
        months: NDArray[np.int64] = values.astype("datetime64[M]").view(np.int64)
        return months if is_long else None
    time = _TIME.match(spec.units)
    if time is None or problem_of(spec.units):
        return None
    numbers = _unpacked(spec, values)
    if np.median(np.abs(np.diff(numbers))) * _days_of(time[1]) < _MONTH:
        return None
    dates = _dates(spec, numbers)
    return None if dates is None else np.array([12 * date.year + date.month for date in dates], np.int64)


def _days_of(unit: str) -> float:
    """Days in a unit of time of :data:`_TIME_WORDS`, roughly for months and years."""
    word = unit.lower().removeprefix("common_").removeprefix("calendar_")
    for start, days in _DAYS:
        if word.startswith(start):
            return days
    return 0.0


def _unpacked(spec: VariableSpec, values: NDArray[Any]) -> NDArray[np.float64]:
    packing = spec.packing
    factor = 1.0 if packing.scale_factor is None else packing.scale_factor
    found: NDArray[np.float64] = values.astype(np.float64) * factor + (packing.add_offset or 0.0)
    return found


def _dates(spec: VariableSpec, numbers: NDArray[np.float64]) -> Any:
    import cftime

    calendar = str(spec.attributes.get("calendar", "standard"))
    try:
        return np.atleast_1d(cftime.num2date(numbers, spec.units, calendar, only_use_cftime_datetimes=True))
    except (ValueError, OverflowError, TypeError):
        return None
