"""Several files as one dataset, joined lazily along the dimension in which their coordinates differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from attrs import evolve

from cdt_core.errors import ReaderError
from cdt_core.hooks.lazy import LazyArray, lazy_variable
from cdt_core.hooks.notes import note
from cdt_core.model import Finding, VariableSpec
from cdt_core.model.grid import choose_chunk_shape
from cdt_core.readers.dataset import StoredBlock, StoredDataset
from cdt_core.readers.flatten import flatten

__all__ = ["combined"]

_TASK_BYTES = 16 << 20


def combined(parts: Sequence[StoredDataset], name: str) -> StoredDataset:
    """One dataset from ``parts``, by their coordinates; those without any are joined along their first dimension, in order.

    Raises
    ------
    ReaderError
        The parts do not hold the same variables with the same type and meaning: names the first file that differs; or
        their coordinates do not make one grid.
    """
    for part in parts[1:]:
        _check_same(parts[0], part)
    groups = {path: _joined([_lazy(part, path) for part in parts], name) for path in _groups(parts[0])}
    stored = flatten(groups, name)
    roles = {path: evolve(spec, role=parts[0].specs[path].role) for path, spec in stored.specs.items()}
    files = tuple(dict.fromkeys(file for part in parts for file in part.files))
    if not all(part.files for part in parts):  # digests of some files would pass for those of the whole input
        files = ()
    notes = (*(found for part in parts for found in part.notes), *_dropped(parts))
    return evolve(stored, specs=roles, notes=notes, files=files)


def _groups(part: StoredDataset) -> list[str]:
    return list({"": None} | dict.fromkeys(part.attributes) | dict.fromkeys(n.rpartition("/")[0] for n in part.specs))


def _check_same(first: StoredDataset, other: StoredDataset) -> None:
    missing = [name for name in first.specs if name not in other.specs]
    extra = [name for name in other.specs if name not in first.specs]
    if missing or extra:
        raise ReaderError(
            f"{other.source}: does not hold the same variables as {first.source}: "
            + "; ".join(
                f"{word} {', '.join(map(repr, names))}"
                for word, names in (("lacks", missing), ("adds", extra))
                if names
            )
        )
    for name, spec in first.specs.items():
        difference = _difference(spec, other.specs[name])
        if difference:
            raise ReaderError(f"{other.source}: variable {name!r} differs from {first.source} in {difference}")


def _difference(first: VariableSpec, other: VariableSpec) -> str:
    if first.dtype != other.dtype:
        return f"its type: {other.dtype}, not {first.dtype}"
    if first.dims != other.dims:
        return f"its dimensions: {other.dims}, not {first.dims}"
    for key in dict.fromkeys((*first.attributes, *other.attributes)):
        one, two = first.attributes.get(key), other.attributes.get(key)
        if not _equal(one, two):
            return f"the attribute {key}: {two!r}, not {one!r}"
    return ""


def _equal(one: Any, two: Any) -> bool:
    left, right = np.asarray(one), np.asarray(two)
    if left.dtype.kind in "fc" and right.dtype.kind in "fc":
        return bool(np.array_equal(left, right, equal_nan=True))
    return bool(np.array_equal(left, right))


def _lazy(part: StoredDataset, group: str) -> xr.Dataset:
    """One group of one file, chunked for Dask; dimension coordinates are read, as joining goes by them."""
    variables = {}
    for path, spec in part.specs.items():
        place, _, leaf = path.rpartition("/")
        if place == group:
            array = LazyArray(spec.shape, np.dtype(spec.dtype), StoredBlock(part, path))
            variable = lazy_variable(spec.dims, array, spec.attributes)
            variables[leaf] = variable if spec.dims == (leaf,) else variable.chunk(_chunks(part.variables[path], spec))
    return xr.Dataset(variables, attrs=dict(part.attributes.get(group, {})))


def _chunks(variable: xr.Variable, spec: VariableSpec) -> dict[str, int]:
    known = variable.encoding.get("chunksizes")
    shape = choose_chunk_shape(spec.shape, np.dtype(spec.dtype).itemsize, known, _TASK_BYTES)
    return dict(zip(spec.dims, shape, strict=True))


def _joined(parts: list[xr.Dataset], name: str) -> xr.Dataset:
    if not parts[0].variables:
        return parts[0]
    options: dict[str, Any] = {
        "data_vars": "minimal",
        "coords": "minimal",
        "compat": "equals",
        "join": "exact",
        "combine_attrs": "drop_conflicts",
    }
    try:
        if any(dim in parts[0].variables for dim in parts[0].dims):
            result = xr.combine_by_coords(parts, **options)
        else:
            result = xr.concat(parts, dim=_first_dim(parts[0], name), **options)
    except (ValueError, TypeError) as error:
        raise ReaderError(f"{name}: the files do not make one grid: {error}") from error
    if not isinstance(result, xr.Dataset):
        raise ReaderError(f"{name}: the files do not make one dataset")
    return result.drop_indexes(list(result.xindexes)) if len(result.xindexes) else result


def _first_dim(dataset: xr.Dataset, name: str) -> str:
    firsts = {str(variable.dims[0]) for variable in dataset.variables.values() if variable.dims}
    if len(firsts) != 1 or not all(variable.dims for variable in dataset.variables.values()):
        raise ReaderError(f"{name}: the files have no coordinates that say how to join them; open them one by one")
    return firsts.pop()


def _dropped(parts: Sequence[StoredDataset]) -> list[Finding]:
    """A note on the attributes of groups that differ between the files, and are left out."""
    differing = sorted(
        {
            f"{path}:{key}" if path else key
            for part in parts[1:]
            for path, attributes in parts[0].attributes.items()
            for key in {*attributes, *part.attributes.get(path, {})}
            if not _same_entry(attributes, part.attributes.get(path, {}), key)
        }
    )
    if not differing:
        return []
    return [note("attributes_differ", f"attributes that differ between the files are left out: {', '.join(differing)}")]


def _same_entry(one: Mapping[str, Any], two: Mapping[str, Any], key: str) -> bool:
    return key in one and key in two and _equal(one[key], two[key])
