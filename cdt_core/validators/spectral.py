"""How much the power spectrum changed, band by band."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.hooks.contracts import Block, State
from cdt_core.model import Finding
from cdt_core.validators.intervals import student
from cdt_core.validators.sampling import Tiles, plane_of, tiles_of
from cdt_core.validators.summary import OfVariable, is_changed

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SpectralError"]

_BANDS = 16
#: Smaller tiles are looked at where missing values leave fewer than the jackknife's groups of larger ones.
_SIDES, _SEGMENTS = (64, 32, 16, 8), (1024, 256, 64, 16)
#: A band is resolved when its power is this factor (20 dB) above the white noise that the bound allows.
_ABOVE_NOISE = 100.0
#: And when chance changes its ratio with a standard error of 1 percent at most: noise of power N adds ``2 sqrt(P N)`` times a
#: random phase to each mode's power P, so over M modes the ratio has the standard error ``sqrt(2 N / (P M))``.
_RATIO_ERROR = 0.01
#: No band stands out of noise so many times the range of the values, and its square is still a number.
_LOUDEST = 1e100

_METHOD = (
    "max over resolved bands of |P_y / P_x - 1|; P: mean of Hann-windowed periodograms (Welch 1967) of "
    "tiles (segments in 1-d); interval by the grouped jackknife; exactly 0 where no value changed"
)
_PARAMETERS: dict[str, Any] = {
    "bands": _BANDS,
    "tiles": list(_SIDES),
    "segments": list(_SEGMENTS),
    "resolved_above_noise": _ABOVE_NOISE,
    "ratio_error": _RATIO_ERROR,
}


class SpectralError(OfVariable):
    """Largest ``|P_y / P_x - 1|`` over resolved bands of the averaged power spectrum.

    The ratio of power spectra is the measure used for compressed cosmological fields (Jin et al. 2020); spectra are
    averaged over Hann-windowed tiles (Welch 1967) and, in two dimensions, over rings. Tiles with missing values are left
    out. Not asked of codes, of a table's columns (the order of rows carries no frequencies), of variables whose values are
    all equal or that have no axis of 8 values, and where no band stands out of the noise that the bound allows.
    """

    @property
    def is_asked(self) -> bool:
        """True when the variable has a spectrum."""
        has_order = self.spec.dims != ("row",) and bool(plane_of(self.spec.shape))
        return has_order and self.has_spread and not self.is_flag

    def start(self) -> State:
        """Sums of power per group of tiles and band: of x, of y, and the number of modes."""
        shape = (Tiles.GROUPS, _BANDS)
        sums = {"x": np.zeros(shape), "y": np.zeros(shape), "modes": np.zeros(shape)}
        return {**sums, "tiles": 0, "values": 0, "changed": None}

    def update(self, state: State, block: Block) -> State:
        """Add the tiles of a block that hold valid values only."""
        changed = is_changed(block.comparison)
        state["changed"] = bool(state["changed"] or changed)
        spread = 0.0 if block.edges is None else block.edges[1] - block.edges[0]
        if not self.is_asked or not 0 < spread < math.inf or (self.bound.is_lossless and not changed):
            return state
        found = _whole_tiles(block, _SIDES if len(plane_of(self.spec.shape)) > 1 else _SEGMENTS)
        if found is not None:
            _add(state, *found, spread)
        return state

    def merge(self, left: State, right: State) -> State:
        """Both together."""
        merged = {key: left[key] + right[key] for key in left if key != "changed"}
        merged["changed"] = right["changed"] if left["changed"] is None else bool(left["changed"] or right["changed"])
        return merged

    def finish(self, state: State) -> Iterable[Finding]:
        """One finding, with a 95 % interval by the grouped jackknife where not all values were in tiles."""
        if not self.is_asked or state["changed"] is None:
            return
        shared: dict[str, Any] = {"method": _METHOD, "parameters": _PARAMETERS}
        if not state["changed"]:
            yield self.finding("core.spectral_error", "accuracy", 0.0, evidence={"identical": True}, **shared)
            return
        if not state["tiles"]:
            message = "no tile without missing values, or the range overflows float64"
            yield self.finding("core.spectral_error", "accuracy", None, message=message, **shared)
            return
        resolved = self._resolved(state)
        if not resolved.any():
            return
        ratio = _ratio(state["x"].sum(axis=0), state["y"].sum(axis=0))
        value = float(np.abs(ratio[resolved] - 1).max())
        sampled = min(1.0, state["values"] / max(1, self.spec.size))
        half = self._half_interval(state, resolved)
        yield self.finding(
            "core.spectral_error",
            "accuracy",
            value,
            sampled=sampled,
            interval=None if sampled == 1.0 else (max(0.0, value - half), value + half),
            evidence={
                "tiles": state["tiles"],
                "bands_cycles_per_step": np.linspace(0, 0.5, _BANDS + 1).tolist(),
                "power_ratio": [float(r) if seen else None for r, seen in zip(ratio, resolved, strict=True)],
            },
            **shared,
        )

    def _resolved(self, state: State) -> NDArray[np.bool_]:
        power, modes = state["x"].sum(axis=0), state["modes"].sum(axis=0)
        low, high = self.profile.minimum, self.profile.maximum
        spread = self.profile.value_range
        noise = 0.0
        if spread and low is not None and high is not None and not self.bound.is_lossless:
            size = max(abs(float(low)), abs(float(high))) if self.bound.kind == "pw_rel" else 1.0
            noise = min(self.bound.value / spread * size, _LOUDEST) ** 2 / (1 if self.bound.kind == "rmse" else 3)
        resolved: NDArray[np.bool_] = (power > _ABOVE_NOISE * noise * modes) & (power > 2 / _RATIO_ERROR**2 * noise)
        return resolved

    @staticmethod
    def _half_interval(state: State, resolved: NDArray[np.bool_]) -> float:
        used = [g for g in range(Tiles.GROUPS) if state["modes"][g].any()]
        if len(used) < 2:
            return 1.0
        without = []
        for group in used:
            rest = [g for g in used if g != group]
            ratio = _ratio(state["x"][rest].sum(axis=0), state["y"][rest].sum(axis=0))
            without.append(float(np.abs(ratio[resolved] - 1).max()))
        spread = np.array(without) - np.mean(without)
        return student(len(used) - 1) * math.sqrt((len(used) - 1) / len(used) * float((spread**2).sum()))


def _whole_tiles(block: Block, sides: tuple[int, ...]) -> tuple[Tiles, NDArray[np.intp]] | None:
    """The largest tiles of which enough hold no missing value, else the size with most of them; and which they are."""
    best: tuple[Tiles, NDArray[np.intp]] | None = None
    for side in sides:
        tiles = tiles_of(block, side)
        if tiles is None:
            return None
        whole = np.flatnonzero(tiles.valid.reshape(len(tiles.valid), -1).all(axis=1))
        if len(whole) and (best is None or len(whole) > len(best[1])):
            best = tiles, whole
        if len(whole) >= min(Tiles.GROUPS, tiles.total) or tiles.valid.all():
            break
    return best


def _add(state: State, tiles: Tiles, kept: NDArray[np.intp], spread: float) -> None:
    """Add the power of some tiles to their groups' sums."""
    for tile in kept:
        group = int(tiles.groups[tile])
        x = tiles.original[tile] / spread
        power_x, modes = _banded(x)
        state["x"][group] += power_x
        state["y"][group] += power_x if tiles.treated is tiles.original else _banded(tiles.treated[tile] / spread)[0]
        state["modes"][group] += modes
        state["tiles"] += 1
        state["values"] += x.size


def _ratio(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(y, x, out=np.ones_like(y), where=x > 0)


@lru_cache(maxsize=8)
def _window_and_bands(shape: tuple[int, ...]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    window = np.ones(())
    squares = np.zeros(())
    for axis, length in enumerate(shape):
        window = np.multiply.outer(window, np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2)
        steps = np.fft.rfftfreq(length) if axis == len(shape) - 1 else np.fft.fftfreq(length)
        squares = np.add.outer(squares, steps**2)
    band = np.floor(np.sqrt(squares) * (2 * _BANDS)).astype(np.int64)
    return window / math.sqrt(float((window**2).sum())), np.minimum(band, _BANDS).ravel()


def _banded(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Power summed over the modes of each band, and their number; white noise of variance v has power v per mode.

    Modes beyond half a cycle per step (the corners of the plane) are left out.
    """
    window, band = _window_and_bands(x.shape)
    spectrum = np.fft.rfftn((x - x.mean()) * window)
    power = (spectrum.real**2 + spectrum.imag**2).ravel()
    counts = np.bincount(band, minlength=_BANDS + 1)[:_BANDS].astype(np.float64)
    summed = np.bincount(band, weights=power, minlength=_BANDS + 1)[:_BANDS].astype(np.float64)
    return summed, counts
