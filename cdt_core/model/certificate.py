"""The signed statement that a treatment ends with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from cdt_core.model.finding import Finding

__all__ = ["LEVELS", "Certificate"]

#: Level -> the score that it takes, highest first.
LEVELS: Mapping[str, float] = {"PUBLICATION_READY": 0.99, "RESEARCH_GRADE": 0.95, "EXPLORATORY": 0.85}


@frozen
class Certificate:
    """Level, scores and judged findings, and the DSSE envelope that binds them to the data by digest.

    ``scores`` has one number in [0, 1] per dimension of :data:`cdt_core.model.DIMENSIONS`; ``score`` is the minimum over
    the dimensions that ``level`` demands. ``level`` is ``"NONE"`` when not even EXPLORATORY is reached; ``reasons`` says
    what kept the next level away. ``statement`` is the in-toto Statement v1, ``envelope`` its signed DSSE form.
    """

    level: str
    score: float
    scores: Mapping[str, float]
    findings: tuple[Finding, ...]
    reasons: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    statement: Mapping[str, Any] = field(factory=dict, repr=False)
    envelope: Mapping[str, Any] = field(factory=dict, repr=False)

    def _repr_html_(self) -> str:
        from cdt_core.model.notebook import certificate_html

        return certificate_html(self)
