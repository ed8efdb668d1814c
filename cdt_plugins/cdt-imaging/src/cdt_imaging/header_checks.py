"""Checks of an image's header against its pixels and coordinates."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from cdt_core.hooks.contracts import Subject
from cdt_core.model import Finding, VariableSpec

__all__ = ["pixel_length", "spacing"]


def pixel_length(subject: Subject) -> Iterable[Finding]:
    """Bytes of pixels in the file over the bytes that its header asks for, and the share of chunks that were written."""
    for name, spec in subject.specs.items():
        for check, stored, expected, method in (
            (
                "imaging.pixel_data_length",
                "pixel_bytes_stored",
                "pixel_bytes_expected",
                "bytes of pixel data in the file over rows x columns x samples x frames x bytes per value of the header; "
                "known for uncompressed pixels",
            ),
            (
                "imaging.chunks_written",
                "chunks_stored",
                "chunks_expected",
                "chunks in the store over chunks of the grid; others read as the fill value, which OME-Zarr allows",
            ),
        ):
            counts = [spec.attributes.get(key) for key in (stored, expected)]
            if "image_format" in spec.attributes and all(isinstance(n, int) for n in counts) and counts[1]:
                evidence = {stored: counts[0], expected: counts[1]}
                ratio = float(counts[0] or 0) / counts[1]
                yield Finding(
                    check=check, dimension="completeness", value=ratio, variable=name, method=method, evidence=evidence
                )


def spacing(subject: Subject) -> Iterable[Finding]:
    """Whether the header gives the distance between pixels, and whether slices and pixels are evenly spaced."""
    for name, spec in subject.specs.items():
        axes = spec.attributes.get("spatial_axes")
        if "image_format" in spec.attributes and isinstance(axes, list | tuple):
            yield _present(name, spec, [str(axis) for axis in axes])
            yield from _uniform(subject, name, [str(axis) for axis in axes])


def _present(name: str, spec: VariableSpec, axes: list[str]) -> Finding:
    steps = spec.attributes.get("spacing")
    known = dict(zip(axes, steps, strict=False)) if isinstance(steps, list | tuple) else {}
    lengths = dict(zip(spec.dims, spec.shape, strict=True))
    missing = [axis for axis in axes if lengths.get(axis, 1) > 1 and not _is_step(known.get(axis))]
    return Finding(
        check="imaging.spacing_present",
        dimension="completeness",
        value=int(not missing),
        unit="bool",
        variable=name,
        method="1 when each spatial axis of more than one pixel has a positive, finite spacing",
        message=f"no spacing along {', '.join(missing)}" if missing else "",
        evidence={"spacing": known, "units": spec.attributes.get("spacing_units", "")},
    )


def _is_step(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value > 0


def _uniform(subject: Subject, name: str, axes: list[str]) -> Iterator[Finding]:
    group = name.rpartition("/")[0]
    worst: dict[str, float] = {}
    for axis in axes:
        path = f"{group}/{axis}" if group else axis
        if path not in subject.variables or subject.variables[path].size < 3:
            continue
        steps = np.abs(np.diff(np.asarray(subject.variables[path].values, np.float64)))
        median = float(np.median(steps))
        worst[axis] = float(np.abs(steps / median - 1).max()) if median > 0 else 1.0
    if worst:
        yield Finding(
            check="imaging.spacing_uniform",
            dimension="consistency",
            value=max(worst.values()),
            variable=name,
            method="largest relative deviation of a step between pixels or slices from the median step of its axis",
            evidence=worst,
        )
