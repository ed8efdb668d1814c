"""Quantiles by mergeable sketches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import FederatedError
from cdt_federated.statistics.rows import Missing, Rows, numbers_of
from cdt_federated.statistics.sketches import SketchSummary, library
from cdt_federated.statistics.summary import Steps

__all__ = ["Quantiles", "QuantilesFound"]

#: Sizes of a sketch that the library has.
_LEAST_K, _MOST_K = 8, 65535


def _shares(shares: Iterable[float]) -> NDArray[np.float64]:
    found = numbers_of(shares, "shares")
    if not found.size or not ((found >= 0) & (found <= 1)).all():
        raise FederatedError(f"quantiles at {found.tolist()}; give shares from 0 to 1")
    return found


def _size(instance: Any, attribute: Any, value: Any) -> None:
    del instance, attribute
    if not isinstance(value, int) or not _LEAST_K <= value <= _MOST_K:
        raise FederatedError(f"k is {value!r}; it must be a whole number from {_LEAST_K} to {_MOST_K}")


@attrs.frozen(eq=False)
class QuantilesFound:
    """Quantiles of all rows.

    Parameters
    ----------
    shares, values
        Shape (quantiles,); values in the column's unit.
    rank_error
        The share of rows by which a value's rank may be off, with a confidence of 99 %; 0 where the sketch held all rows.
    rows, left_out
        As for all analyses.
    """

    shares: NDArray[np.float64]
    values: NDArray[np.float64]
    rank_error: float
    rows: int
    left_out: int

    def __str__(self) -> str:
        lines = [f"{share:8.4f}  {value:.6g}" for share, value in zip(self.shares, self.values, strict=True)]
        return "\n".join([*lines, f"ranks to {self.rank_error:.2%}; {self.rows} rows, {self.left_out} left out"])


@attrs.frozen(eq=False)
class Quantiles:
    """Quantiles of a column, by a KLL sketch (Karnin, Lang, Liberty 2016, FOCS): some thousand values stand for all.

    The values that a sketch holds are values of rows: it is no aggregate of many, as sums are, and no secure sum carries it.

    Parameters
    ----------
    name
        The column.
    shares
        From 0 to 1.
    k
        Size of the sketch; the error of ranks is about ``2.3 / k ** 0.9``.

    Examples
    --------
    >>> from cdt_federated.statistics import Quantiles, run
    >>> run(Quantiles("x", [0.5]), {"a": {"x": [1.0, 9.0]}, "b": {"x": [5.0]}}).values
    array([5.])
    """

    name: str
    shares: NDArray[np.float64] = attrs.field(default=(0.25, 0.5, 0.75), converter=_shares)
    k: int = attrs.field(default=800, kw_only=True, validator=_size)
    missing: Missing = attrs.field(default="refuse", kw_only=True)

    def steps(self) -> Steps[QuantilesFound]:
        """One question."""
        kind = library().kll_doubles_sketch

        def add(sketch: Any, rows: Rows) -> None:
            sketch.update(rows.numbers(self.name))

        summary = SketchSummary(self.name, self.missing, lambda: kind(self.k), kind.deserialize, add)
        state = yield summary
        sketch = summary.read(state)
        if sketch.is_empty():
            raise FederatedError(f"no site has a value of {self.name!r}; there are no quantiles")
        return QuantilesFound(
            self.shares,
            np.array(sketch.get_quantiles(self.shares), np.float64),
            float(sketch.normalized_rank_error(False)) if sketch.is_estimation_mode() else 0.0,
            state["rows"],
            state["left_out"],
        )
