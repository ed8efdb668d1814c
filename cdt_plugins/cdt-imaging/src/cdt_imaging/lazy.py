"""What the readers of this plugin share: values in files, and datasets without indexes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from attrs import frozen
from numpy.typing import NDArray

from cdt_core.hooks.notes import NOTES
from cdt_core.hooks.source import Source
from cdt_core.model import Finding

__all__ = ["StoredValues", "dataset_of"]


@frozen
class StoredValues:
    """Values that lie uncompressed, in C order, at ``offset`` of a file: memory-mapped where the file is local.

    From a remote file, the rows of the first axis that a block touches are read. ``expanded`` is the content of the file
    where that had to be decompressed as a whole.
    """

    source: Source
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    expanded: bytes | None = None

    def __call__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        """The values in ``region``."""
        if not math.prod(self.shape):
            return np.empty(self.shape, self.dtype)[region]
        if self.expanded is not None:
            count = math.prod(self.shape)
            values = np.frombuffer(self.expanded, self.dtype, count, self.offset).reshape(self.shape)
            return values[region].copy()
        if self.source.is_local:
            mapped = np.memmap(self.source.path, self.dtype, "r", self.offset, self.shape)
            return np.array(mapped[region])
        first, rest = region[0], region[1:]
        row = math.prod(self.shape[1:]) * self.dtype.itemsize
        with self.source.open() as file:
            file.seek(self.offset + first.start * row)
            raw = file.read(max(0, first.stop - first.start) * row)
        rows = np.frombuffer(raw, self.dtype).reshape(-1, *self.shape[1:])
        return rows[:: first.step][(slice(None), *rest)].copy()


def dataset_of(
    variables: Mapping[str, xr.Variable],
    coordinates: Mapping[str, xr.Variable],
    attributes: Mapping[str, Any],
    notes: Sequence[Finding] = (),
) -> xr.Dataset:
    """A dataset without indexes, so that nothing is read or compared before it is asked for."""
    dataset = xr.Dataset(dict(variables), coords=xr.Coordinates(dict(coordinates), indexes={}), attrs=dict(attributes))
    dataset.encoding[NOTES] = tuple(notes)
    return dataset
