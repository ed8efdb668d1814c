"""What a report is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from cdt_core.model import Treatment, VariableProfile, VariableSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Preview", "ReportContent"]


@frozen(eq=False)
class Preview:
    """A plane (2-d) or a line (1-d) of a variable before and after: float64 physical values, NaN where missing, at most 512
    per side. ``label`` says where it was cut; ``dims`` names its axes.
    """

    before: NDArray[np.float64]
    after: NDArray[np.float64]
    label: str
    dims: tuple[str, ...]


@frozen(eq=False)
class ReportContent:
    """A treatment, and what is known of its input. ``inputs`` are (name, bytes, SHA-256); ``started`` is ISO 8601."""

    treatment: Treatment
    title: str
    source: str
    specs: Mapping[str, VariableSpec]
    profiles: Mapping[str, VariableProfile]
    previews: Mapping[str, Preview]
    inputs: tuple[tuple[str, int, str], ...] = ()
    attributes: Mapping[str, Any] = field(factory=dict)
    software: Mapping[str, str] = field(factory=dict)
    started: str = ""
    key_id: str = ""
