"""Features that were selected, with what each tells, and the greedy choice beside them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Selection"]

Array = NDArray[Any]


@attrs.frozen(eq=False, repr=False)
class Selection:
    """Features that tell much of the target and little of each other, the most relevant first.

    Parameters
    ----------
    indices
        (k,) int64: columns of X.
    names
        Their names, k of them.
    relevance
        (k,): what each tells of the target (see :class:`~cdt_core.select.Dependence`).
    redundancy
        (k,): mean redundancy of each with the other chosen ones.
    weight
        Of redundancy against relevance.
    energy
        ``-mean relevance + weight * mean redundancy``: what annealing minimised.
    explained
        What they explain of the target together (NaN by information).
    greedy
        Indices (k,) that are found one after the other, each the best beside those before, at the same weight.
    greedy_energy, greedy_explained
        As above, of the greedy choice.
    measure, rows, excluded
        Of the dependence: what it was measured by, on how many rows, and which features could not be selected and why.
    """

    indices: Array
    names: tuple[Hashable, ...]
    relevance: Array
    redundancy: Array
    weight: float
    energy: float
    explained: float
    greedy: Array
    greedy_energy: float
    greedy_explained: float
    measure: str
    rows: int
    excluded: Mapping[Hashable, str] = attrs.field(factory=dict)

    def __len__(self) -> int:
        return len(self.indices)

    def __repr__(self) -> str:
        shown = ", ".join(str(name) for name in self.names[:8]) + (", ..." if len(self) > 8 else "")
        return f"Selection({len(self)}: {shown}; energy {self.energy:.4g}, greedy {self.greedy_energy:.4g})"

    def mask(self, features: int) -> Array:
        """(features,) bool: where the selected ones are, for ``X[:, mask]``."""
        mask = np.zeros(features, bool)
        mask[self.indices] = True
        return mask

    def to_frame(self) -> pd.DataFrame:
        """A row for each selected feature: ``index``, ``relevance``, ``redundancy``, by name."""
        import pandas as pd

        columns = {"index": self.indices, "relevance": self.relevance, "redundancy": self.redundancy}
        return pd.DataFrame(columns, index=pd.Index(list(self.names), name="feature", tupleize_cols=False))
