"""NumPy versions of the statistics kernels; the arguments are those of :mod:`cdt_core.kernels.stats`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.kernels.statistics import Comparison, Description
from cdt_core.model import Bound

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["compare", "describe", "row_hashes"]


def _finite(values: NDArray[Any], missing: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    finite = np.isfinite(values) if values.dtype.kind == "f" else np.ones(values.shape, bool)
    return finite if missing is None else finite & ~missing


def describe(values: NDArray[Any], missing: NDArray[np.bool_] | None = None) -> Description:
    """Counts and moments of an array."""
    kept = values if missing is None else values[~missing]
    is_float = values.dtype.kind == "f"
    finite = values[_finite(values, missing)]
    numbers = finite.astype(np.float64)
    mean = float(numbers.mean()) if numbers.size else 0.0
    return Description(
        count=values.size,
        missing=values.size - kept.size,
        nan=int(np.isnan(kept).sum()) if is_float else 0,
        positive_infinite=int(np.isposinf(kept).sum()) if is_float else 0,
        negative_infinite=int(np.isneginf(kept).sum()) if is_float else 0,
        zeros=int((finite == 0).sum()),
        minimum=finite.min().item() if finite.size else None,
        maximum=finite.max().item() if finite.size else None,
        total=float(numbers.sum()),
        mean=mean,
        m2=float(((numbers - mean) ** 2).sum()),
    )


def compare(
    original: NDArray[Any],
    treated: NDArray[Any],
    missing: NDArray[np.bool_] | None = None,
    edges: tuple[float, float] | None = None,
    bound: Bound | None = None,
    bins: tuple[int, int] = (1024, 64),
) -> Comparison:
    """Compare two arrays; ``bins`` is the number of bins of the value and the error histograms."""
    both = _finite(original, missing) & _finite(treated, missing)
    rest = ~both
    mismatched = int((_bits(original[rest]) != _bits(treated[rest])).any(axis=-1).sum()) if rest.any() else 0
    x, y = original[both], treated[both]
    wide = np.longdouble
    difference = np.abs(x.astype(wide) - y.astype(wide))
    size = np.abs(x.astype(wide))
    relative = difference[size > 0] / size[size > 0]
    error = (y.astype(wide) - x.astype(wide)).astype(np.float64)
    xf, yf = x.astype(np.float64), y.astype(np.float64)
    co_moment = float(((xf - xf.mean()) * (yf - yf.mean())).sum()) if x.size else 0.0
    return Comparison(
        original=describe(original, missing),
        treated=describe(treated, missing),
        finite=int(both.sum()),
        mismatched=mismatched,
        max_error=float(difference.max()) if x.size else 0.0,
        max_relative_error=float(relative.max()) if relative.size else 0.0,
        over_bound=_over(x, y, difference, size, bound),
        sum_error=float(error.sum()),
        sum_squared_error=float((error**2).sum()),
        co_moment=co_moment,
        histogram_original=_histogram(xf, edges, bins[0]),
        histogram_treated=_histogram(yf, edges, bins[0]),
        error_histogram=_error_histogram(error, xf, bound, bins[1]),
    )


def _bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(values).view(np.uint8).reshape(values.size, values.dtype.itemsize)


def _over(x: NDArray[Any], y: NDArray[Any], difference: NDArray[Any], size: NDArray[Any], bound: Bound | None) -> int:
    if bound is None or bound.kind == "rmse":
        return 0
    if bound.is_lossless:
        return int((_bits(x) != _bits(y)).any(axis=-1).sum()) if x.size else 0
    value = np.longdouble(bound.value)
    return int((difference > (value * size if bound.kind == "pw_rel" else value)).sum())


def _histogram(values: NDArray[np.float64], edges: tuple[float, float] | None, bins: int) -> NDArray[np.int64]:
    if edges is None or not edges[1] > edges[0]:
        counts = np.zeros(bins, np.int64)
        counts[0] = values.size if edges is not None else 0
        return counts
    with np.errstate(over="ignore", invalid="ignore"):
        position = np.floor((values - edges[0]) * (bins / (edges[1] - edges[0])))
    return np.bincount(np.clip(np.nan_to_num(position), 0, bins - 1).astype(np.int64), minlength=bins)


def _error_histogram(
    error: NDArray[np.float64], x: NDArray[np.float64], bound: Bound | None, bins: int
) -> NDArray[np.int64]:
    if bound is None or bound.is_lossless:
        return np.zeros(0, np.int64)
    if bound.kind == "pw_rel":
        error = np.divide(error, np.abs(x), out=np.zeros_like(error), where=x != 0)
    most = 4 * bound.value if bound.kind == "rmse" else bound.value
    return _histogram(error, (-most, most), bins)


def row_hashes(rows: NDArray[Any]) -> NDArray[np.uint64]:
    """A hash of the bytes of each row: 32 lanes of words, each ``(h ^ word) * factor`` with high bits folded, then mixed."""
    data = np.ascontiguousarray(rows).view(np.uint8)
    padded = np.pad(data, ((0, 0), (0, -data.shape[1] % 256))).view("=u8").reshape(len(data), -1, 32)
    with np.errstate(over="ignore"):
        factor = np.uint64(0x9E3779B97F4A7C15)
        lanes = np.arange(1, 33, dtype=np.uint64) * factor * np.ones((len(data), 1), np.uint64)
        for step in range(padded.shape[1]):
            lanes = (lanes ^ padded[:, step]) * factor
            lanes ^= lanes >> np.uint64(32)
        hashes = np.full(len(data), data.shape[1], np.uint64)
        for lane in lanes.T:
            hashes = hashes * factor ^ lane
            hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            hashes ^= hashes >> np.uint64(31)
    return hashes
