"""Where DICOM pixels lie in the patient, and what their numbers stand for (PS3.3 sections C.7.6.2, C.7.6.16, C.11.1)."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from attrs import frozen
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from cdt_imaging.dicom_elements import number, numbers, text
from cdt_imaging.geometry import axis_coordinate

__all__ = ["Plane", "affine_of", "distances", "frame_axis", "plane_axes", "plane_of", "scaling_of"]

_PLANE_ABOUT = {
    "y": "distance down the columns from the centre of the first pixel",
    "x": "distance along the rows from the centre of the first pixel",
}


@frozen
class Plane:
    """Position and orientation of an image plane, in mm, in the patient's coordinates (LPS); ``None`` where unknown.

    ``orientation`` is the direction along a row, then down a column; ``spacing`` is between rows, then between columns.
    """

    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing: tuple[float, float] | None
    spacing_at: str = "patient"

    @property
    def normal(self) -> NDArray[np.float64] | None:
        """Unit vector across the plane."""
        if self.orientation is None:
            return None
        return np.cross(np.array(self.orientation[:3]), np.array(self.orientation[3:]))


def plane_of(header: Dataset, frame: int = 0) -> Plane:
    """The plane of a frame, from the header itself or its functional groups."""
    position, orientation = numbers(header, "ImagePositionPatient"), numbers(header, "ImageOrientationPatient")
    spacing, place = numbers(header, "PixelSpacing"), "patient"
    for groups in _functional_groups(header, frame):
        position = position or numbers(_only(groups, "PlanePositionSequence"), "ImagePositionPatient")
        orientation = orientation or numbers(_only(groups, "PlaneOrientationSequence"), "ImageOrientationPatient")
        spacing = spacing or numbers(_only(groups, "PixelMeasuresSequence"), "PixelSpacing")
    for keyword in ("ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        if not spacing:
            spacing, place = numbers(header, keyword), "detector"
    usable = len(spacing) == 2 and all(np.isfinite(step) and step > 0 for step in spacing)
    return Plane(
        tuple(position) if len(position) == 3 else None,
        tuple(orientation) if len(orientation) == 6 else None,
        (spacing[0], spacing[1]) if usable else None,
        place,
    )


def _functional_groups(header: Dataset, frame: int) -> list[Dataset]:
    per_frame = header.get("PerFrameFunctionalGroupsSequence") or []
    shared = header.get("SharedFunctionalGroupsSequence") or []
    return [*([per_frame[frame]] if frame < len(per_frame) else []), *shared[:1]]


def _only(groups: Dataset, keyword: str) -> Dataset:
    found = groups.get(keyword) or []
    return found[0] if len(found) == 1 else Dataset()


def plane_axes(plane: Plane, rows: int, columns: int) -> dict[str, xr.Variable]:
    """Coordinates ``y`` and ``x`` in mm, where the spacing is known."""
    if plane.spacing is None:
        return {}
    return {
        dim: axis_coordinate(
            dim, length, step, attributes={"units": "mm", "axis": dim.upper(), "long_name": _PLANE_ABOUT[dim]}
        )
        for dim, length, step in (("y", rows, plane.spacing[0]), ("x", columns, plane.spacing[1]))
    }


def distances(planes: list[Plane]) -> NDArray[np.float64] | None:
    """Positions of parallel planes along their normal, in mm; ``None`` when they are not parallel or not known."""
    first = planes[0]
    if first.normal is None or any(p.position is None or p.orientation is None for p in planes):
        return None
    turned = [np.array(plane.orientation) - np.array(first.orientation) for plane in planes]
    if np.abs(turned).max() > 1e-3:
        return None
    return np.array([float(np.dot(first.normal, np.array(p.position))) for p in planes])


def affine_of(plane: Plane, across: NDArray[np.float64] | None = None) -> list[list[float]] | None:
    """Matrix from voxel indices ``(x, y, z)`` to mm in the patient (LPS).

    ``across`` is the step from one plane to the next; its direction is the normal, of length 1, where there is one plane.
    """
    if plane.position is None or plane.orientation is None or plane.spacing is None or plane.normal is None:
        return None
    affine = np.eye(4)
    affine[:3, 0] = np.multiply(plane.orientation[:3], plane.spacing[1])
    affine[:3, 1] = np.multiply(plane.orientation[3:], plane.spacing[0])
    affine[:3, 2] = plane.normal if across is None else across
    affine[:3, 3] = plane.position
    rows: list[list[float]] = affine.tolist()
    return rows


def frame_axis(header: Dataset, frames: int) -> tuple[str, xr.Variable | None]:
    """Name and coordinate of the axis of frames: ``z`` for planes, ``t`` for moments, ``frame`` where neither is known."""
    offsets = numbers(header, "GridFrameOffsetVector")
    if len(offsets) == frames:
        about = {"units": "mm", "axis": "Z", "long_name": "offset of the planes (GridFrameOffsetVector)"}
        return "z", xr.Variable(("z",), np.array(offsets), about)
    if len(header.get("PerFrameFunctionalGroupsSequence") or []) == frames > 1:
        along = distances([plane_of(header, frame) for frame in range(frames)])
        if along is not None and (np.diff(along) > 0).all() | (np.diff(along) < 0).all():
            about = {"units": "mm", "axis": "Z", "long_name": "position of the planes along their normal"}
            return "z", xr.Variable(("z",), along, about)
    about = {"units": "ms", "axis": "T", "long_name": "time since the first frame"}
    step, steps = number(header, "FrameTime"), numbers(header, "FrameTimeVector")
    if len(steps) == frames:
        return "t", xr.Variable(("t",), np.cumsum(steps), about)
    if step is not None and step > 0:
        return "t", axis_coordinate("t", frames, step, attributes=about)
    return "frame", None


def scaling_of(header: Dataset) -> dict[str, Any]:
    """``scale_factor``, ``add_offset``, ``units`` as the header has them; nothing where stored values are the values."""
    dose = number(header, "DoseGridScaling")
    if dose is not None:
        units = {"units": "Gy"} if text(header, "DoseUnits") == "GY" else {}
        return {"scale_factor": dose, **units, "long_name": "radiation dose"}
    slope, intercept, kind = _rescale(header)
    found: dict[str, Any] = {}
    if slope is not None and intercept is not None and (slope, intercept) != (1.0, 0.0):
        found.update(scale_factor=slope, add_offset=intercept)
    if kind in ("HU", "") and text(header, "Modality") == "CT" and slope is not None:
        found.update(units="1", long_name="CT number in Hounsfield units")
    elif kind:
        found["rescale_type"] = kind
    return found


def _rescale(header: Dataset) -> tuple[float | None, float | None, str]:
    places = [header]
    per_frame = header.get("PerFrameFunctionalGroupsSequence") or []
    groups = [_only(item, "PixelValueTransformationSequence") for item in per_frame]
    if groups and all(_triple(item) == _triple(groups[0]) for item in groups):
        places.append(groups[0])
    shared = header.get("SharedFunctionalGroupsSequence") or []
    places.extend(_only(item, "PixelValueTransformationSequence") for item in shared[:1])
    found = [_triple(place) for place in places]
    return next((triple for triple in found if triple[0] is not None), (None, None, ""))


def _triple(place: Dataset) -> tuple[float | None, float | None, str]:
    return number(place, "RescaleSlope"), number(place, "RescaleIntercept"), text(place, "RescaleType")
