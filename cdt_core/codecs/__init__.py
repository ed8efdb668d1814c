"""One codec, one file; the Zarr v3 codecs are found by entry point."""

from __future__ import annotations
