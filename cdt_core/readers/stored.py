"""The dataset as stored, from files or from objects in memory, and back to xarray."""

from __future__ import annotations

from cdt_core.readers.dataset import StoredDataset
from cdt_core.readers.memory import from_xarray
from cdt_core.readers.view import as_xarray

__all__ = ["StoredDataset", "as_xarray", "from_xarray"]
