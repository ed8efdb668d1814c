"""How stored numbers stand for physical values: packing and missing-value attributes (CF-1.12, 2.5.1 and 8.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

__all__ = ["PACKING_ATTRIBUTES", "Packing"]

#: Attributes that change what a stored number means; all others are only description.
PACKING_ATTRIBUTES = ("scale_factor", "add_offset", "_FillValue", "missing_value", "_Unsigned")


@frozen
class Packing:
    """``physical = stored * scale_factor + add_offset``; ``missing`` holds the stored codes that stand for no value.

    ``scale_factor`` and ``add_offset`` are ``None`` when the file does not name them. ``dtype`` is the type that decoded
    values have (NumPy name), chosen as xarray does; it equals the stored type when nothing is packed.
    """

    scale_factor: float | None = None
    add_offset: float | None = None
    missing: tuple[float | int, ...] = ()
    dtype: str = ""

    @property
    def is_packed(self) -> bool:
        """True when stored numbers are not the physical values themselves."""
        return self.scale_factor is not None or self.add_offset is not None


def without_packing(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that still hold once values are stored unpacked."""
    return {key: value for key, value in attributes.items() if key not in ("scale_factor", "add_offset", "_Unsigned")}
