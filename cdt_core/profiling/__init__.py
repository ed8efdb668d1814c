"""What one streaming pass learns of a dataset."""

from __future__ import annotations

from cdt_core.profiling.scan import StoredValues, scan, scan_block

__all__ = ["StoredValues", "scan", "scan_block"]
