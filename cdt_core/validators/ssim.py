"""Structural similarity of 2-d fields before and after treatment."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.hooks.contracts import Block, State
from cdt_core.model import Finding
from cdt_core.validators.intervals import student
from cdt_core.validators.sampling import plane_of, tiles_of
from cdt_core.validators.summary import OfVariable, is_changed

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["StructuralSimilarity", "ssim_map"]

_WINDOW = 7
_SIDE = 64
_C1, _C2 = 0.01**2, 0.03**2


class StructuralSimilarity(OfVariable):
    """Mean SSIM over 7 x 7 uniform windows in tiles of a variable's plane; windows with missing values are left out.

    Not asked of codes, of variables whose values are all equal, and of those without two axes of 8 values. A variable
    that did not change has SSIM 1, whatever is missing in it.
    """

    def start(self) -> State:
        """No tile seen yet."""
        blank = {"seen": 0, "total": 0, "tiles": 0, "windows": 0, "sum": 0.0, "squares": 0.0, "lowest": 1.0}
        return {**blank, "changed": None}

    def update(self, state: State, block: Block) -> State:
        """Add the tiles of a block; each tile counts with the mean over its windows."""
        changed = is_changed(block.comparison)
        state["changed"] = bool(state["changed"] or changed)
        spread = 0.0 if block.edges is None else block.edges[1] - block.edges[0]
        if not 0 < spread < math.inf or len(plane_of(self.spec.shape)) < 2 or (self.bound.is_lossless and not changed):
            return state
        tiles = tiles_of(block, _SIDE)
        if tiles is None:
            return state
        scores, usable = ssim_map(tiles.original, tiles.treated, tiles.valid, spread)
        windows = usable.sum(axis=(1, 2))
        means = (scores * usable).sum(axis=(1, 2))[windows > 0] / windows[windows > 0]
        state["seen"] += len(windows)
        state["total"] += tiles.total
        state["tiles"] += len(means)
        state["windows"] += int(windows.sum())
        state["sum"] += float(means.sum())
        state["squares"] += float(((1.0 - means) ** 2).sum())
        state["lowest"] = min(state["lowest"], float(means.min(initial=1.0)))
        return state

    def merge(self, left: State, right: State) -> State:
        """Both together."""
        merged = {key: left[key] + right[key] for key in left if key != "changed"}
        merged["lowest"] = min(left["lowest"], right["lowest"])
        merged["changed"] = right["changed"] if left["changed"] is None else bool(left["changed"] or right["changed"])
        return merged

    def finish(self, state: State) -> Iterable[Finding]:
        """The mean over tiles; where not all tiles were looked at, with a 95 % interval from their variance."""
        is_asked = self.has_spread and not self.is_flag and len(plane_of(self.spec.shape)) > 1
        if not is_asked or state["changed"] is None:
            return
        method = (
            "mean SSIM (Wang, Bovik, Sheikh & Simoncelli 2004, eq. 13), uniform window, float64, L = value range; "
            "exactly 1 where no value of the variable changed"
        )
        shared: dict[str, Any] = {
            "method": method,
            "parameters": {"window": _WINDOW, "k1": 0.01, "k2": 0.03, "tile": _SIDE},
        }
        if not state["changed"]:
            yield self.finding("core.ssim", "accuracy", 1.0, evidence={"identical": True}, **shared)
            return
        if not state["tiles"]:
            message = "no 7 x 7 window without missing values in a chunk, or the range overflows float64"
            yield self.finding("core.ssim", "accuracy", None, message=message, **shared)
            return
        mean = state["sum"] / state["tiles"]
        sampled = state["seen"] / state["total"]
        half = _half_interval(state, mean)
        yield self.finding(
            "core.ssim",
            "accuracy",
            mean,
            sampled=sampled,
            interval=None if sampled == 1.0 else (max(-1.0, mean - half), min(1.0, mean + half)),
            evidence={"tiles": state["tiles"], "windows": state["windows"], "lowest_tile": state["lowest"]},
            **shared,
        )


def _half_interval(state: State, mean: float) -> float:
    tiles = state["tiles"]
    if tiles < 2:
        return 2.0
    variance = max(0.0, state["squares"] / tiles - (1.0 - mean) ** 2)
    return student(tiles - 1) * math.sqrt(variance / (tiles - 1))


def _window_mean(fields: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over 7 x 7 windows of the last two axes, by sums of shifted views (no cancellation, unlike running sums)."""
    for axis in (-1, -2):
        moved = np.swapaxes(fields, axis, -1)
        two = moved[..., :-1] + moved[..., 1:]
        four = two[..., :-2] + two[..., 2:]
        seven = four[..., :-3] + two[..., 4:-1] + moved[..., 6:]
        fields = np.swapaxes(seven, axis, -1)
    return fields / _WINDOW**2


def ssim_map(
    x: NDArray[np.float64], y: NDArray[np.float64], valid: NDArray[np.bool_], spread: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """SSIM of each window in stacks (tile, rows, columns), and which windows hold valid values only.

    Values are shifted by each tile's middle and scaled by ``spread`` (then L = 1), so that neither a large offset nor a
    large unit costs digits.
    """
    counts = np.maximum(valid.sum(axis=(1, 2), keepdims=True), 1)
    middle = np.where(valid, x, 0.0).sum(axis=(1, 2), keepdims=True) / counts
    a = np.where(valid, (x - middle) / spread, 0.0)
    b = np.where(valid, (y - middle) / spread, 0.0)
    mean_a, mean_b, aa, bb, ab = _window_mean(np.stack([a, b, a * a, b * b, a * b]))
    whole = np.ones(mean_a.shape, bool)
    if not valid.all():
        whole = _window_mean(valid.astype(np.float64)) > 1 - 0.5 / _WINDOW**2
    level = middle / spread
    full_a, full_b = mean_a + level, mean_b + level
    luminance = (2 * full_a * full_b + _C1) / (full_a**2 + full_b**2 + _C1)
    variance = np.maximum(aa - mean_a**2, 0) + np.maximum(bb - mean_b**2, 0)
    structure = (2 * (ab - mean_a * mean_b) + _C2) / (variance + _C2)
    scores: NDArray[np.float64] = np.where(whole, luminance * structure, 0.0)
    return scores, whole
