"""Times as CF integers: the same instants, exactly, in the unit that the array already has."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from attrs import frozen
from numpy.typing import NDArray

from cdt_core.errors import ReaderError
from cdt_core.hooks.lazy import LazyArray, lazy_variable
from cdt_core.readers.lazy import load_block, preferred_chunks

__all__ = ["as_numbers"]

#: NumPy unit -> CF unit, and the NumPy unit to cast to first where CF has none of the same length.
_CF_UNITS = {
    "ns": ("nanoseconds", "ns"),
    "us": ("microseconds", "us"),
    "ms": ("milliseconds", "ms"),
    "s": ("seconds", "s"),
    "m": ("minutes", "m"),
    "h": ("hours", "h"),
    "D": ("days", "D"),
    "W": ("days", "D"),
    "M": ("days", "D"),
    "Y": ("days", "D"),
}
_NAT = int(np.iinfo(np.int64).min)


@frozen
class _Numbers:
    """Reads a block of times as int64."""

    variable: xr.Variable
    dtype: str

    def __call__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        return load_block(self.variable, region).astype(self.dtype).view(np.int64)


def as_numbers(variable: xr.Variable) -> xr.Variable:
    """A ``datetime64`` or ``timedelta64`` variable as int64 with CF units; NaT is the fill value.

    Raises
    ------
    ReaderError
        The unit is finer than nanoseconds, has no length, or ``units`` is taken by another meaning.
    """
    kind = variable.dtype.kind
    unit, step = np.datetime_data(variable.dtype)
    if unit not in _CF_UNITS or step != 1 or (kind == "m" and unit in "MY"):
        raise ReaderError(f"has type {variable.dtype}, which CF time units cannot express; convert it to nanoseconds")
    if "units" in variable.attrs:
        raise ReaderError(f"holds times, but has the attribute units={variable.attrs['units']!r}; remove it")
    name, target = _CF_UNITS[unit]
    attributes: dict[str, Any] = dict(variable.attrs)
    if not (isinstance(variable._data, np.ndarray) and not np.isnat(variable._data).any()):
        attributes["_FillValue"] = np.int64(_NAT)
    if kind == "M":
        attributes |= {"units": f"{name} since 1970-01-01", "calendar": "proleptic_gregorian"}
    else:
        resolution = target if target in ("s", "ms", "us", "ns") else "s"
        attributes |= {"units": name, "dtype": f"timedelta64[{resolution}]"}
    block = _Numbers(variable, f"{kind}8[{target}]")
    numbers = lazy_variable(
        [str(dim) for dim in variable.dims], LazyArray(variable.shape, np.dtype("i8"), block), attributes
    )
    numbers.encoding = preferred_chunks(variable)
    return numbers
