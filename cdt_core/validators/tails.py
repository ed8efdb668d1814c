"""Where a sample's bulk ends: its centre and scale, and gaps in its tails."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from attrs import frozen

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FEWEST_SAMPLED", "Centre", "Fence", "centre_of", "fences_of", "is_code"]

_MAD_TO_STD = 1.482602218505602
#: The standard deviation of a normal law over its mean absolute deviation: sqrt(pi / 2).
_MEAN_DEVIATION_TO_STD = math.sqrt(math.pi / 2)

#: What lies beyond a gap and is more than this share of the bulk is a second population (an object, a group).
_LARGEST = 1 / 16
#: The least ratio of distances across a gap, and -log of the probability with which a tail has such a gap by chance.
_RATIO, _UNLIKELY = 2.0, 7.0
#: Steps between codes, as the mean probability of two equal values times the scale; 0.28 for what is measured.
_FAR_APART = 10.0
#: The index of a tail that ends, where the two quantiles are equal.
_LIGHTEST = 1e3
#: From fewer values neither a scale nor the weight of a tail can be told.
FEWEST_SAMPLED = 50


@frozen
class Centre:
    """Median and scale of a sample; ``mode`` is the value of more than half of it, left out of both, if there is one."""

    median: float
    scale: float
    mode: float | None = None


@frozen
class Fence:
    """A gap in a tail: its middle and its width, both infinite where there is none."""

    middle: float
    width: float = math.inf


def centre_of(sample: NDArray[np.float64]) -> Centre | None:
    """Median and 1.4826 MAD of a sorted sample (1.2533 mean deviations where the MAD is 0).

    Where more than half of the values are equal (rain, counts, sparse matrices), they are left out: the rest is the bulk.
    The scale is never below the smallest step between two values, so that neighbours on a lattice of counts are near.
    ``None`` for fewer than 50 values, where the rest is fewer or all equal, and where the scale overflows.
    """
    if sample.size < FEWEST_SAMPLED:
        return None
    mode: float | None = None
    with np.errstate(over="ignore"):
        median = float(np.median(sample))
        if (sample == median).mean() > 0.5:
            mode = median
            sample = sample[sample != mode]
            if sample.size < FEWEST_SAMPLED:
                return None
            median = float(np.median(sample))
        deviation = np.abs(sample - median)
        scale = _MAD_TO_STD * float(np.median(deviation)) or _MEAN_DEVIATION_TO_STD * float(deviation.mean())
        steps = np.diff(sample)
    if not scale or not math.isfinite(scale):
        return None
    return Centre(median, max(scale, float(steps[steps > 0].min())), mode)


def fences_of(sample: NDArray[np.float64], centre: Centre, z: float) -> tuple[Fence, Fence]:
    """The innermost gap of each tail of a sorted sample beyond ``z`` scales, below and above the median.

    A tail with Pareto's index ``a`` has spacings ``log(d[i] / d[i - 1])`` that are exponential with rate ``a`` times the
    number of values from ``i`` outwards (Renyi 1953); ``a`` comes from the two distances that 1/8 and 1/16 of the values
    exceed.
    """
    if centre.mode is not None:
        sample = sample[sample != centre.mode]
    with np.errstate(over="ignore"):
        distance = sample - centre.median
    index = _pareto_index(np.abs(distance))
    below = _gap(-distance[distance < 0][::-1], centre.scale, z, index, sample.size)
    above = _gap(distance[distance > 0], centre.scale, z, index, sample.size)
    return Fence(centre.median - below.middle, below.width), Fence(centre.median + above.middle, above.width)


def is_code(sample: NDArray[np.float64], scale: float) -> bool:
    """True when the sorted whole numbers of a sample name things: keys, or codes that repeat though they lie far apart.

    Two of ``n`` measured values are equal with a probability of about 0.28 steps over the standard deviation (for a normal
    law ``1 / (2 sqrt(pi) s)``), whatever the step; codes are equal far more often, and keys never.
    """
    steps = np.diff(sample)
    if not steps.any():
        return False
    _, counts = np.unique(sample, return_counts=True)
    equal = float((counts * (counts - 1)).sum()) / (sample.size * (sample.size - 1))
    step = float(np.gcd.reduce(steps[steps > 0].astype(np.int64))) if steps.max() < 2**62 else 1.0
    return equal == 0 or equal * scale / step > _FAR_APART


def _pareto_index(distance: NDArray[np.float64]) -> float:
    """Pareto's index of the share between 1/8 and 1/16 of the farthest values."""
    near, far = np.quantile(distance, [1 - 2 * _LARGEST, 1 - _LARGEST])
    return math.log(2) / math.log(far / near) if far > near > 0 else _LIGHTEST


def _gap(distance: NDArray[np.float64], scale: float, z: float, index: float, count: int) -> Fence:
    """The first gap in growing distances on one side; values nearer than the scale count as one scale away."""
    inner = np.maximum(np.concatenate([[0.0], distance[:-1]]), scale)
    outwards = np.arange(distance.size, 0, -1)
    step = np.log(distance / inner)
    wide = (step >= math.log(_RATIO)) & (index * outwards * step >= _UNLIKELY)
    found = np.flatnonzero((distance > z * scale) & (outwards <= _LARGEST * count) & wide)
    if not found.size:
        return Fence(math.inf)
    first = int(found[0])
    return Fence(float(inner[first] / 2 + distance[first] / 2), float(distance[first] - inner[first]))
