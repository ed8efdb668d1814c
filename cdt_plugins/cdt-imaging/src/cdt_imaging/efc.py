"""Entropy focus criterion of each volume: blur and ghosting spread its energy."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdt_core.hooks.contracts import Block, State
from cdt_core.model import Finding
from cdt_imaging.summary import OfImage, has_intensities, merged, per_group

__all__ = ["EntropyFocus"]

_SHOWN = 10
_KEYS = ("count", "sum", "square", "entropy", "treated_sum", "treated_square", "treated_entropy")
_HOW = dict.fromkeys(_KEYS, np.add)
_METHOD = (
    "entropy focus criterion after Atkinson et al. (1997), -sum(b / m ln(b / m)) with m = sqrt(sum b^2), over its largest "
    "value sqrt(n) ln sqrt(n), for each volume; the mean over volumes. 0: all energy in one voxel; 1: spread evenly"
)


class EntropyFocus(OfImage):
    """Keeps, for each volume, the sums of ``b``, ``b^2`` and ``b ln b``, from which the criterion follows.

    It is defined for magnitudes: an image with negative values (CT numbers, say) is not assessed.
    """

    def start(self) -> State:
        """No volume seen yet."""
        return {"index": np.zeros(0, np.int64), **{key: np.zeros(0) for key in _KEYS}}

    @property
    def is_magnitude(self) -> bool:
        """True for intensities none of which is negative."""
        lowest = self.profile.minimum
        return self.applies and has_intensities(self.spec) and lowest is not None and lowest >= 0

    def update(self, state: State, block: Block) -> State:
        """Add the parts of volumes that a block holds."""
        if not self.is_magnitude or block.original.size == 0:
            return state
        lead = self.axes_but(("z", "y", "x"))
        index, (original, treated, valid), _ = per_group(self.spec, block, lead)
        more: State = {"index": index, "count": np.count_nonzero(valid, axis=1).astype(np.float64)}
        for prefix, values in (("", original), ("treated_", treated)):
            magnitudes = np.where(valid, np.abs(values.astype(np.float64)), 0.0)
            logarithms = np.log(magnitudes, out=np.zeros_like(magnitudes), where=magnitudes > 0)
            more[f"{prefix}sum"] = magnitudes.sum(axis=1)
            more[f"{prefix}square"] = np.square(magnitudes).sum(axis=1)
            more[f"{prefix}entropy"] = (magnitudes * logarithms).sum(axis=1)
        return merged(state, more, _HOW)

    def merge(self, left: State, right: State) -> State:
        """Both together."""
        return merged(left, right, _HOW)

    def finish(self, state: State) -> Iterable[Finding]:
        """The mean over volumes, and the largest change by the treatment."""
        if not self.applies or not has_intensities(self.spec):
            return
        before, after = _criteria(state, ""), _criteria(state, "treated_")
        known = np.isfinite(before) & np.isfinite(after)
        if not known.any():
            negative = self.profile.minimum is not None and self.profile.minimum < 0
            why = (
                "defined for magnitudes, and the image has negative values" if negative else "no volume has any signal"
            )
            yield self.finding("imaging.efc", "validity", None, method=_METHOD, message=f"not assessed: {why}")
            return
        shape = [self.spec.shape[axis] for axis in self.axes_but(("z", "y", "x"))]
        sampled = len(state["index"]) / int(np.prod(shape, dtype=np.int64))
        yield self._criterion(before[known], after[known], sampled)
        yield self.finding(
            "imaging.efc_change",
            "accuracy",
            float(np.abs(after[known] - before[known]).max()),
            method="largest absolute change of the entropy focus criterion of a volume by the treatment",
            sampled=sampled,
        )

    def _criterion(self, before: NDArray[np.float64], after: NDArray[np.float64], sampled: float) -> Finding:
        mean = float(before.mean())
        half = 1.96 * float(before.std()) / math.sqrt(len(before))
        return self.finding(
            "imaging.efc",
            "validity",
            mean,
            method=_METHOD,
            sampled=sampled,
            interval=None if sampled == 1.0 else (mean - half, mean + half),
            evidence={
                "volumes": len(before),
                "lowest": float(before.min()),
                "highest": float(before.max()),
                "first": before[:_SHOWN].tolist(),
                "treated_first": after[:_SHOWN].tolist(),
            },
        )


def _criteria(state: State, prefix: str) -> NDArray[np.float64]:
    """The criterion of each volume, NaN where it has no signal or a single voxel."""
    parts: list[NDArray[Any]] = [state[key] for key in ("count", *(f"{prefix}{name}" for name in _KEYS[1:4]))]
    count, total, square, entropy = parts
    defined = (count > 1) & (square > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        largest = np.sqrt(square)
        spread = -(entropy - np.log(largest) * total) / largest
        criterion = spread / (np.sqrt(count) * np.log(np.sqrt(count)))
    return np.where(defined, criterion, np.nan)
