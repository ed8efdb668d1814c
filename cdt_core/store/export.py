"""Plain copies of a treatment for people without cdt: NetCDF-4, or Zarr with Zstandard."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cdt_core.errors import OutputError

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["EXPORT_FORMATS", "export_store"]

#: What :func:`export_store` writes, by the target's ending.
EXPORT_FORMATS = {".nc": "netcdf", ".nc4": "netcdf", ".h5": "netcdf", ".zarr": "zarr"}


def export_store(store: Path, target: Path, *, overwrite: bool = False) -> None:
    """Write the store's values and attributes, decoded, as NetCDF-4 (``.nc``) or plain Zarr (``.zarr``).

    Written under a temporary name and renamed last.

    Raises
    ------
    OutputError
        Unknown ending, the target exists, is in the treatment or is of another kind, or the disk is too small or refuses.
    """
    kind = EXPORT_FORMATS.get(target.suffix.lower())
    if kind is None:
        raise OutputError(f"{target}: unknown ending; use one of {', '.join(EXPORT_FORMATS)}")
    _check_target(store, target, kind, overwrite=overwrite)
    part = target.with_name(f".{target.name}.cdt-partial{target.suffix}")
    old = target.with_name(f".{target.name}.cdt-old")
    _remove(part)
    try:
        _write(store, part, kind)
        if target.is_dir():
            os.rename(target, old)
        os.replace(part, target)
    except OSError as error:
        if old.exists() and not target.exists():
            os.rename(old, target)
        reason = (
            os.strerror(error.errno) if error.errno else error.args[-1]
        )  # HDF5's own text is long and names the wrong file
        raise OutputError(f"{target}: cannot be written: {reason}") from error
    except (
        Exception
    ) as error:  # whatever the libraries raise on a store that is damaged, or on what a format cannot hold
        raise OutputError(f"{store}: cannot be exported to {target}: {type(error).__name__}: {error}") from error
    finally:
        _remove(part)
    _remove(old)


def _check_target(store: Path, target: Path, kind: str, *, overwrite: bool) -> None:
    inside, place = store.resolve(), target.resolve()
    if inside.parent in place.parents or place in inside.parents:
        raise OutputError(f"{target} is in, or holds, the treatment {store.parent}; choose another place")
    if not target.parent.is_dir():
        raise OutputError(f"{target}: there is no folder {target.parent}; make it first")
    if not os.path.lexists(target):
        return
    if not overwrite:
        raise OutputError(
            f"{target} exists already; choose another place, or overwrite it (--overwrite, overwrite=True)"
        )
    is_store = target.is_dir() and any((target / name).is_file() for name in ("zarr.json", ".zgroup", ".zarray"))
    if not (is_store if kind == "zarr" else target.is_file()):
        raise OutputError(f"{target} exists and is no {kind} to replace; choose another place")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    elif os.path.lexists(path):  # a disk that is read-only refuses even to remove what is not there
        path.unlink(missing_ok=True)


def _write(store: Path, part: Path, kind: str) -> None:
    import dask
    import xarray as xr

    workers = len(os.sched_getaffinity(0))
    # Threads of our own: when one fails, the others have ended before what was written is removed.
    with ThreadPoolExecutor(workers) as pool, dask.config.set(pool=pool), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zarr warns of its own string type; the names are ours
        tree = xr.open_datatree(store, engine="zarr", chunks={}, decode_cf=False)
        with tree:
            plain = tree.map_over_datasets(_plain)
            if kind == "netcdf":
                _check_space(part, sum(node.to_dataset(inherit=False).nbytes for node in plain.subtree))
                plain = plain.map_over_datasets(_flat)
                encoding = {path: _compressed(node.to_dataset(inherit=False)) for path, node in plain.subtree_with_keys}
                plain.to_netcdf(part, engine="h5netcdf", encoding=_absolute(encoding))
            else:
                plain.to_zarr(part, zarr_format=3, consolidated=True)


def _check_space(part: Path, most: int) -> None:
    """Refuse before HDF5 meets a full disk, which it does not survive."""
    free = shutil.disk_usage(part.parent).free
    if free < most:
        raise OSError(0, f"it may take {most} bytes, and {free} are free; choose another place, or a .zarr")


def _plain(dataset: xr.Dataset) -> xr.Dataset:
    """Without the store's own encodings (chunks of ours, codecs), and with the notes on what was done."""
    for variable in dataset.variables.values():
        variable.encoding = {}
    return dataset


def _flat(dataset: xr.Dataset) -> xr.Dataset:
    """With attributes that NetCDF has no type for (mappings, nested or mixed lists, nothing) as JSON text."""
    dataset.attrs = {key: _flat_value(value) for key, value in dataset.attrs.items()}
    for variable in dataset.variables.values():
        variable.attrs = {key: _flat_value(value) for key, value in variable.attrs.items()}
    return dataset


def _flat_value(value: Any) -> Any:
    if isinstance(value, bool | None | dict):
        return json.dumps(value)
    if isinstance(value, list | tuple):
        kinds = {str if isinstance(part, str) else float for part in value if type(part) in (str, int, float)}
        plain = len(kinds) == 1 and all(type(part) in (str, int, float) for part in value)
        return value if plain else json.dumps(value)
    return value


def _compressed(dataset: xr.Dataset) -> dict[str, dict[str, Any]]:
    return {
        str(name): {"zlib": True, "complevel": 4, "shuffle": True}
        for name, variable in dataset.variables.items()
        if variable.dtype.kind in "iufb" and variable.ndim
    }


def _absolute(encoding: dict[str, Any]) -> dict[str, Any]:
    return {path if path.startswith("/") else "/" + path.strip("."): value for path, value in encoding.items() if value}
