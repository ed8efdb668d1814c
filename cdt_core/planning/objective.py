"""What the objective makes of the options of all variables: whole numbers to be least, and what counts against the limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from cdt_core.model import Candidate, VariableSpec

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
    """

    candidate: Candidate
    predicted_bytes: int
    position: int
    whole_bytes: int
    is_extra: bool = False


def ratings(spec: VariableSpec, raw_bytes: int, options: Sequence[Rated], objective: str) -> list[Tiers | None]:
    """What each option lacks under the objective; ``None`` for a lossy one that is no smaller than a lossless one.

    ``size``, ``balanced``, ``speed``: bytes above what the objective forgives, then the position in the list of
    settings times raw bytes, then the share of the error that is spent. So each variable by itself takes the first
    listed setting that is small enough, with less error where that costs next to nothing; under a limit, what is given
    up first is what counts last.
    ``fidelity``: the share of the error that is spent, by values; then bytes; then the position.
    """
    own = [option for option in options if not option.is_extra]
    lossless = [option.predicted_bytes for option in own if option.candidate.codec_bound.is_lossless]
    usable = [
        option.candidate.codec_bound.is_lossless or not lossless or option.predicted_bytes < min(lossless)
        for option in options
    ]
    smallest = min(
        option.predicted_bytes for option, use in zip(options, usable, strict=True) if use and not option.is_extra
    )
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
    shifts = [0, 0, 0]
    largest = [[max(option[tier] for option in options) for options in tiers] for tier in range(3)]
    while _product(_ranges(largest, shifts)) >= _MOST:
        ranges = _ranges(largest, shifts)
        above = [tier for tier in (2, 1, 0) if ranges[tier].bit_length() > _KEPT_BITS[tier]]
        shifts[above[0] if above else ranges.index(max(ranges))] += 1
    _, second, third = _ranges(largest, shifts)
    weights = ((second + 1) * (third + 1), third + 1, 1)
    return [
        [
            sum(weight * _coarse(value, by) for weight, value, by in zip(weights, option, shifts, strict=True))
            for option in options
        ]
        for options in tiers
    ]


def _coarse(value: int, shift: int) -> int:
    return -(-value >> shift)


def _ranges(largest: Sequence[Sequence[int]], shifts: Sequence[int]) -> list[int]:
    """The largest sum that each tier can have: of its largest value for each variable."""
    return [sum(_coarse(value, by) for value in values) for values, by in zip(largest, shifts, strict=True)]


def _product(ranges: Sequence[int]) -> int:
    first, second, third = ranges
    return (first + 1) * (second + 1) * (third + 1)
