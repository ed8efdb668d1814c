"""Write the output folder: Zarr v3 metadata, plain exports, and the rename that makes a treatment valid."""

from __future__ import annotations
