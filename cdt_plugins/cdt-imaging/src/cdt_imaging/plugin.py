"""The hooks of the plugin."""

from __future__ import annotations

from collections.abc import Sequence

from cdt_core.hooks import Policy, Reader, Validator, hookimpl
from cdt_imaging.offers import POLICIES, READERS, VALIDATORS

CDT_API = 1


@hookimpl
def cdt_readers() -> Sequence[Reader]:
    """DICOM, NIfTI, OME-TIFF, TIFF and OME-Zarr."""
    return READERS


@hookimpl
def cdt_validators() -> Sequence[Validator]:
    """Header against pixels, and the quality of images before and after treatment."""
    return VALIDATORS


@hookimpl
def cdt_policies() -> Sequence[Policy]:
    """Thresholds for these checks."""
    return POLICIES
