"""What a file holds, without reading its values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from cdt_core.model import VariableSpec
from cdt_core.planning.chunks import is_text
from cdt_core.store.metadata import json_value

if TYPE_CHECKING:
    from cdt_core.readers.stored import StoredDataset

__all__ = ["Inspection", "inspection_of"]


@frozen
class Inspection:
    """Variables and attributes of a source; ``bytes`` is the raw size of all values that are numbers."""

    source: str
    bytes: int
    variables: tuple[VariableSpec, ...]
    attributes: Mapping[str, Mapping[str, Any]]


def inspection_of(dataset: StoredDataset) -> Inspection:
    """The inspection of an opened dataset."""
    specs = tuple(dataset.specs.values())
    size = sum(spec.size * np.dtype(spec.dtype).itemsize for spec in specs if not is_text(spec))
    attributes = {path: json_value(dict(found)) for path, found in dataset.attributes.items()}
    return Inspection(dataset.source, size, specs, attributes)
