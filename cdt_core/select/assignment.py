"""Samples in batches, how far each covariate is from balance, and what chance and a greedy choice would have given."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import attrs
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Assignment", "Imbalance"]

Array = NDArray[Any]


@attrs.frozen
class Imbalance:
    """How far a covariate is from balance: 0 where all batches are alike.

    Of categories Cramer's V of covariate and batch, 0 .. 1 (1: each tells the other); of numbers the largest standardised
    difference between the mean of a batch and that of all others.
    """

    name: str
    measure: str
    assigned: float
    greedy: float | None
    best_random: float
    mean_random: float


@attrs.frozen(eq=False, repr=False)
class Assignment:
    """A batch for each sample.

    Parameters
    ----------
    batch
        (n,) names of batches: a series with the index of a frame, else an array.
    batches
        Names, in order.
    sizes
        (B,) samples in each.
    imbalances
        Of each covariate, the treatment among them.
    score
        What was minimised: 0 where all batches are alike, 1 in the mean of random assignments.
    greedy_score
        Of samples placed one after the other, each where it is best; ``None`` where that came to a dead end.
    best_random_score, mean_random_score
        Of as many random assignments as ``random_tries``.
    seed
        Of the run.
    """

    batch: pd.Series | Array
    batches: tuple[Hashable, ...]
    sizes: Array
    imbalances: tuple[Imbalance, ...]
    score: float
    greedy_score: float | None
    best_random_score: float
    mean_random_score: float
    random_tries: int
    seed: int

    def __repr__(self) -> str:
        greedy = "none" if self.greedy_score is None else f"{self.greedy_score:.4g}"
        return (
            f"Assignment({len(self.batch)} samples, sizes {self.sizes.tolist()}; score {self.score:.4g}, greedy {greedy}, "
            f"best of {self.random_tries} random {self.best_random_score:.4g})"
        )

    def to_frame(self) -> pd.DataFrame:
        """A row for each covariate: how it was measured, and its imbalance by each way."""
        import pandas as pd

        return pd.DataFrame([attrs.asdict(imbalance) for imbalance in self.imbalances]).set_index("name")
