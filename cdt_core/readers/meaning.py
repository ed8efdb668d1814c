"""What stored numbers mean: packing, missing codes and roles, from CF attributes, as xarray understands them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from cdt_core.errors import ReaderError
from cdt_core.model import Packing

__all__ = ["coordinate_names", "decodable_attributes", "is_text", "is_time", "missing_in", "packing_of", "unpacked"]

_REFERENCES = (
    "coordinates",
    "bounds",
    "climatology",
    "grid_mapping",
    "ancillary_variables",
    "cell_measures",
    "formula_terms",
    "geometry",
    "node_coordinates",
)


def is_text(dtype: np.dtype[Any]) -> bool:
    """True for strings, of fixed or variable length."""
    return dtype.kind in "OSUT"


def is_time(attributes: Mapping[str, Any]) -> bool:
    """True when ``units`` is a CF time reference ("days since 1970-01-01")."""
    return bool(re.search(r"\w\s+since\s+\S", str(attributes.get("units", ""))))


def coordinate_names(variables: Mapping[str, xr.Variable], attributes: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Paths of the variables that describe others: CF-1.12 sections 5 to 7, and xarray's group attribute ``coordinates``."""
    found = {
        path
        for path, variable in variables.items()
        if path.rpartition("/")[2] in variable.dims or (is_time(variable.attrs) and variable.dtype.kind in "iuf")
    }
    for path, variable in variables.items():
        group = path.rpartition("/")[0]
        for key in _REFERENCES:
            found |= _resolved(_words(variable.attrs.get(key)), group, variables)
    for group, attrs in attributes.items():
        found |= _resolved(_words(attrs.get("coordinates")), group, variables)
    return found


def _words(value: Any) -> list[str]:
    return value.replace(":", " ").split() if isinstance(value, str) else []


def _resolved(names: Iterable[str], group: str, variables: Mapping[str, xr.Variable]) -> set[str]:
    """Each name as seen from ``group``: there first, then in the groups above (CF-1.12, 2.7)."""
    found = set()
    for name in names:
        place = group
        while True:
            path = f"{place}/{name}" if place else name
            if path in variables:
                found.add(path)
                break
            if not place:
                break
            place = place.rpartition("/")[0]
    return found


