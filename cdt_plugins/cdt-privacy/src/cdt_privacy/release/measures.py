"""What a release cost: loss of information, sizes of classes, rows left out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

__all__ = ["Measures", "measures_of"]


@frozen
class Measures:
    """Utility of a released table.

    Parameters
    ----------
    ncp
        Normalised certainty penalty in [0, 1] (Xu et al. 2006): mean over all cells of quasi-identifiers of the share of their
        column's domain that was released instead of the value; 1 for a suppressed row.
    c_avg
        Rows over classes over k: 1 when all classes are as small as they may be (LeFevre et al. 2006).
    discernibility
        Sum over rows of the rows that look alike (Bayardo & Agrawal 2005); a suppressed row looks like any other.
    suppressed
        Share of rows left out.
    columns
        NCP of each quasi-identifier.
    """

    ncp: float
    c_avg: float
    discernibility: int
    suppressed: float
    columns: Mapping[str, float]


def measures_of(losses: Mapping[str, NDArray[np.float64]], sizes: NDArray[np.int64], rows: int, k: int) -> Measures:
    """Of the losses of kept rows by column, the sizes of classes, and all rows there were."""
    kept = int(sizes.sum())
    gone = rows - kept
    columns = {name: (float(loss.sum()) + gone) / rows for name, loss in losses.items()}
    return Measures(
        ncp=float(np.mean(list(columns.values()))),
        c_avg=kept / len(sizes) / k if kept else 0.0,
        discernibility=sum(int(size) ** 2 for size in sizes) + gone * rows,
        suppressed=gone / rows,
        columns=columns,
    )
