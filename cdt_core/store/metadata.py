"""Zarr v3 metadata of the output store (Zarr core specification 3.0), as xarray reads it."""

from __future__ import annotations

import base64
import json
import math
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cdt_core.model import VariableOutcome, VariablePlan, VariableSpec
from cdt_core.model.packing import without_packing

__all__ = ["array_attributes", "consolidate", "json_value", "write_array", "write_groups"]


def json_value(value: Any) -> Any:
    """An attribute as JSON: NumPy scalars and arrays become numbers and lists, bytes become text."""
    if isinstance(value, np.generic | np.ndarray):
        return json_value(value.tolist())
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, complex):
        return [value.real, value.imag]
    if isinstance(value, Mapping):
        return {str(key): json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_value(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def _fill_attribute(value: Any, dtype: np.dtype[Any]) -> Any:
    """``_FillValue`` in xarray's form for Zarr v3: base64 of a little-endian double for floats, plain for the rest."""
    if dtype.kind == "f":
        return base64.standard_b64encode(struct.pack("<d", float(value))).decode()
    if dtype.kind == "c":
        number = complex(value)
        return [base64.standard_b64encode(struct.pack("<d", part)).decode() for part in (number.real, number.imag)]
    return bool(value) if dtype.kind == "b" else int(value)


def _fill_value(value: Any, dtype: np.dtype[Any]) -> Any:
    """The one number of ``dtype`` that the attribute ``value`` is, or ``None``."""
    found = np.asarray(value).reshape(-1)
    if not found.size or found.dtype.kind not in ("iufcb" if dtype.kind == "c" else "iufb"):
        return None
    fill = found[0]
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        whole = bool(np.isfinite(fill)) and float(fill).is_integer()
        return fill if whole and limits.min <= int(fill) <= limits.max else None
    return fill if dtype.kind in "fcb" else None


def _complex_codes(given: Any) -> dict[str, Any]:
    """``missing_value`` of real codes; JSON has no complex ones, and readers would take two parts for two codes."""
    codes = np.asarray(given)
    return {"missing_value": codes.real} if not codes.imag.any() else {"cdt_source_missing_value": given}


def array_attributes(
    spec: VariableSpec, plan: VariablePlan, outcome: VariableOutcome | None, engine_version: str
) -> dict[str, Any]:
    """The source's attributes, unchanged, and what was done to the variable.

    The ``cdt_*`` attributes are modelled on the lossy-compression metadata of CF-1.12 section 8.4: algorithm,
    implementation, and the largest error, measured. Packing attributes go where values are stored unpacked; they are
    kept in ``cdt_source_packing``.
    """
    attributes = dict(spec.attributes)
    dtype = np.dtype(plan.dtype)
    if plan.form == "decoded" and spec.packing.is_packed:
        packing = {key: attributes[key] for key in attributes if key in ("scale_factor", "add_offset", "_Unsigned")}
        attributes = without_packing(attributes)
        attributes.pop("missing_value", None)
        if "_FillValue" in attributes:
            packing["_FillValue"] = attributes["_FillValue"]
            attributes["_FillValue"] = math.nan
        attributes["cdt_source_packing"] = packing
    if "_FillValue" in attributes:
        given = attributes.pop("_FillValue")
        fill = _fill_value(given, dtype)
        if fill is not None:
            attributes["_FillValue"] = _fill_attribute(fill, dtype)
            if others := np.asarray(given).reshape(-1)[1:].tolist():  # Zarr's readers take one
                attributes["missing_value"] = [*np.atleast_1d(attributes.get("missing_value", [])), *others]
        else:  # no value can be missing by such a code, and readers of Zarr refuse it
            attributes["cdt_source_FillValue"] = given
    if np.asarray(attributes.get("missing_value")).dtype.kind == "c":
        attributes |= _complex_codes(attributes.pop("missing_value"))
    if spec.role == "data":
        attributes["cdt_algorithm"] = plan.codec
        attributes["cdt_implementation"] = f"cdt {engine_version}"
        attributes["cdt_bound"] = str(plan.bound)
        attributes["cdt_applied_bound"] = str(plan.applied)
        if outcome is not None:
            kind = "relative" if plan.applied.kind == "pw_rel" else "absolute"
            attributes[f"cdt_maximum_{kind}_error"] = outcome.max_error
    result: dict[str, Any] = json_value(attributes)
    return result


def _zarr_fill(dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "f":
        return "NaN"
    if dtype.kind == "c":
        return ["NaN", "NaN"]
    return False if dtype.kind == "b" else 0


def write_array(
    root: Path,
    spec: VariableSpec,
    plan: VariablePlan,
    codecs: Sequence[Mapping[str, Any]],
    attributes: Mapping[str, Any],
) -> None:
    """Write the ``zarr.json`` of one array; its chunks are at ``c/i/j/...`` beside it."""
    dtype = np.dtype(plan.dtype)
    document = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(spec.shape),
        "data_type": dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(plan.chunk_shape)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": _zarr_fill(dtype),
        "codecs": list(codecs),
        "attributes": dict(attributes),
        "dimension_names": list(spec.dims),
    }
    _write_json(root / spec.name / "zarr.json", document)


def write_groups(root: Path, groups: Mapping[str, Mapping[str, Any]], coordinates: Mapping[str, Sequence[str]]) -> None:
    """Write the ``zarr.json`` of the root and of every group on the way to a variable.

    ``groups`` maps group paths to attributes; ``coordinates`` maps group paths to the names of non-index coordinates, which
    xarray finds by the group's ``coordinates`` attribute.
    """
    paths = {""} | set(groups)
    for path in list(paths):
        parts = path.split("/")
        paths |= {"/".join(parts[:depth]) for depth in range(1, len(parts))}
    for path in sorted(paths):
        attributes = json_value(groups.get(path, {}))
        if coordinates.get(path) and "coordinates" not in attributes:
            attributes["coordinates"] = " ".join(coordinates[path])
        _write_json(root / path / "zarr.json", {"zarr_format": 3, "node_type": "group", "attributes": attributes})


def consolidate(root: Path) -> None:
    """Copy all metadata into the root's ``zarr.json``, as zarr-python's consolidated metadata, so that opening is one read."""
    members = {}
    for path in sorted(root.rglob("zarr.json")):
        name = path.parent.relative_to(root).as_posix()
        if name != ".":
            members[name] = json.loads(path.read_bytes())
    document = json.loads((root / "zarr.json").read_bytes())
    document["consolidated_metadata"] = {"kind": "inline", "must_understand": False, "metadata": members}
    _write_json(root / "zarr.json", document)


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
