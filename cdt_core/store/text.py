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
) -> tuple[VariableOutcome, dict[str, str], str, int]:
    """Write a text variable chunk by chunk as variable-length UTF-8, read each chunk back and compare.

    Text has no missing value: what is missing becomes empty.

    Returns the outcome, the SHA-256 of each chunk file by its path under ``root``, the SHA-256 over the lines of the SHA-256
    of each chunk's values (as a JSON list, ``null`` for missing ones), and the number of missing values.
    """
    import zarr

    raw = missing = 0
    digests = []
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
            found = read(region)
            values, absent = _filled(found, spec.name)
            array[region] = values
            if not np.array_equal(np.asarray(array[region], dtype=object), values):
                raise TreatmentError(f"variable {spec.name!r}, chunk {index}: text changed when it was read back")
            digests.append(hashlib.sha256(json.dumps(found.tolist()).encode()).hexdigest())
            missing += absent
            raw += sum(len(text.encode()) for text in values.reshape(-1)) + values.size
    files = sorted(path for path in (root / spec.name).rglob("*") if path.is_file() and path.name != "zarr.json")
    leaves = {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    stored = sum(path.stat().st_size for path in files)
    outcome = VariableOutcome(spec.name, raw_bytes=raw, stored_bytes=stored, chunks=len(grid), max_error=0.0)
    return outcome, leaves, hashlib.sha256("\n".join(digests).encode()).hexdigest(), missing


def _filled(found: NDArray[Any], name: str) -> tuple[NDArray[Any], int]:
    """The text with missing values empty, and how many those are."""
    values: NDArray[Any] = np.empty(found.shape, dtype=object)
    absent = 0
    for position, text in enumerate(found.reshape(-1)):
        absent += text is None
        values.reshape(-1)[position] = text = "" if text is None else text
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise TreatmentError(f"variable {name!r}: {text[:20]!r} is no Unicode text: {error}; correct it") from error
    return values, absent