def decodable_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes in the form in which xarray can decode them: packing numbers as scalars, missing codes as numbers.

    Raises
    ------
    ReaderError
        ``scale_factor`` or ``add_offset`` is not one number.
    """
    result = dict(attributes)
    for key in ("scale_factor", "add_offset"):
        if key not in result:
            continue
        value = np.asarray(result[key])
        if value.size != 1 or value.dtype.kind not in "iuf":
            raise ReaderError(f"attribute {key!r} is {attributes[key]!r}, not one number; correct or remove it")
        scalar = result[key] if isinstance(result[key], int | float | np.generic) else value.reshape(-1)[0]
        has_missing = "_FillValue" in result or "missing_value" in result
        result[key] = float(scalar) if has_missing and value.dtype.kind in "iu" else scalar
    for key in ("_FillValue", "missing_value"):
        if key not in result:
            continue
        codes = np.asarray(result[key])
        if codes.dtype.kind not in "iufbc":
            del result[key]
        elif codes.size == 1 and isinstance(result[key], np.ndarray | list | tuple):
            result[key] = codes.reshape(-1)[0]
    return result


def packing_of(dtype: np.dtype[Any], attributes: Mapping[str, Any]) -> Packing:
    """How numbers of ``dtype`` with these attributes stand for physical values.

    Raises
    ------
    ReaderError
        The packing attributes make no sense.
    """
    if is_text(dtype) or dtype.kind == "V":
        return Packing(dtype=dtype.name if dtype.kind == "V" else "object")
    attributes = decodable_attributes(attributes)
    relevant: dict[str, Any] = {
        key: attributes[key]
        for key in ("scale_factor", "add_offset", "_FillValue", "missing_value", "_Unsigned", "dtype")
        if key in attributes
    }
    target, kept = _decoded(dtype, relevant) if relevant else (dtype, ())
    if target.kind == "O" or (dtype.kind in "iu" and _is_plain_time(attributes)):
        target = dtype
    scale, offset = attributes.get("scale_factor"), attributes.get("add_offset")
    unsigned = dtype.kind == "i" and str(attributes.get("_Unsigned", "")).lower() == "true"
    return Packing(
        scale_factor=float(scale) if scale is not None else 1.0 if unsigned else None,
        add_offset=float(offset) if offset is not None else None,
        missing=kept,
        dtype=target.name,
    )


def _decoded(dtype: np.dtype[Any], attributes: Mapping[str, Any]) -> tuple[np.dtype[Any], tuple[float | int, ...]]:
    """The type of physical values, and the stored numbers that stand for none."""
    codes = _stored_codes(dtype, attributes)
    target = np.dtype(_decode(np.asarray(codes, dtype), attributes).dtype)
    # In float32, large codes would not be equal to themselves; and readers of the store unpack in float64.
    doubles = {key: float(attributes[key]) for key in ("scale_factor", "add_offset") if key in attributes}
    decoded = _decode(np.asarray(codes, dtype), {**attributes, **doubles})
    return target, tuple(code for code, value in zip(codes, decoded.tolist(), strict=True) if value != value)


def _is_plain_time(attributes: Mapping[str, Any]) -> bool:
    """Times in whole numbers stay whole: as floats, nanoseconds would run together."""
    is_difference = str(attributes.get("dtype", "")).startswith("timedelta64")
    return (is_time(attributes) or is_difference) and not {"scale_factor", "add_offset"} & set(attributes)


def _stored_codes(dtype: np.dtype[Any], attributes: Mapping[str, Any]) -> list[float | int]:
    """The stored number that each declared missing value names, if there is one."""
    codes: list[float | int] = []
    for key in ("_FillValue", "missing_value"):
        for value in np.asarray(attributes.get(key, [])).reshape(-1):
            with np.errstate(all="ignore"):
                code = _as_stored(value, dtype)
            if code is not None and code == code and code not in codes:
                codes.append(code)
    return codes


def _as_stored(value: Any, dtype: np.dtype[Any]) -> float | int | None:
    if dtype.kind in "iu":
        number = value.item()
        if isinstance(number, complex) or number != number or number in (float("inf"), float("-inf")):
            return None
        limits, bits = np.iinfo(dtype), 8 * dtype.itemsize
        whole = int(number)
        if whole != number:
            return None
        if not limits.min <= whole <= limits.max:  # the unsigned (or signed) reading of the same bits
            whole = (
                (whole + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1) if dtype.kind == "i" else whole % (1 << bits)
            )
        return whole
    if dtype.kind == "f":
        return float(np.asarray(value).real.astype(dtype))
    if dtype.kind == "c" and np.asarray(value).imag == 0:
        return float(np.asarray(value).real.astype(dtype.type(0).real.dtype))
    return None


def _decode(values: NDArray[Any], attributes: Mapping[str, Any]) -> NDArray[Any]:
    """Xarray's own decoding of a few values: it alone decides on types and on which codes are missing."""
    variable = xr.Variable(("x",), values, dict(attributes))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = xr.conventions.decode_cf_variable("x", variable, decode_times=False, decode_timedelta=False)
            return np.asarray(found.values)
    except Exception as error:  # whatever xarray raises on attributes that contradict each other or the type
        said = ", ".join(f"{key}={value!r}" for key, value in attributes.items())
        raise ReaderError(f"its attributes {said} make no sense together: {error}; correct or remove them") from error


def missing_in(values: NDArray[Any], packing: Packing) -> NDArray[np.bool_] | None:
    """True where a stored value is a missing code, or NaN; ``None`` when the variable can have neither."""
    mask = np.asarray(np.isnan(values)) if values.dtype.kind in "fc" else None
    for code in packing.missing:
        same = np.asarray(values == values.dtype.type(code))
        mask = same if mask is None else np.asarray(mask | same)
    return mask


def unpacked(values: NDArray[Any], packing: Packing, unsigned: str | None = None) -> NDArray[Any]:
    """Physical values, by xarray's arithmetic: cast, times ``scale_factor``, plus ``add_offset``, each in the target type."""
    target = np.dtype(packing.dtype or values.dtype)
    mask = missing_in(values, packing) if packing.missing and target.kind in "fc" else None
    if unsigned is not None and values.dtype.kind in "iu":
        values = values.view(f"{'u' if unsigned == 'true' else 'i'}{values.dtype.itemsize}")
    if mask is None and not packing.is_packed and target == values.dtype:
        return values
    result = values.astype(target, copy=True)
    whole = target.kind in "iu"
    if mask is not None:
        result[mask] = np.nan
    with np.errstate(over="ignore", invalid="ignore"):
        if packing.scale_factor is not None:
            result *= int(packing.scale_factor) if whole else packing.scale_factor
        if packing.add_offset is not None:
            result += int(packing.add_offset) if whole else packing.add_offset
    return result
