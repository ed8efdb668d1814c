"""What the treatment did to the values: pointwise errors, moments and quantiles, over every value."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from attrs import evolve

from cdt_core.hooks.contracts import Block, State
from cdt_core.kernels.stats import Comparison, error_range
from cdt_core.model import Finding
from cdt_core.validators.histogram import quantiles
from cdt_core.validators.summary import OfVariable, comparison_of, state_of

__all__ = ["QUANTILES", "Fidelity"]

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_NOTHING = "no finite value to compare"


class Fidelity(OfVariable):
    """Original against treated values. The state is one merged :class:`cdt_core.kernels.stats.Comparison`.

    The value of ``core.psnr`` is the text ``"inf"`` when nothing changed: JSON has no infinity, and ``float`` reads it.
    """

    def start(self) -> State:
        """Nothing compared yet."""
        return {"comparison": None}

    def update(self, state: State, block: Block) -> State:
        """Add a block's comparison, which all validators share."""
        state["edges"] = None if block.edges is None else list(block.edges)
        return self._merge(state, block.comparison)

    def merge(self, left: State, right: State) -> State:
        """Both together, in chunk order."""
        if right["comparison"] is None:
            return left
        left["edges"] = right["edges"]
        return self._merge(left, comparison_of(right["comparison"]))

    @staticmethod
    def _merge(state: State, more: Comparison) -> State:
        known = state["comparison"]
        state["comparison"] = state_of(more if known is None else comparison_of(known).merge(more))
        return state

    def finish(self, state: State) -> Iterable[Finding]:
        """The promise of any variable with a value; errors of finite values; moments where the finite values differ."""
        tree = state["comparison"]
        comparison = None if tree is None else comparison_of(tree)
        if comparison is None or not comparison.original.count:
            return
        yield from self._promise(comparison)
        if not comparison.original.finite:
            return
        for finding in self._differences(comparison, state["edges"]):
            unchanged = comparison.max_error == 0 and finding.value is not None
            yield evolve(finding, evidence={**finding.evidence, "identical": True}) if unchanged else finding

    def _differences(self, comparison: Comparison, edges: list[float] | None) -> Iterator[Finding]:
        if self.bound.kind not in ("pw_rel", "rmse"):
            yield self._rmse(comparison)
        if not _is_constant(comparison):
            yield self._psnr(comparison)
            yield from self._moments(comparison)
            yield self._quantile_shift(comparison, edges)

    def _promise(self, comparison: Comparison) -> Iterator[Finding]:
        if self.bound.kind == "rmse":
            yield self._rmse(comparison)
        else:
            yield self._max_error(comparison)
        is_over = self.bound.kind == "rmse" and not comparison.rms_error <= self.bound.value
        yield self.finding(
            "core.over_bound",
            "accuracy",
            comparison.finite if is_over else comparison.over_bound,
            method="count of values outside the bound, decided exactly in float64 or wider; all where their root mean square is"
            if self.bound.kind == "rmse"
            else "count of values outside the bound, decided exactly in float64 or wider",
            parameters=self._parameters(),
        )
        yield self.finding(
            "core.nonfinite_kept",
            "accuracy",
            comparison.mismatched,
            method="count of positions whose NaN, infinity or missing code is not what it was, bit for bit",
        )

    def _parameters(self) -> dict[str, Any]:
        return {"bound": str(self.bound), "bound_value": self.bound.value}

    def _error_histogram(self, comparison: Comparison) -> dict[str, Any]:
        most = error_range(self.bound)
        return {"edges": [-most, most], "counts": [int(count) for count in comparison.error_histogram]}

    def _max_error(self, comparison: Comparison) -> Finding:
        relative = self.bound.kind == "pw_rel"
        values = "real and imaginary parts" if self.spec.dims[-1:] == ("part",) else "values"
        return self.finding(
            "core.max_error",
            "accuracy",
            comparison.max_relative_error if relative else comparison.max_error,
            unit="1" if relative else self.units,
            method=f"max |x - y| / |x| over {values} x != 0"
            if relative
            else f"max |x - y| over all finite {values}, exact",
            parameters=self._parameters(),
            evidence={
                "finite": comparison.finite,
                "error_histogram": self._error_histogram(comparison),
                "over": "(y - x) / |x|" if relative else "y - x",
            },
            message="" if comparison.finite else _NOTHING,
        )

    def _rmse(self, comparison: Comparison) -> Finding:
        evidence = {"finite": comparison.finite, "max_error": comparison.max_error, "over": "y - x"}
        evidence["error_histogram"] = self._error_histogram(comparison)
        return self._measured(
            "core.rmse",
            _rms(comparison),
            unit=self.units,
            method="sqrt(mean (x - y)^2)",
            parameters=self._parameters(),
            evidence=evidence if self.bound.kind == "rmse" else {},
        )

    def _psnr(self, comparison: Comparison) -> Finding:
        rmse, spread = _rms(comparison), _spread(comparison)
        psnr: float | str | None = None
        if rmse == 0:
            psnr = "inf"
        elif rmse and math.isfinite(rmse) and math.isfinite(spread):
            psnr = 20 * (math.log10(spread) - math.log10(rmse))
        method = "20 log10((max x - min x) / RMSE); 'inf' when nothing changed"
        return self._measured("core.psnr", psnr, unit="dB", method=method)

    def _moments(self, comparison: Comparison) -> Iterator[Finding]:
        original, treated, count = comparison.original, comparison.treated, comparison.finite
        r = mean_shift = std_shift = None
        if count and comparison.max_error == 0:
            r, mean_shift, std_shift = 1.0, 0.0, 0.0
        elif count and original.m2 > 0 and math.isfinite(original.m2) and math.isfinite(treated.m2):
            std = math.sqrt(original.m2 / original.finite)
            mean_shift = abs(comparison.sum_error / count) / std
            std_shift = abs(math.sqrt(treated.m2 / treated.finite) - std) / std
            # Where no variation is left, nothing of it correlates.
            r = comparison.co_moment / math.sqrt(original.m2) / math.sqrt(treated.m2) if treated.m2 > 0 else 0.0
            r = max(-1.0, min(1.0, r))
        yield self._measured("core.pearson_r", r, method="Pearson's product-moment correlation of x and y")
        yield self._measured("core.mean_shift", mean_shift, method="|mean(y - x)| / std(x)")
        yield self._measured("core.std_shift", std_shift, method="|std(y) - std(x)| / std(x)")

    def _quantile_shift(self, comparison: Comparison, edges: list[float] | None) -> Finding:
        method = "largest |q(y) - q(x)| / (max x - min x); quantiles interpolated in histograms of equal bins"
        parameters: dict[str, Any] = {"quantiles": list(QUANTILES), "bins": int(comparison.histogram_original.size)}
        if edges is None or not comparison.finite or not 0 < edges[1] - edges[0] < math.inf:
            value = 0.0 if comparison.finite and comparison.max_error == 0 else None
            return self._measured("core.quantile_shift", value, method=method, parameters=parameters)
        at, limits = np.array(QUANTILES), (edges[0], edges[1])
        before = quantiles(comparison.histogram_original, limits, at)
        after = quantiles(comparison.histogram_treated, limits, at)
        shift = float(np.abs(after - before).max()) / (edges[1] - edges[0])
        known = comparison.max_error == 0
        resolution = 0.0 if known else 2.0 / comparison.histogram_original.size
        return self._measured(
            "core.quantile_shift",
            shift,
            method=method,
            parameters=parameters,
            interval=(max(0.0, shift - resolution), shift + resolution),
            evidence={"original": before.tolist(), "treated": after.tolist(), "resolution": resolution},
            message="the interval is the resolution of the two histograms, not a confidence interval",
        )

    def _measured(self, check: str, value: float | str | None, **more: Any) -> Finding:
        if isinstance(value, float) and not math.isfinite(value):
            value = None
        if value is None:
            more["message"] = "no value is finite on both sides, or the spread overflows or underflows float64"
        return self.finding(check, "accuracy", value, **more)


def _is_constant(comparison: Comparison) -> bool:
    """Without a spread, neither correlation nor a share of the spread is defined, so they are not asked for."""
    return comparison.original.minimum == comparison.original.maximum


def _spread(comparison: Comparison) -> float:
    low, high = comparison.original.minimum, comparison.original.maximum
    return 0.0 if low is None or high is None else float(high - low)  # exact between integers


def _rms(comparison: Comparison) -> float | None:
    """``None`` without a pair of finite values, and where the squares of the errors vanish in float64."""
    squares = comparison.sum_squared_error
    if not comparison.finite or (squares == 0 and comparison.max_error > 0):
        return None
    return math.sqrt(squares / comparison.finite)
