"""Krum and Multi-Krum: the updates that have the nearest neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cmp_to_key
from operator import index
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import AggregationError
from cdt_core.kernels.robust.distances import squares_between
from cdt_core.kernels.robust.passes import Passes, Vector
from cdt_core.kernels.robust.rows import Rows, Updates

__all__ = ["byzantine_count", "is_count", "krum", "krum_choice", "ranked"]


def krum(
    updates: Updates | Rows, f: int, m: int = 1, return_index: bool = False
) -> Vector | tuple[Vector, NDArray[np.intp]]:
    """The update whose ``n - f - 2`` nearest others are nearest ([1]_, section 4), or the mean of the ``m`` best (Multi-Krum).

    Parameters
    ----------
    updates
        Float array of shape (sites, length), or one vector per site: float16, float32 or float64.
    f
        How many of the n updates may be wrong; ``n >= 2 f + 3``.
    m
        Updates that are averaged, at least 1 and at most ``n - f``.
    return_index
        Also return which updates were chosen.

    Returns
    -------
    ndarray, shape (length,)
        In the updates' dtype; a mean is added in float64.
    ndarray, shape (m,)
        With ``return_index``: the rows that were chosen, best first.

    Raises
    ------
    AggregationError
        Too few updates for ``f``, ``m`` out of range; shapes or dtypes that differ; NaN or infinite values, naming the update
        and the coordinate.

    Notes
    -----
    The score of an update is the sum of the squares of its distances to its ``n - f - 2`` nearest others. Equal scores are told
    apart by the distances further out, then by the values: the order of the sites decides nothing. Costs
    :func:`~cdt_core.kernels.robust.distances`, and one pass over the ``m`` chosen.

    References
    ----------
    .. [1] Blanchard, El Mhamdi, Guerraoui, Stainer, "Machine Learning with Adversaries: Byzantine Tolerant Gradient Descent",
       NeurIPS 2017.

    Examples
    --------
    >>> import numpy as np
    >>> updates = np.array([[1.0, 1.0], [1.25, 1.0], [9.0, -9.0], [1.0, 1.5], [0.5, 1.0]])
    >>> krum(updates, f=1)
    array([1., 1.])
    >>> krum(updates, f=1, m=2, return_index=True)
    (array([1.125, 1.   ]), array([0, 1]))
    """
    chosen, best = krum_choice(updates, f, m)
    return (chosen, best) if return_index else chosen


def krum_choice(updates: Updates | Rows, f: int, m: int = 1) -> tuple[Vector, NDArray[np.intp]]:
    """What :func:`krum` returns with ``return_index``."""
    passes = Passes.of(updates)
    byzantine_count(f, passes.sites, 2, "Krum")
    if not is_count(m) or not 1 <= m <= passes.sites - f:
        raise AggregationError(
            f"m is {m!r}; of {passes.sites} updates, {f} of them wrong, average 1 to {passes.sites - f}"
        )
    best = ranked(squares_between(passes).values, f, m, passes.vectors)
    if m == 1:
        return np.array(passes.vectors[best[0]], passes.dtype), best
    return passes.only(best).combine(np.full(m, 1 / m)).astype(passes.dtype, copy=False), best


def byzantine_count(f: int, sites: int, least: int, rule: str) -> int:
    """``f`` where ``sites >= least * f + 3``.

    Raises
    ------
    AggregationError
        It is no count, or there are too few updates for it.
    """
    if not is_count(f) or f < 0:
        raise AggregationError(f"f is {f!r}; give the number of updates that may be wrong, 0 or more")
    if sites < least * f + 3:
        most = (sites - 3) // least
        instead = f"give at least {least * f + 3}" + (f", or f of at most {most}" if most >= 0 else "")
        raise AggregationError(f"{rule} of {sites} updates cannot hold when {f} of them are wrong; {instead}")
    return f


def ranked(squares: NDArray[np.float64], f: int, most: int, vectors: Sequence[Vector]) -> NDArray[np.intp]:
    """The ``most`` updates of the least scores, best first.

    Parameters
    ----------
    squares
        (sites, sites), squared distances.
    f, most
        Updates that may be wrong; how many are wanted.
    vectors
        The updates; read only where distances cannot tell two apart.
    """
    # What is nearest of all is the update itself.
    near = np.sort(squares, axis=1)[:, 1:]
    scores = near[:, : max(0, len(squares) - f - 2)].sum(axis=1)
    order = np.argsort(scores, kind="stable")

    def compared(one: int, other: int) -> int:
        return _first_difference(near[one], near[other]) or _first_difference(vectors[one], vectors[other])

    for start, stop in _ties(scores[order], most):
        order[start:stop] = sorted(order[start:stop].tolist(), key=cmp_to_key(compared))
    return order[:most]


def _ties(ordered: NDArray[np.float64], most: int) -> list[tuple[int, int]]:
    """Runs of equal scores that begin among the first ``most``."""
    ends = [*(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1).tolist(), len(ordered)]
    starts = [0, *ends[:-1]]
    return [(start, end) for start, end in zip(starts, ends, strict=True) if end - start > 1 and start < most]


def _first_difference(left: NDArray[Any], right: NDArray[Any]) -> int:
    """-1 or 1 as the first number that differs is less or more on the left; 0: none does."""
    differing = left != right
    if not differing.any():
        return 0
    first = int(np.argmax(differing))
    return -1 if left[first] < right[first] else 1


def is_count(value: object) -> bool:
    """Whether a value is a whole number (and not True or False)."""
    try:
        return not isinstance(value, bool | np.bool_) and index(value) is not None  # type: ignore[arg-type]
    except TypeError:
        return False
