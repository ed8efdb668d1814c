"""Values far from the bulk, by robust z-scores."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.hooks.contracts import Block, State
from cdt_core.model import Finding
from cdt_core.validators.histogram import share_beyond
from cdt_core.validators.sampling import lattice_of, strides_for
from cdt_core.validators.summary import OfVariable

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Outliers"]

_Z = 8.0
_MAD_TO_STD = 1.482602218505602
#: The standard deviation of a normal law over its mean absolute deviation: sqrt(pi / 2).
_MEAN_DEVIATION_TO_STD = math.sqrt(math.pi / 2)

_STRETCHED = "extreme values stretch the histogram past the scale of the bulk, so the share is the sample's"


class Outliers(OfVariable):
    """Share of values with ``|x - median| > 8 * 1.4826 * MAD``.

    Median and MAD come from a lattice of sampled values; the share from the histogram over all values where its bins are
    fine enough to tell, from the sample where a few extreme values stretched them.
    """

    def start(self) -> State:
        """Nothing seen yet."""
        return {"counts": None, "edges": None, "sample": np.zeros(0)}

    def update(self, state: State, block: Block) -> State:
        """Add the block's histogram and its points of the lattice."""
        state["counts"] = _sum(state["counts"], block.comparison.histogram_original)
        state["edges"] = None if block.edges is None else list(block.edges)
        points = lattice_of(block, strides_for(self.spec.shape))
        state["sample"] = np.concatenate([state["sample"], points])
        return state

    def merge(self, left: State, right: State) -> State:
        """Both together."""
        return {
            "counts": _sum(left["counts"], right["counts"]),
            "edges": left["edges"] or right["edges"],
            "sample": np.concatenate([left["sample"], right["sample"]]),
        }

    def finish(self, state: State) -> Iterable[Finding]:
        """One finding; ``None`` without a sampled finite value."""
        method = (
            "share with |x - median| > z * scale; scale = 1.4826 MAD, or 1.2533 mean deviation where MAD is 0 "
            "(Iglewicz & Hoaglin 1993)"
        )
        sample, edges = np.sort(state["sample"]), state["edges"]
        if not sample.size or edges is None:
            message = "no finite value in the sample"
            yield self.finding("core.outlier_share", "validity", None, method=method, message=message)
            return
        median, scale = _centre(sample)
        low, high = median - _Z * scale, median + _Z * scale
        beyond = float(((sample < low) | (sample > high)).mean())
        counts, limits = state["counts"], (float(edges[0]), float(edges[1]))
        estimate, certain, possible = share_beyond(counts, limits, low, high)
        evidence: dict[str, Any] = {
            "median": median,
            "scale": scale,
            "sample": int(sample.size),
            "certain_share": certain,
        }
        shared: dict[str, Any] = {"method": method, "parameters": {"z": _Z}, "evidence": evidence}
        if max(strides_for(self.spec.shape), default=1) == 1:
            yield self.finding("core.outlier_share", "validity", beyond, **shared)
            return
        width = (limits[1] - limits[0]) / counts.size
        if width <= scale:
            message = "all values counted in a histogram; the interval is what its bins allow"
            shared |= {"interval": (certain, possible), "message": message}
            yield self.finding("core.outlier_share", "validity", estimate, **shared)
            return
        lowest, highest = _wilson(beyond, sample.size)
        shared |= {"interval": (max(lowest, certain), max(highest, certain)), "message": _STRETCHED}
        shared |= {"sampled": min(1.0, sample.size / max(1, int(counts.sum())))}
        yield self.finding("core.outlier_share", "validity", max(beyond, certain), **shared)


def _sum(left: NDArray[np.int64] | None, right: NDArray[np.int64] | None) -> NDArray[np.int64] | None:
    return right if left is None else left if right is None else left + right


def _centre(sample: NDArray[np.float64]) -> tuple[float, float]:
    with np.errstate(over="ignore"):
        median = float(np.median(sample))
        deviation = np.abs(sample - median)
        scale = _MAD_TO_STD * float(np.median(deviation))
        return median, scale or _MEAN_DEVIATION_TO_STD * float(deviation.mean())


def _wilson(share: float, count: int) -> tuple[float, float]:
    """Wilson's 95 % score interval (Wilson 1927)."""
    z = 1.96
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return max(0.0, middle - half), min(1.0, middle + half)
