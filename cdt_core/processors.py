"""Processors of the core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.errors import PlanError
from cdt_core.model import VariableSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["mask_values"]


def mask_values(
    values: NDArray[Any], spec: VariableSpec, start: tuple[int, ...], *, codes: Sequence[float] = ()
) -> NDArray[Any]:
    """Turn every value that equals one of ``codes`` into NaN; the values' own type decides what equals.

    Parameters
    ----------
    values
        Floating-point block, any shape.
    spec, start
        The variable and where the block lies in it; any place is treated alike.
    codes
        Sentinels such as ``[-9999, 1e20]``.

    Raises
    ------
    PlanError
        No codes were given, or the variable cannot hold NaN.
    """
    if not codes:
        raise PlanError(f"processor mask_values on {spec.name!r}: name the sentinels, as in codes=[-9999]")
    if values.dtype.kind != "f":
        raise PlanError(f"processor mask_values on {spec.name!r}: dtype {values.dtype} cannot hold missing values")
    masked = values.copy()
    for code in codes:
        masked[values == values.dtype.type(code)] = np.nan
    return masked
