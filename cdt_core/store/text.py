"""Variables that hold text, by Zarr's own string types and codecs."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.errors import TreatmentError
from cdt_core.model import VariableOutcome, VariablePlan, VariableSpec
from cdt_core.model.grid import ChunkGrid

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["write_text"]


def write_text(
    root: Path,
    spec: VariableSpec,
    plan: VariablePlan,
    read: Callable[[tuple[slice, ...]], NDArray[Any]],
    attributes: Mapping[str, Any],
) -> tuple[VariableOutcome, dict[str, str], str]:
    """Write a text variable chunk by chunk as variable-length UTF-8, read each chunk back and compare.

    Returns the outcome, the SHA-256 of each chunk file by its path under ``root``, and the digest of what was read.
    """
    import zarr

    raw = 0
    digest = hashlib.sha256()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zarr warns that its string type is not in the core specification yet
        array = zarr.open_group(root, mode="a").create_array(
            spec.name,
            shape=spec.shape,
            chunks=plan.chunk_shape,
            dtype="string",
            dimension_names=list(spec.dims),
            attributes=dict(attributes),
            overwrite=True,
        )
        grid = ChunkGrid(spec.shape, plan.chunk_shape)
        for index in grid:
            region = grid.region(index)
            values = _as_text(read(region), spec.name)
            array[region] = values
            if not np.array_equal(np.asarray(array[region], dtype=object), values):
                raise TreatmentError(f"variable {spec.name!r}, chunk {index}: text changed when it was read back")
            encoded = json.dumps(values.tolist()).encode()
            digest.update(encoded)
            raw += sum(len(text.encode()) for text in values.reshape(-1)) + values.size
    files = sorted(path for path in (root / spec.name).rglob("*") if path.is_file() and path.name != "zarr.json")
    leaves = {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    stored = sum(path.stat().st_size for path in files)
    outcome = VariableOutcome(spec.name, raw_bytes=raw, stored_bytes=stored, chunks=len(grid), max_error=0.0)
    return outcome, leaves, digest.hexdigest()


def _as_text(values: NDArray[Any], name: str) -> NDArray[Any]:
    """An object array of ``str``; missing entries (``None``, NaN) become empty text."""
    flat = np.empty(values.size, dtype=object)
    for position, value in enumerate(np.asarray(values, dtype=object).reshape(-1)):
        if isinstance(value, bytes):
            try:
                value = value.decode("utf-8")
            except UnicodeDecodeError as error:
                raise TreatmentError(f"variable {name!r}: bytes {value[:20]!r} are not UTF-8 text: {error}") from error
        flat[position] = "" if value is None or value != value else str(value)
    return flat.reshape(values.shape)
