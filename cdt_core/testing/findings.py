"""What every finding must be, whoever makes it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, get_args

from attrs import asdict

from cdt_core.hooks.descriptor import Validator
from cdt_core.model import Finding
from cdt_core.model.finding import DIMENSIONS, Verdict
from cdt_core.testing.contract import ContractError, require

__all__ = ["checked_findings"]


def checked_findings(offer: Validator, found: Any, where: str, variables: Iterable[str]) -> list[Finding]:
    """The findings as a list, each one declared by the offer, about one of ``variables`` (or all), and JSON-able.

    Raises
    ------
    ContractError
        Names the finding and what is wrong with it.
    """
    try:
        findings = list(found)
    except Exception as error:  # a generator runs only now
        raise ContractError(f"{where}: raised {type(error).__name__} while making findings: {error}") from error
    known = {*variables, None}
    for finding in findings:
        require(isinstance(finding, Finding), f"{where}: {finding!r} is a {type(finding).__name__}, not a Finding")
        place = f"{where}: finding {finding.check!r}"
        declared = ", ".join(offer.checks) or "none"
        require(finding.check in offer.checks, f"{place} is not among the declared checks ({declared})")
        require(finding.variable in known, f"{place} is about {finding.variable!r}, which it was not given")
        require(
            finding.dimension in DIMENSIONS, f"{place} has dimension {finding.dimension!r}; use one of {DIMENSIONS}"
        )
        require(finding.verdict in get_args(Verdict), f"{place} has verdict {finding.verdict!r}")
        require(0 <= finding.sampled <= 1, f"{place} has sampled={finding.sampled}, which is a share of 0 .. 1")
        _check_numbers(finding, place)
    return findings


def _check_numbers(finding: Finding, place: str) -> None:
    value = finding.value
    plain = value is None or type(value) in (int, float, str, bool)
    require(plain, f"{place}: value {value!r} is a {type(value).__name__}; give an int, float, str or None")
    known = not isinstance(value, float) or math.isfinite(value)
    require(known, f"{place}: value {value!r} says nothing; give None where nothing can be measured, or text ('inf')")
    if finding.interval is not None:
        low, high = finding.interval
        require(low <= high, f"{place}: the interval {finding.interval} is empty or not a number")
    try:
        json.dumps(asdict(finding), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ContractError(f"{place} is not plain JSON: {error}") from error
