"""What features tell of a target and of each other: what a selection is made from."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Literal

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.select.block import Target

__all__ = ["Dependence"]

Array = NDArray[Any]
#: The most that correlations shrink.
_MOST_SHRINKAGE = 0.9


@attrs.frozen(eq=False, repr=False)
class Dependence:
    """What features tell of the target, alone and by pairs.

    Parameters
    ----------
    names
        Of all features.
    kept
        (m,) indices of those that can be selected.
    excluded
        Name of each other one, and why it cannot.
    rows
        That it was measured on.
    target, measure
        What ``y`` is, and ``"correlation"`` or ``"information"``.
    relevance
        (m,) by correlation, the share of the target's variance that a feature explains, 0 .. 1 (eta squared of classes;
        without a target, of all features, the mean of squared correlations); by information, nats.
    redundancy
        (m, m) by correlation, what two features explain together more than once, to first order: their correlation times
        that of what they tell of the target (less than 0 where they complement each other); by information, nats.
    correlation, told
        (m, m) of features, and of what they tell of the target (its diagonal is ``relevance``); by correlation alone.
    """

    names: tuple[Hashable, ...]
    kept: Array
    excluded: Mapping[Hashable, str]
    rows: int
    target: Target
    measure: Literal["correlation", "information"]
    relevance: Array
    redundancy: Array
    correlation: Array | None = None
    told: Array | None = None

    def __repr__(self) -> str:
        out = f", excluded={len(self.excluded)}" if self.excluded else ""
        return f"Dependence(features={len(self.kept)}{out}, rows={self.rows}, {self.measure}, target={self.target!r})"

    def energy(self, chosen: Array, weight: float) -> float:
        """``-mean relevance + weight * mean redundancy`` of chosen ones (places among ``kept``): the mean is over all k^2
        pairs, those of a feature with itself count as 0.
        """
        pairs = self.redundancy[np.ix_(chosen, chosen)]
        k = len(chosen)
        return float(-self.relevance[chosen].mean() + weight * (pairs.sum() - np.trace(pairs)) / k**2)

    def explained(self, chosen: Array, ridge: float = 0.0) -> float:
        """What the chosen ones explain of the target together, by least squares; NaN where it is not known.

        With ``ridge`` 0, the share of variance (R squared) of numbers; of classes Pillai's trace, 0 .. classes - 1;
        without a target, the share of variance of all features.
        """
        if self.correlation is None or self.told is None:
            return float("nan")
        pairs = np.ix_(chosen, chosen)
        values, vectors = np.linalg.eigh(self.correlation[pairs] + ridge * np.eye(len(chosen)))
        sound = values > len(chosen) * 1e-12
        axes = vectors[:, sound]
        return float((np.einsum("ij,ij->j", axes, self.told[pairs] @ axes) / values[sound]).sum())

    def promise(self, chosen: Array) -> float:
        """What of a set is worth most: what it explains, with correlations shrunk to what so many rows can tell of them
        (Schaefer and Strimmer 2005), so that what chance lets few rows explain does not count.
        """
        return self.explained(chosen, self._ridge)

    @property
    def _ridge(self) -> float:
        """The ridge of the shrinkage whose expected squared error is least: variances over squares of correlations."""
        if self.correlation is None:
            return 0.0
        squares = self.correlation[~np.eye(len(self.kept), dtype=bool)] ** 2
        variance = ((1 - squares) ** 2).sum() / (self.rows - 1)
        share = min(_MOST_SHRINKAGE, float(variance / max(squares.sum(), 1e-300)))
        return share / (1 - share)
