"""What features tell of a target and of each other: what a selection is made from."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Literal

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import SelectError
from cdt_core.select.block import State, Target
from cdt_core.select.worth import Explained, Separated, Worth

__all__ = ["Dependence", "Kept"]

Array = NDArray[Any]
#: The most that correlations shrink by their own errors, and the ridge over that of those: the best of many sets is one
#: whose errors flatter it, so that it takes more than what suits the mean pair (tried on digits, simulated cells and
#: other tables that no reported figure is of).
_MOST_SHRINKAGE, _CAUTION = 0.9, 3.0


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
    centres, counts
        (c, m) means of the classes in standard deviations of all rows, and (c,) rows of each; by correlation alone.
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
    centres: Array | None = None
    counts: Array | None = None

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

    def explained(self, chosen: Array) -> float:
        """What the chosen ones explain of the target together, by least squares; NaN where it is not known.

        The share of variance (R squared) of numbers; of classes Pillai's trace, 0 .. classes - 1;
        without a target, the share of variance of all features.
        """
        if self.correlation is None or self.told is None:
            return float("nan")
        pairs = np.ix_(chosen, chosen)
        values, vectors = np.linalg.eigh(self.correlation[pairs])
        sound = values > len(chosen) * 1e-12
        axes = vectors[:, sound]
        return float((np.einsum("ij,ij->j", axes, self.told[pairs] @ axes) / values[sound]).sum())

    @property
    def worth(self) -> Worth | None:
        """What sets of features are worth together: of classes, how well they are told apart; else what is explained. By
        correlations that are shrunk to what so many rows can tell of them. ``None`` by information.
        """
        if self.correlation is None or self.told is None:
            return None
        if self.centres is None or self.counts is None:
            return Explained(self.correlation, self.told, self._ridge)
        return Separated(self.correlation, self.centres, self.counts, self._ridge)

    @property
    def _ridge(self) -> float:
        """Of the shrinkage of correlations whose expected squared error is least, variances over squares (Schaefer and
        Strimmer 2005), and more.
        """
        if self.correlation is None:
            return 0.0
        variance = sum(float(((1 - row**2) ** 2).sum()) for row in self.correlation) / (self.rows - 1)
        squares = sum(float((row**2).sum()) for row in self.correlation) - len(self.kept)
        share = min(_MOST_SHRINKAGE, variance / max(squares, 1e-300))
        return _CAUTION * share / (1 - share)


@attrs.frozen(eq=False)
class Kept:
    """Features that can be selected, why each other one cannot, and the rows that say so."""

    names: tuple[Hashable, ...]
    places: Array
    excluded: Mapping[Hashable, str]
    rows: int

    @classmethod
    def of(cls, names: tuple[Hashable, ...], state: State, rows: int, varies: Array, why: Callable[[int], str]) -> Kept:
        """Those that vary and are finite throughout; ``why`` says of a place why it does not vary.

        Raises
        ------
        SelectError
            Fewer than two rows, or no such feature.
        """
        if rows < 2:
            raise SelectError(f"{rows} rows, {state['left_out']} left out; dependence needs 2 at least")
        nonfinite = state["nonfinite"]
        kept = varies & (nonfinite == 0)
        if not kept.any():
            raise SelectError("no feature varies and is finite throughout")
        excluded = {
            names[place]: f"not finite in {nonfinite[place]} rows" if nonfinite[place] else why(int(place))
            for place in np.flatnonzero(~kept)
        }
        return cls(names, np.flatnonzero(kept), excluded, rows)

    def dependence(self, target: Target, measure: Literal["correlation", "information"], **measured: Any) -> Dependence:
        """With what was measured of the kept ones."""
        return Dependence(self.names, self.places, self.excluded, self.rows, target, measure, **measured)
