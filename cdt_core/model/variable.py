"""What is known of a variable before a value is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from cdt_core.model.packing import Packing

__all__ = ["VariableSpec"]


@frozen
class VariableSpec:
    """A variable's name and layout.

    ``name`` is the path in the dataset (``"u"``, ``"group/u"``); ``dtype`` the NumPy name of the *stored* values; ``role``
    is ``"data"`` for what bounds apply to, ``"coordinate"`` for coordinates and their bounds, which are always lossless.
    """

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    role: str = "data"
    attributes: Mapping[str, Any] = field(factory=dict)
    packing: Packing = field(factory=Packing)

    @property
    def size(self) -> int:
        """Number of values."""
        count = 1
        for length in self.shape:
            count *= length
        return count

    @property
    def units(self) -> str:
        """The ``units`` attribute, or an empty text."""
        return str(self.attributes.get("units", ""))
