"""Medical images and microscopy for cdt: readers of DICOM, NIfTI, OME-TIFF and OME-Zarr, and checks of image quality."""

from __future__ import annotations

__version__ = "0.1.0"
