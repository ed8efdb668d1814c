"""Bulyan: the updates that Krum ranks best, and of those by coordinate the values nearest to their median."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cdt_core.kernels.robust.distances import squares_between
from cdt_core.kernels.robust.krum import byzantine_count, ranked
from cdt_core.kernels.robust.passes import Passes, Vector
from cdt_core.kernels.robust.rows import Rows, Updates
from cdt_core.kernels.stopping import heed

__all__ = ["bulyan"]


def bulyan(updates: Updates | Rows, f: int, *, in_turn: bool = False) -> Vector:
    """Bulyan on Krum ([1]_, section 4).

    Of the ``n - 2 f`` updates that Krum ranks best, each coordinate's result is the mean of the ``n - 4 f`` values that are
    nearest to their median.

    Parameters
    ----------
    updates
        Float array of shape (sites, length), or one vector per site: float16, float32 or float64.
    f
        How many of the n updates may be wrong; ``n >= 4 f + 3``.
    in_turn
        Choose as the paper writes it: the best update by Krum, then the best by Krum of those that are left, and so on. False:
        all by one ranking.

    Returns
    -------
    ndarray, shape (length,)
        In the updates' dtype, added in float64; never outside the range of the values that it averages.

    Raises
    ------
    AggregationError
        Too few updates for ``f``; shapes or dtypes that differ; NaN or infinite values, naming the update and the coordinate.

    Notes
    -----
    In turn, fewer and fewer neighbours count, in the end fewer than there may be wrong updates: wrong ones that agree with each
    other are then chosen, and at f = 11 of 50 they double the error (tests, the table of attacks). Hence one ranking is the
    default. The second step's promise holds for both, since at most f of the chosen are wrong.

    Krum alone lets one update have any value in a few coordinates, since that hardly moves its distance; the second step bounds
    each coordinate by values of honest sites. Distances are computed once. The nearest to a median lie beside each other when
    sorted, so the second step sorts vectors of columns and moves a window over them; of two equally near it takes the lower.
    Time: one :func:`~cdt_core.kernels.robust.distances` and n log(n)^2 / 4 comparisons a column (and n^3 / 3 steps to choose in
    turn); a few MiB beside the updates.

    References
    ----------
    .. [1] El Mhamdi, Guerraoui, Rouault, "The Hidden Vulnerability of Distributed Learning in Byzantium", ICML 2018.

    Examples
    --------
    >>> import numpy as np
    >>> updates = np.array([[1.0], [2.0], [2.5], [2.25], [1.5], [3.0], [1e9]])
    >>> bulyan(updates, f=1)
    array([2.25])
    """
    passes = Passes.of(updates)
    byzantine_count(f, passes.sites, 4, "Bulyan")
    squares = squares_between(passes).values
    if in_turn:
        chosen = chosen_in_turn(squares, f, passes.vectors)
    else:
        chosen = ranked(squares, f, passes.sites - 2 * f, passes.vectors).tolist()
    return passes.only(chosen).window_mean(passes.sites - 4 * f).astype(passes.dtype, copy=False)


def chosen_in_turn(squares: NDArray[np.float64], f: int, vectors: Sequence[Vector]) -> list[int]:
    """The ``n - 2 f`` updates that Krum chooses, each among those that are left."""
    left = list(range(len(squares)))
    chosen: list[int] = []
    for _ in range(len(squares) - 2 * f):
        heed()
        (best,) = ranked(squares, f, 1, [vectors[site] for site in left])
        chosen.append(left.pop(best))
        squares = np.delete(np.delete(squares, best, axis=0), best, axis=1)
    return chosen
