"""Signal-to-noise ratio: mean of the foreground over the noise that no neighbour explains."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdt_core.hooks.contracts import Block, State
from cdt_core.model import Finding
from cdt_imaging.summary import OfImage, has_intensities

__all__ = ["SignalToNoise", "otsu"]

_BINS = 256
_SIDES = ("original", "treated")
_METHOD = (
    "mean above Otsu's threshold (Otsu 1979, 256 bins), from zero or a negative minimum on, over the noise after Immerkaer "
    "(1996): "
    "sqrt(pi/2) / 6 times the mean absolute response to the 3 x 3 difference of two Laplacians, within blocks"
)


class SignalToNoise(OfImage):
    """Keeps, for the values before and after treatment, a histogram with sums, and the sum of the filter's responses."""

    def start(self) -> State:
        """Nothing seen."""
        state: State = {}
        for side in _SIDES:
            state[side] = {"count": np.zeros(_BINS), "sum": np.zeros(_BINS), "response": 0.0, "responses": 0}
        return state

    def update(self, state: State, block: Block) -> State:
        """Add one block."""
        edges = block.edges
        if (
            not self.applies
            or not has_intensities(self.spec)
            or edges is None
            or not edges[0] < edges[1]
            or block.original.size == 0
        ):
            return state
        valid = block.valid
        for side, values in zip(_SIDES, (block.original, block.treated), strict=True):
            part = state[side]
            chosen = values[valid].astype(np.float64)
            scaled = (chosen - edges[0]) * (_BINS / (edges[1] - edges[0]))
            places = np.clip(scaled, 0, _BINS - 1).astype(np.intp)
            part["count"] = part["count"] + np.bincount(places, minlength=_BINS)
            part["sum"] = part["sum"] + np.bincount(places, weights=chosen, minlength=_BINS)
            total, count = self._responses(values, valid)
            part["response"] += total
            part["responses"] += count
        return state

    def _responses(self, values: NDArray[Any], valid: NDArray[np.bool_]) -> tuple[float, int]:
        """Sum and number of absolute responses over 3 x 3 neighbourhoods of valid values."""
        axes = [self.spec.dims.index("y"), self.spec.dims.index("x")]
        if min(values.shape[axis] for axis in axes) < 3:
            return 0.0, 0
        planes = np.moveaxis(values, axes, (-2, -1))
        responses = np.abs(np.diff(np.diff(planes.astype(np.float64), 2, axis=-2), 2, axis=-1))
        if valid.all():
            return float(responses.sum()), responses.size
        good = np.moveaxis(valid, axes, (-2, -1))
        good = good[..., 2:, :] & good[..., 1:-1, :] & good[..., :-2, :]
        good = good[..., 2:] & good[..., 1:-1] & good[..., :-2]
        return float(responses[good].sum()), int(np.count_nonzero(good))

    def merge(self, left: State, right: State) -> State:
        """Both together."""
        return {side: {key: left[side][key] + right[side][key] for key in left[side]} for side in _SIDES}

    def finish(self, state: State) -> Iterable[Finding]:
        """The ratio before treatment, and how far the treatment changed it."""
        if not self.applies or not state["original"]["responses"]:
            return
        before, after = (self._ratio(state[side], state["original"]["count"]) for side in _SIDES)
        yield self.finding(
            "imaging.snr",
            "validity",
            before["snr"],
            method=_METHOD,
            message="" if before["snr"] is not None else "no noise to measure: the image is flat or exactly linear",
            evidence={"original": before, "treated": after},
        )
        if before["snr"] and after["snr"] is not None:
            yield self.finding(
                "imaging.snr_change",
                "accuracy",
                abs(after["snr"] / before["snr"] - 1),
                method="relative change of imaging.snr by the treatment",
                evidence={"original": before["snr"], "treated": after["snr"]},
            )

    def _ratio(self, part: dict[str, Any], histogram: NDArray[np.float64]) -> dict[str, float | None]:
        first = otsu(histogram)
        count = float(part["count"][first:].sum())
        zero = min(0.0, float(self.profile.minimum or 0.0))
        signal = float(part["sum"][first:].sum()) / count - zero if count else 0.0
        noise = math.sqrt(math.pi / 2) / 6 * part["response"] / part["responses"]
        return {"signal": signal, "noise": noise, "snr": signal / noise if noise > 0 else None}


def otsu(histogram: NDArray[np.float64]) -> int:
    """First bin of the foreground: the split with the largest variance between classes (Otsu 1979, equation 18)."""
    weights = histogram / max(1.0, float(histogram.sum()))
    share = np.cumsum(weights)[:-1]
    moment = np.cumsum(weights * np.arange(len(weights)))
    between = (moment[-1] * share - moment[:-1]) ** 2 / np.maximum(share * (1 - share), 1e-300)
    return int(np.argmax(np.where((share > 0) & (share < 1), between, 0.0))) + 1
