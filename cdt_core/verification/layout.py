"""The store's own metadata, the plan and the signed outcomes against each other: all three describe the same arrays."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cdt_core.model import Plan, VariablePlan
from cdt_core.model.grid import ChunkGrid
from cdt_core.verification.result import Check

__all__ = ["check_layout", "check_variables"]


def check_layout(store: Path, plan: Plan, leaves: Mapping[str, str]) -> Check:
    """The arrays of the store are the plan's, with its shapes, types and chunks; no chunk of numbers lacks a file.

    The consolidated metadata, from which most readers open the store, say the same as each array's own.
    """
    name = "layout of the store"
    try:
        root = _document(store / "zarr.json")
        consolidated = root["consolidated_metadata"]["metadata"]
        paths = [path.rpartition("/")[0] for path in leaves if path.endswith("/zarr.json")]
        own = {path: _document(store / path / "zarr.json") for path in paths}
        if own != consolidated:
            different = sorted(path for path in {*own, *consolidated} if own.get(path) != consolidated.get(path))
            return Check(name, False, f"the consolidated metadata differ from those of {different[0]!r}")
        arrays = {path: document for path, document in own.items() if document["node_type"] == "array"}
        if problem := next(_problems(arrays, plan, leaves), ""):
            return Check(name, False, problem)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return Check(name, False, f"the metadata cannot be read: {type(error).__name__}: {error}")
    return Check(name, True, f"{len(arrays)} arrays have the shapes, types and chunks of the plan")


def _document(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_bytes())
    return document


def _problems(arrays: Mapping[str, Mapping[str, Any]], plan: Plan, leaves: Mapping[str, str]) -> Iterator[str]:
    planned = {variable.name: variable for variable in plan.variables}
    if len(planned) < len(plan.variables):
        yield "the plan names a variable twice"
    for name in sorted({*arrays, *planned}):
        if name not in arrays or name not in planned:
            yield f"variable {name!r} is not in the {'plan' if name in arrays else 'store'}"
        else:
            yield from _array_problems(arrays[name], planned[name], leaves)


def _array_problems(array: Mapping[str, Any], plan: VariablePlan, leaves: Mapping[str, str]) -> Iterator[str]:
    is_text = plan.dtype == "object"
    grid = ChunkGrid(plan.shape, plan.chunk_shape)
    said = {"shape": list(plan.shape), "chunks": list(plan.chunk_shape), "type": "string" if is_text else plan.dtype}
    chunks = array["chunk_grid"]["configuration"]["chunk_shape"]
    found = {"shape": array["shape"], "chunks": chunks, "type": array["data_type"]}
    for what, value in said.items():
        if found[what] != value:
            yield f"variable {plan.name!r} has {what} {found[what]}, but the plan says {value}"
    if is_text:  # an empty chunk of text has no file
        return
    if not _fits(grid, leaves):
        yield f"variable {plan.name!r} has more chunks than the store has files"
    for index in grid:
        if "/".join((plan.name, "c", *map(str, index))) not in leaves:
            yield f"chunk {index} of variable {plan.name!r} has no file"


def _fits(grid: ChunkGrid, leaves: Mapping[str, str]) -> bool:
    count = 1
    for along in grid.counts:
        count *= along
    return count <= len(leaves)


def check_variables(plan: Plan, signed: Sequence[Mapping[str, Any]], sizes: Mapping[str, int]) -> Check:
    """What the certificate says of each variable is what the plan and the store say.

    ``sizes`` has the bytes of each file of the store.
    """
    name = "variables"
    stored = _stored_bytes(plan, sizes)
    if [item["name"] for item in signed] != [variable.name for variable in plan.variables]:
        return Check(name, False, "the certificate's variables are not the plan's")
    for item, variable in zip(signed, plan.variables, strict=True):
        facts = {
            **{
                key: str(getattr(variable, key))
                for key in ("bound", "applied", "codec_bound", "codec", "dtype", "form")
            },
            "shape": list(variable.shape),
            "chunks": len(ChunkGrid(variable.shape, variable.chunk_shape)),
            "stored_bytes": stored[variable.name],
        }
        if variable.dtype != "object":
            facts["raw_bytes"] = int(np.prod(variable.shape, dtype=np.int64)) * np.dtype(item["source_dtype"]).itemsize
        for key, value in facts.items():
            if item[key] != value:
                return Check(name, False, f"variable {variable.name!r}: {key} {item[key]} is signed, but it is {value}")
        if not _promised(variable):
            return Check(name, False, f"variable {variable.name!r}: {variable.applied} is not {variable.bound}")
    return Check(name, True, f"{len(signed)} variables are as they were signed, sizes included")


def _stored_bytes(plan: Plan, sizes: Mapping[str, int]) -> dict[str, int]:
    """Bytes of all chunk files by variable, in one pass over the store."""
    stored = {variable.name: 0 for variable in plan.variables}
    axes = {variable.name: len(variable.shape) for variable in plan.variables}
    for path, size in sizes.items():
        if path.endswith("zarr.json"):
            continue
        parts = path.split("/")
        for depth in range(1, len(parts)):
            name = "/".join(parts[:depth])
            if name in stored and parts[depth] == "c" and len(parts) - depth - 1 == axes[name]:
                stored[name] += size
    return stored


def _promised(variable: VariablePlan) -> bool:
    """True when the bound in force is the one asked for, or none but lossless; all but ``pw_rel`` are kept as ``abs``, and
    those for all values together as ``rmse``, too.
    """
    asked, applied = variable.bound, variable.applied
    if applied.is_lossless or applied == asked:
        return True
    return (asked.kind in ("rel", "psnr", "rmse") and applied.kind == "abs") or (asked.kind, applied.kind) == (
        "psnr",
        "rmse",
    )
