"""Features that were selected, with what each tells, and the greedy choice beside them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import SelectError

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
        Of redundancy against relevance: as given, or that of the annealed set that was worth most.
    energy
        ``-mean relevance + weight * mean redundancy``: the least there is with a weight that was given. By default
        exchanges go on from there to what is worth more.
    worth
        Together: of classes, less the logarithm of the mean error of telling two of them; else the share of variance that
        is explained. By correlations that are shrunk (NaN by information).
    explained
        What they explain of the target together, by the rows as they are (NaN by information).
    greedy
        Indices (k,) that are found one after the other, each the best beside those before, by energy at the same weight.
    greedy_energy, greedy_worth, greedy_explained
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
    worth: float
    explained: float
    greedy: Array
    greedy_energy: float
    greedy_worth: float
    greedy_explained: float
    measure: str
    rows: int
    excluded: Mapping[Hashable, str] = attrs.field(factory=dict)

    def __len__(self) -> int:
        return len(self.indices)

    def __repr__(self) -> str:
        shown = ", ".join(str(name) for name in self.names[:8]) + (", ..." if len(self) > 8 else "")
        return f"Selection({len(self)}: {shown}; by {self.measure}, {self.rows} rows)"

    def mask(self, features: int) -> Array:
        """(features,) bool: where the selected ones are, for ``X[:, mask]``.

        Raises
        ------
        SelectError
            Fewer features than one that was selected.
        """
        if features <= self.indices.max():
            raise SelectError(f"feature {int(self.indices.max())} is selected, and there are {features}")
        mask = np.zeros(features, bool)
        mask[self.indices] = True
        return mask

    def to_frame(self) -> pd.DataFrame:
        """A row for each selected feature: ``index``, ``relevance``, ``redundancy``, by name."""
        import pandas as pd

        columns = {"index": self.indices, "relevance": self.relevance, "redundancy": self.redundancy}
        return pd.DataFrame(columns, index=pd.Index(list(self.names), name="feature", tupleize_cols=False))
