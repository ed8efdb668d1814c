"""Values set apart from all others, by robust z-scores and gaps in the tails."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.hooks.contracts import Block, State
from cdt_core.model import Finding
from cdt_core.validators.histogram import share_beyond
from cdt_core.validators.intervals import wilson
from cdt_core.validators.sampling import lattice_of, strides_for
from cdt_core.validators.summary import OfVariable
from cdt_core.validators.tails import FEWEST_SAMPLED, Centre, centre_of, fences_of, is_code

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Outliers"]

_Z = 8.0
#: In fewer values a single one is more than one percent.
_FEWEST = 100
_METHOD = (
    "share with |x - median| > z * scale (Iglewicz & Hoaglin 1993) and beyond a gap in the tail: twice as far as the next "
    "value inwards, and a step that a tail as heavy as the sample's makes with a probability below 0.1 % (Renyi 1953)"
)
_STRETCHED = "extreme values stretch the histogram past the gaps, so the share is the sample's"


class Outliers(OfVariable):
    """Share of values far from the bulk and set apart from it.

    Heavy tails, sparse fields and bright objects on a dark ground reach far, but without a gap; a damaged value is far and
    alone. Median, scale and gaps come from a lattice of sampled values and the extremes of the variable; the share from the
    histogram over all values where its bins tell the gaps, from the sample where a few extreme values stretched them. Not
    asked of codes, of fewer than 100 values, and of columns of whole numbers that are keys or codes by their repetitions.
    """

    def start(self) -> State:
        """Nothing seen yet."""
        return {"counts": None, "sample": np.zeros(0)}

    def update(self, state: State, block: Block) -> State:
        """Add the block's histogram and its points of the lattice."""
        state["counts"] = _sum(state["counts"], block.comparison.histogram_original)
        points = lattice_of(block, strides_for(self.spec.shape))
        state["sample"] = np.concatenate([state["sample"], points])
        return state

    def merge(self, left: State, right: State) -> State:
        """Both together."""
        return {
            "counts": _sum(left["counts"], right["counts"]),
            "sample": np.concatenate([left["sample"], right["sample"]]),
        }

    def finish(self, state: State) -> Iterable[Finding]:
        """One finding where the question arises."""
        sample = np.sort(state["sample"])
        low, high, counts = self.profile.minimum, self.profile.maximum, state["counts"]
        if self.is_flag or low is None or high is None or counts is None:
            return
        if int(counts.sum()) < _FEWEST:
            return
        shared: dict[str, Any] = {"method": _METHOD, "parameters": {"z": _Z}}
        centre = centre_of(sample)
        if centre is None:
            if sample.size < FEWEST_SAMPLED or not math.isfinite(float(high) - float(low)):
                message = "too few finite values in the sample, or their spread overflows float64"
                yield self.finding("core.outlier_share", "validity", None, message=message, **shared)
            return
        if self._is_whole_column and is_code(sample[sample != centre.mode], centre.scale):
            return
        limits = (float(low), float(high))
        yield self._share(sample, centre, limits, counts, shared)

    @property
    def _is_whole_column(self) -> bool:
        return np.dtype(self.spec.dtype).kind in "iu" and not self.spec.packing.is_packed and len(self.spec.shape) == 1

    def _share(
        self,
        sample: NDArray[np.float64],
        centre: Centre,
        limits: tuple[float, float],
        counts: NDArray[np.int64],
        shared: dict[str, Any],
    ) -> Finding:
        is_whole = max(strides_for(self.spec.shape), default=1) == 1
        points = sample if is_whole else np.concatenate([limits[:1], sample, limits[1:]])
        lower, upper = fences_of(points, centre, _Z)
        low, high = lower.middle, upper.middle
        beyond = float(((sample < low) | (sample > high)).mean())
        evidence: dict[str, Any] = {"median": centre.median, "scale": centre.scale, "sample": int(sample.size)}
        evidence |= {"left_out_mode": centre.mode, "below": _json(low), "above": _json(high)}
        shared |= {"evidence": evidence}
        if is_whole:
            return self.finding("core.outlier_share", "validity", beyond, **shared)
        estimate, certain, possible = share_beyond(counts, limits, low, high)
        if 2 * (limits[1] / counts.size - limits[0] / counts.size) <= min(lower.width, upper.width):
            shared |= {"message": "all values counted in a histogram; the interval is what its bins allow"}
            return self.finding("core.outlier_share", "validity", estimate, interval=(certain, possible), **shared)
        least, most = wilson(beyond, sample.size)
        return self.finding(
            "core.outlier_share",
            "validity",
            max(beyond, certain),
            interval=(max(least, certain), max(most, certain)),
            sampled=min(1.0, sample.size / int(counts.sum())),
            message=_STRETCHED,
            **shared,
        )


def _sum(left: NDArray[np.int64] | None, right: NDArray[np.int64] | None) -> NDArray[np.int64] | None:
    return right if left is None else left if right is None else left + right


def _json(limit: float) -> float | None:
    return limit if math.isfinite(limit) else None
