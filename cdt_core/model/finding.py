"""One measured statement of a validator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from attrs import field, frozen

__all__ = ["DIMENSIONS", "Dimension", "Finding", "Verdict"]

Verdict = Literal["pass", "fail", "not-assessed"]
Dimension = Literal["format", "completeness", "consistency", "validity", "accuracy", "reproducibility"]

#: ``format`` is the integrity gate; the other five are what a level may demand.
DIMENSIONS: tuple[Dimension, ...] = (
    "format",
    "completeness",
    "consistency",
    "validity",
    "accuracy",
    "reproducibility",
)


@frozen(kw_only=True)
class Finding:
    """What a check measured, on what, by which method, and how it compares with its threshold.

    A validator fills all but ``threshold`` and ``verdict``: the policy in force sets those (:mod:`cdt_core.certify`).
    A validator sets ``verdict`` itself only where no number decides, with the reason in ``message``. A finding without a
    threshold stays ``not-assessed``, which never counts as a pass.

    Parameters
    ----------
    check
        Identifier with its plugin's prefix, such as ``"core.max_error"``; rules of a policy go by it.
    variable
        Name of the variable, or ``None`` for the whole dataset.
    value, unit
        What was measured. ``unit`` is ``"1"`` for pure numbers, ``"bool"`` for yes/no (value 1 or 0).
    interval
        95 % confidence interval of ``value`` when ``sampled`` is below 1.
    sampled
        Share of the values that was looked at; 1.0 is all.
    method, parameters, evidence
        How it was measured (formula or citation), with what settings, and what was seen (positions, counts); JSON values.
    """

    check: str
    dimension: Dimension
    value: float | int | str | None
    variable: str | None = None
    unit: str = "1"
    method: str = ""
    parameters: Mapping[str, Any] = field(factory=dict)
    interval: tuple[float, float] | None = None
    sampled: float = 1.0
    threshold: str | None = None
    verdict: Verdict = "not-assessed"
    message: str = ""
    evidence: Mapping[str, Any] = field(factory=dict)
