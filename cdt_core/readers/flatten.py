"""From what a reader returns (Dataset, DataTree, or groups) to a :class:`StoredDataset`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Any

import numpy as np
import xarray as xr
from attrs import define, field, frozen
from numpy.typing import NDArray

from cdt_core.errors import ReaderError
from cdt_core.hooks.lazy import LazyArray, lazy_variable
from cdt_core.hooks.notes import NOTES, note
from cdt_core.model import Finding, VariableSpec
from cdt_core.readers.dataset import StoredDataset
from cdt_core.readers.lazy import load_block, preferred_chunks
from cdt_core.readers.meaning import coordinate_names, is_text, packing_of
from cdt_core.readers.times import as_numbers

__all__ = ["Groups", "Raw", "flatten", "path_name"]

#: Group path -> dataset, for files whose groups give one dimension several lengths, which a DataTree cannot hold.
Groups = Mapping[str, xr.Dataset]
Raw = xr.Dataset | xr.DataTree | Groups

_RESERVED = ("", ".", "..", "zarr.json")
_LONGEST_NAME = 200


@define
class _Collected:
    variables: dict[str, xr.Variable] = field(factory=dict)
    attributes: dict[str, dict[str, Any]] = field(factory=dict)
    coordinates: set[str] = field(factory=set)
    notes: list[Finding] = field(factory=list)
    groups: set[str] = field(factory=set)


def flatten(raw: Raw, source: str, allow_partial: bool = False) -> StoredDataset:
    """Collect every variable of ``raw`` under its path.

    Compound types become one variable per field (``"name.field"``); times become CF integers; a variable of a type that
    cannot be stored is an error, or with ``allow_partial`` a note.
    """
    groups = [
        ("/".join(path_name(part) for part in path.split("/") if part), dataset) for path, dataset in _groups(raw)
    ]
    found = _Collected(
        groups={prefix for place, _ in groups for prefix in accumulate(place.split("/"), "{}/{}".format)}
    )
    for place, dataset in groups:
        found.attributes[place] = _unicode(dict(dataset.attrs))
        found.notes.extend(dataset.encoding.get(NOTES, ()))
        for name, variable in dataset.variables.items():
            _collect(found, place, (str(name), variable, name in dataset.coords), allow_partial)
    if not found.variables:
        raise ReaderError("holds no variable")
    described = found.coordinates | coordinate_names(found.variables, found.attributes)
    specs = {name: _spec(name, variable, described) for name, variable in found.variables.items()}
    return StoredDataset(
        found.variables, specs, found.attributes, source, tuple(found.notes), coordinates=frozenset(found.coordinates)
    )


def _groups(raw: Raw) -> Iterator[tuple[str, xr.Dataset]]:
    if isinstance(raw, xr.Dataset):
        yield "", raw
    elif isinstance(raw, xr.DataTree):
        for node in raw.subtree:
            dataset = node.to_dataset(inherit=False)
            dataset.encoding = dict(node.encoding)
            yield node.path.strip("/"), dataset
    else:
        for path, dataset in raw.items():
            yield path.strip("/"), dataset


def path_name(name: str) -> str:
    """``name`` as one part of a path: no slash, all Unicode, not reserved, not longer than a file name may be."""
    clean = name.replace("/", "_").replace("\0", "_").encode("utf-8", "replace").decode()
    if clean in _RESERVED or clean.startswith("__"):
        clean = "_" + clean.strip("_.").replace(".", "_")
    return clean if len(clean.encode()) <= _LONGEST_NAME else clean.encode()[:_LONGEST_NAME].decode(errors="ignore")


def _collect(found: _Collected, group: str, item: tuple[str, xr.Variable, bool], allow_partial: bool) -> None:
    name, variable, is_coordinate = item
    for leaf, part in _parts(name, variable):
        path = _free(found, f"{group}/{path_name(leaf)}" if group else path_name(leaf))
        try:
            stored = _storable(part)
            packing_of(stored.dtype, stored.attrs)
        except ReaderError as error:
            if not allow_partial:
                raise ReaderError(f"variable {path!r}: {error}") from error
            found.notes.append(note("variable_left_out", f"variable {path!r} was left out: {error}", variable=path))
            continue
        if path.rpartition("/")[2] != leaf:
            stored.attrs.setdefault("original_name", leaf)
        stored.attrs = _unicode(stored.attrs)
        found.variables[path] = stored
        if is_coordinate:
            found.coordinates.add(path)


def _unicode(value: Any) -> Any:
    """The attributes with escapes for what no Unicode text can hold: lone surrogates, as from bytes of another encoding."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {_unicode(key): _unicode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_unicode, value))
    return value


def _free(found: _Collected, path: str) -> str:
    """``path``, with a number when it is taken, by a group too: two names of the source may become one."""
    candidate, count = path, 1
    while candidate in found.variables or candidate in found.groups:
        count += 1
        candidate = f"{path}_{count}"
    return candidate


@frozen
class _Field:
    """Reads one field of a compound variable."""

    variable: xr.Variable
    name: str

    def __call__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        values = load_block(self.variable, region[: self.variable.ndim])
        block: NDArray[Any] = np.asarray(values[self.name])[
            (slice(None),) * self.variable.ndim + region[self.variable.ndim :]
        ]
        return block


def _parts(name: str, variable: xr.Variable) -> Iterator[tuple[str, xr.Variable]]:
    """The variable itself, or the fields of a compound one."""
    if variable.dtype.fields is None:
        yield name, variable
        return
    for leaf in variable.dtype.names or ():
        base, inner = variable.dtype.fields[leaf][0], ()
        if base.subdtype is not None:
            base, inner = base.subdtype
        dims = (*map(str, variable.dims), *(f"{name}.{leaf}_{axis}" for axis in range(len(inner))))
        array = LazyArray((*variable.shape, *inner), base, _Field(variable, leaf))
        part = lazy_variable(dims, array, variable.attrs)
        yield from _parts(f"{name}.{leaf}", part)


def _storable(variable: xr.Variable) -> xr.Variable:
    dtype = variable.dtype
    if dtype.kind in "mM":
        return as_numbers(variable)
    if dtype.kind in "fc" and dtype.itemsize > (8 if dtype.kind == "f" else 16):
        raise ReaderError(f"has type {dtype}, wider than double precision; convert it first")
    if not is_text(dtype) and dtype.kind not in "iufcb":
        raise ReaderError(f"has type {dtype}, which cannot be stored")
    copied = variable.copy(deep=False)
    copied.encoding = preferred_chunks(variable)
    copied.attrs = dict(variable.attrs)
    return copied


def _spec(path: str, variable: xr.Variable, coordinates: set[str]) -> VariableSpec:
    text = is_text(variable.dtype)
    attributes = {str(key): value for key, value in variable.attrs.items() if not (text and key == "_Encoding")}
    return VariableSpec(
        name=path,
        dims=tuple(str(dim) for dim in variable.dims),
        shape=tuple(variable.shape),
        dtype="object" if text else variable.dtype.name,
        role="coordinate" if path in coordinates else "data",
        attributes=attributes,
        packing=packing_of(variable.dtype, attributes),
    )
