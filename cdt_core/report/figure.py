"""Small SVG figures: lines and histograms. Sizes are in CSS pixels; colours come from the page's style."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup, escape

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["histogram", "lines"]

_WIDTH, _HEIGHT = 420, 120


def lines(series: Sequence[tuple[str, NDArray[np.float64]]], label: str) -> Markup:
    """Curves over one axis, each as the extent between its least and most value in every column of pixels."""
    known = np.concatenate([values[np.isfinite(values)] for _, values in series] or [np.empty(0)])
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    parts = []
    for style, values in series:
        points = _extent(values, low, high)
        parts.append(f'<polyline class="{escape(style)}" points="{points}"/>')
    return _svg("".join(parts), label)


def _extent(values: NDArray[np.float64], low: float, high: float) -> str:
    """Points of a curve, at most two for each column of pixels; gaps at missing values are bridged."""
    at = np.arange(values.size)
    good = np.isfinite(values)
    at, kept = at[good], values[good]
    if not kept.size:
        return ""
    span = high - low or 1.0
    x = at / max(1, values.size - 1) * _WIDTH
    y = _HEIGHT - 4 - (kept - low) / span * (_HEIGHT - 8)
    if kept.size > 2 * _WIDTH:
        columns = np.floor(x).astype(int)
        starts = np.flatnonzero(np.diff(columns, prepend=-1))
        least, most = np.minimum.reduceat(y, starts), np.maximum.reduceat(y, starts)
        x = np.repeat(columns[starts].astype(float), 2)
        y = np.stack([least, most], axis=1).reshape(-1)
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))


def histogram(edges: Sequence[float], counts: Sequence[int], label: str) -> Markup:
    """Bars over ``edges``, heights on a square-root scale so that rare errors show; a line marks zero."""
    tall = max([*counts, 1])
    side = _WIDTH / max(1, len(counts))
    bars = []
    for position, count in enumerate(counts):
        height = (count / tall) ** 0.5 * (_HEIGHT - 10)
        if height > 0:
            height = max(height, 1.0)
            bars.append(
                f'<rect x="{position * side:.2f}" y="{_HEIGHT - height:.2f}" width="{max(side - 0.6, 0.4):.2f}" '
                f'height="{height:.2f}"/>'
            )
    zero = ""
    if len(edges) > 1 and edges[0] < 0 < edges[-1]:
        at = -edges[0] / (edges[-1] - edges[0]) * _WIDTH
        zero = f'<line class="zero" x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="{_HEIGHT}"/>'
    return _svg(f'<g class="bars">{"".join(bars)}</g>{zero}', label)


def _svg(inside: str, label: str) -> Markup:
    return Markup(
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(label)}">{inside}</svg>'
    )
