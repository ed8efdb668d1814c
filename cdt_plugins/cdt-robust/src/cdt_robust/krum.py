"""Krum and Multi-Krum: what to use when wrong updates lie apart from the others as a whole."""

from __future__ import annotations

from numpy.typing import ArrayLike

from cdt_core.kernels.robust.krum import byzantine_count, krum_choice
from cdt_robust.updates import Ballot, Updates, Vector

__all__ = ["krum", "multi_krum"]


def krum(updates: Updates, weights: ArrayLike, *, f: int | None = None) -> Vector:
    """The one update whose ``n - f - 2`` nearest others are nearest ([1]_, section 4).

    Parameters
    ----------
    updates
        Float array of shape (sites, length), or one vector per site.
    weights
        Shape (sites,), finite, >= 0, not all zero. Each site of a weight above 0 has one vote; others take no part.
    f
        How many of the n votes may be wrong, ``n >= 2 f + 3``; None: as many as can be.

    Returns
    -------
    ndarray, shape (length,)
        A copy of the update that was chosen, in the widest dtype among the updates.

    Raises
    ------
    AggregationError
        Too few votes for ``f`` (three at least); shapes, dtypes, weights or values that have no distance, naming the update.

    Notes
    -----
    One site's update has the noise of one site: without wrong updates no rule is further from the mean. And wrong updates that
    lie near the mean of the others, as little moved as their noise allows (ALIE, [2]_), are what it chooses. See
    :func:`multi_krum`, and :func:`cdt_core.kernels.robust.krum` for its cost.

    References
    ----------
    .. [1] Blanchard, El Mhamdi, Guerraoui, Stainer, "Machine Learning with Adversaries: Byzantine Tolerant Gradient Descent",
       NeurIPS 2017.
    .. [2] Baruch, Baruch, Goldberg, "A Little Is Enough: Circumventing Defenses For Distributed Learning", NeurIPS 2019.

    Examples
    --------
    >>> import numpy as np
    >>> krum(np.array([[1.0, 1.0], [1.25, 1.0], [9.0, -9.0], [1.0, 1.5], [0.5, 1.0]]), np.ones(5))
    array([1., 1.])
    """
    rows = Ballot.of(updates, weights).kept
    return krum_choice(rows, _most(len(rows.vectors)) if f is None else f)[0]


def multi_krum(updates: Updates, weights: ArrayLike, *, f: int | None = None, m: int | None = None) -> Vector:
    """The mean of the ``m`` updates that :func:`krum` ranks best.

    Parameters
    ----------
    updates, weights, f
        As of :func:`krum`.
    m
        How many are averaged, 1 to ``n - f``; None: ``n - f - 2``, so that none is wrong and far away
        even where as many are wrong as can be.

    Returns
    -------
    ndarray, shape (length,)
        In the widest dtype among the updates, added in float64.

    Raises
    ------
    AggregationError
        As :func:`krum`; or ``m`` is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> multi_krum(np.array([[1.0, 1.0], [1.25, 1.0], [9.0, -9.0], [1.0, 1.5], [0.5, 1.0]]), np.ones(5), f=1, m=2)
    array([1.125, 1.   ])
    """
    rows = Ballot.of(updates, weights).kept
    n = len(rows.vectors)
    wrong = byzantine_count(_most(n) if f is None else f, n, 2, "Krum")
    return krum_choice(rows, wrong, n - wrong - 2 if m is None else m)[0]


def _most(votes: int) -> int:
    """The largest f that Krum of so many votes holds against; 0 of too few, which Krum then refuses."""
    return max(0, (votes - 3) // 2)
