"""The multiscales metadata of OME-Zarr (NGFF 0.1 to 0.5): axes, scales and translations of each level."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from cdt_core.errors import ReaderError

__all__ = ["Level", "levels_of", "multiscales_of"]

_BEFORE_AXES = "tczyx"  # NGFF 0.1 and 0.2: always these five


@frozen
class Level:
    """One level of a pyramid: the array's path below its group, and for each axis name, unit, step and first position."""

    path: str
    names: tuple[str, ...]
    units: tuple[str, ...]
    steps: tuple[float, ...]
    starts: tuple[float, ...]
    known: bool


def multiscales_of(attributes: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The multiscales of a group; empty when it has none. NGFF 0.5 has them under the key ``ome``."""
    ome = attributes.get("ome")
    found = (ome if isinstance(ome, Mapping) else attributes).get("multiscales")
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def levels_of(multiscale: Mapping[str, Any], where: str) -> list[Level]:
    """The levels that a multiscale lists.

    Raises
    ------
    ReaderError
        The metadata does not say which arrays there are, or contradicts itself.
    """
    datasets = multiscale.get("datasets")
    if not isinstance(datasets, list) or not datasets:
        raise ReaderError(f"{where}: the OME-Zarr multiscales lists no datasets")
    names, units = _axes(multiscale.get("axes", list(_BEFORE_AXES)), where)
    overall = multiscale.get("coordinateTransformations") or []
    found = []
    for item in datasets:
        if not isinstance(item, Mapping) or not isinstance(item.get("path"), str):
            raise ReaderError(f"{where}: a dataset of the OME-Zarr multiscales has no path: {item!r}")
        own = item.get("coordinateTransformations") or []
        steps, starts = _transformed([*own, *overall], len(names), f"{where}: level {item['path']!r}")
        found.append(Level(item["path"].strip("/"), names, units, steps, starts, bool(own or overall)))
    return found


def _axes(axes: Any, where: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if not isinstance(axes, list):
        raise ReaderError(f"{where}: the axes of the OME-Zarr multiscales are {axes!r}, not a list")
    described = [axis if isinstance(axis, Mapping) else {"name": axis} for axis in axes]
    names = tuple(str(axis.get("name", "")) for axis in described)
    if "" in names or len(set(names)) != len(names):
        raise ReaderError(f"{where}: the axes of the OME-Zarr multiscales have no names of their own: {list(names)}")
    return names, tuple(str(axis.get("unit", "")) for axis in described)


def _transformed(transformations: Sequence[Any], count: int, where: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Steps and starts after all transformations, in their order."""
    steps, starts = [1.0] * count, [0.0] * count
    for item in transformations:
        kind = item.get("type") if isinstance(item, Mapping) else None
        if kind not in ("scale", "translation"):
            continue
        values = item.get(kind)
        if not _is_vector(values, count):
            raise ReaderError(f"{where}: its {kind} is {values!r}, not {count} finite numbers")
        if kind == "scale":
            steps = [step * value for step, value in zip(steps, values, strict=True)]
            starts = [start * value for start, value in zip(starts, values, strict=True)]
        else:
            starts = [start + value for start, value in zip(starts, values, strict=True)]
    return tuple(steps), tuple(starts)


def _is_vector(values: Any, count: int) -> bool:
    return (
        isinstance(values, list)
        and len(values) == count
        and all(isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in values)
    )
