"""What the objective makes of the options of all variables: whole numbers to be least, and what counts against the limits."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from cdt_core.model import Candidate, VariableSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["OBJECTIVES", "Rated", "combined", "ratings"]

#: Objective -> how much larger than the smallest option a faster one may be and still count as small.
OBJECTIVES: Mapping[str, float] = {"size": 1.0, "balanced": 1.05, "speed": 1.5, "fidelity": 1.0}

#: Units of a share of the error budget.
_SHARE_UNITS = 1024
#: Costs of all variables together stay below this, so that the choice computes in 64 bits.
_MOST = 1 << 58
#: Bits that each tier keeps at least, the least important last.
_KEPT_BITS = (30, 14, 10)

#: What an option lacks, the most important first; each is summed over the variables.
Tiers = tuple[int, int, int]


@frozen(eq=False)
class Rated:
    """An option's place among the variable's options: its listed ``position`` (0 is the fastest codec setting), its predicted
    bytes, and the position and bytes of the option that it is a tighter version of, which are its own otherwise.

    A candidate that lost a metric may not be chosen.
    """

    candidate: Candidate
    predicted_bytes: int
    position: int
    whole_bytes: int
    is_extra: bool = False


def ratings(spec: VariableSpec, raw_bytes: int, options: Sequence[Rated], objective: str) -> list[Tiers | None]:
    """What each option lacks under the objective; ``None`` for a lossy one that is no smaller than a lossless one, or loses a
    metric.

    ``size``, ``balanced``, ``speed``: bytes above what the objective forgives, then the position in the list of
    settings times raw bytes, then the share of the error that is spent. So each variable by itself takes the first
    listed setting that is small enough, with less error where that costs next to nothing; under a limit, what is given
    up first is what counts last.
    ``fidelity``: the share of the error that is spent, by values; then bytes; then the position.
    """
    own = [option for option in options if not option.is_extra]
    lossless = [option.predicted_bytes for option in own if option.candidate.codec_bound.is_lossless]
    usable = [
        not option.candidate.lost
        and (option.candidate.codec_bound.is_lossless or not lossless or option.predicted_bytes < min(lossless))
        for option in options
    ]
    sizes = [option.predicted_bytes for option, use in zip(options, usable, strict=True) if use and not option.is_extra]
    smallest = min(sizes, default=0)
    forgiven = int(OBJECTIVES[objective] * smallest)

    def tiers(option: Rated) -> Tiers:
        exact = option.candidate.codec_bound.is_lossless
        share = 0 if exact else round(_SHARE_UNITS * option.candidate.error_share)
        if objective == "fidelity":
            return (share * spec.size, option.predicted_bytes, option.position * raw_bytes)
        spent = _SHARE_UNITS if exact else share
        return (max(0, option.whole_bytes - forgiven), option.position * raw_bytes, spent * raw_bytes)

    return [tiers(option) if use else None for option, use in zip(options, usable, strict=True)]


def combined(tiers: Sequence[Sequence[Tiers]]) -> list[list[int]]:
    """One whole number for each option of each variable, so that sums compare as the sums of the tiers do, first to last.

    Tiers of very large data are counted in coarser units, the last ones first; what was above zero stays so.
    """
    if not tiers:
        return []
    columns = [_Column([[option[tier] for option in options] for options in tiers]) for tier in range(3)]
    while math.prod(column.range + 1 for column in columns) >= _MOST:
        finer = [column for column in columns if column.most > 1]
        if not finer:
            break  # the choice itself refuses totals that it cannot hold
        above = [c for c, kept in zip(columns, _KEPT_BITS, strict=True) if c in finer and c.range.bit_length() > kept]
        (above[-1] if above else max(finer, key=lambda column: column.range)).coarsen()
    _, second, third = (column.range for column in columns)
    weights = ((second + 1) * (third + 1), third + 1, 1)
    rows = zip(*(column.values.tolist() for column in columns), strict=True)
    totals = [sum(weight * value for weight, value in zip(weights, row, strict=True)) for row in rows]
    ends = list(itertools.accumulate(len(options) for options in tiers))
    return [totals[begin:end] for begin, end in itertools.pairwise((0, *ends))]


class _Column:
    """One tier of all options in a row, in units that are doubled where that many are too fine; never below 1 what is not 0."""

    def __init__(self, rows: Sequence[Sequence[int]]) -> None:
        self.first = np.cumsum([0, *(len(row) for row in rows[:-1])])
        flat = [value for row in rows for value in row]
        self.values: NDArray[Any] = np.array(flat, np.int64 if max(flat) < 1 << 62 else object)
        self._measure()

    def _measure(self) -> None:
        """The largest sum over the variables, and the largest value."""
        largest = np.maximum.reduceat(self.values, self.first).tolist()
        self.range, self.most = sum(largest), max(largest)

    def coarsen(self) -> None:
        """Double the unit, rounding up."""
        self.values = self.values - (self.values >> 1)
        self._measure()
