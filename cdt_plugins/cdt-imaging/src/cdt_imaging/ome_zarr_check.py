"""The multiscales of OME-Zarr against the arrays that were read: the plain Zarr reader opens what they contradict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cdt_core.errors import ReaderError
from cdt_core.hooks.contracts import Subject
from cdt_core.model import Finding
from cdt_imaging.ome_zarr_axes import levels_of, multiscales_of

__all__ = ["multiscales"]


def multiscales(subject: Subject) -> Iterable[Finding]:
    """One finding for each group with multiscales: 1 when each level that it lists is an array with the axes it names."""
    for path, attributes in subject.attributes.items():
        found = multiscales_of(attributes)
        if found:
            problems = [problem for multiscale in found for problem in _problems(subject, path, multiscale)]
            yield Finding(
                check="imaging.multiscales_valid",
                dimension="consistency",
                value=int(not problems),
                unit="bool",
                method="1 when each level that the OME-Zarr multiscales lists is an array with as many dimensions as axes",
                message="; ".join(problems),
                evidence={"group": path or "/"},
            )


def _problems(subject: Subject, path: str, multiscale: Mapping[str, Any]) -> Iterable[str]:
    try:
        levels = levels_of(multiscale, f"group {path or '/'!r}")
    except ReaderError as error:
        yield str(error)
        return
    for level in levels:
        full = "/".join(part for part in (path, level.path) if part)
        spec = next(
            (subject.specs[name] for name in (f"{full}/image", f"{full}/labels", full) if name in subject.specs), None
        )
        if spec is None:
            yield f"level {level.path!r} is not there"
        elif len(spec.shape) != len(level.names):
            yield f"level {level.path!r} has {len(spec.shape)} dimensions, but the axes are {list(level.names)}"
