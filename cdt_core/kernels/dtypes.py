"""The dtypes of streams: their numbers in headers, and the units of times."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import numpy as np

from cdt_core.errors import CorruptStreamError, UnsupportedDtypeError
from cdt_core.kernels import _codec

__all__ = ["code_of", "dtype_of"]

#: Units of time, and how many of them: NumPy's own parser takes far more.
_UNIT = re.compile(r"([1-9][0-9]{0,9})?(?:Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)")


@lru_cache(maxsize=64)
def code_of(dtype: np.dtype[Any]) -> tuple[int, str]:
    """The number of a dtype in headers, and the unit of times."""
    little = dtype.newbyteorder("<")
    if dtype.kind in "mM":
        unit, count = np.datetime_data(dtype)
        unit = "" if unit == "generic" else f"{count if count != 1 else ''}{unit}"
        little = np.dtype(f"<{dtype.kind}8")
    else:
        unit = ""
    code = _codec.DTYPE_CODES.get(little)
    if code is None:
        raise UnsupportedDtypeError(
            f"dtype {dtype} cannot be compressed; use bool, integers, floats, complex or datetime64 (convert with astype)"
        )
    return code, unit


def dtype_of(name: str, unit: str) -> np.dtype[Any]:
    """The dtype that a header names. Raises :class:`CorruptStreamError` for a unit of time that does not exist."""
    if not unit:
        return np.dtype(name)
    found = _UNIT.fullmatch(unit)
    if found is None or not 1 < int(found[1] or 2) < 1 << 31:
        raise CorruptStreamError(f"its header names the unit {unit!r}, which does not exist")
    return np.dtype(f"{name}[{unit}]")
