"""Bucketing: a step before a rule, for many sites whose honest updates differ and few that are wrong."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cdt_core.errors import AggregationError
from cdt_core.kernels.robust.krum import is_count
from cdt_core.kernels.robust.passes import Passes
from cdt_robust.following import follow
from cdt_robust.updates import Ballot, Updates, Vector

__all__ = ["bucketing"]


def bucketing(
    updates: Updates, weights: ArrayLike, *, size: int = 2, seed: int = 0, then: str = "median", **parameters: Any
) -> Vector:
    """Average the updates in buckets drawn at random, then apply a rule to the means ([1]_, Algorithm 1).

    Parameters
    ----------
    updates
        Float array of shape (sites, length), or one vector per site.
    weights
        Shape (sites,), finite, >= 0, not all zero. Each site of a weight above 0 has one vote; others take no part.
    size
        Updates in a bucket, 1 or more; the last bucket may have fewer.
    seed
        Of the draw; give each round its own.
    then
        Name of the rule that follows, any of this plugin's but a step before rules. Its count of wrong votes, ``f``, is that of
        wrong buckets: at most one for each wrong site.
    parameters
        Of that rule.

    Returns
    -------
    ndarray, shape (length,)
        In the widest dtype among the updates.

    Raises
    ------
    AggregationError
        ``size``, ``seed`` or ``then`` out of range; what the rule refuses; shapes, dtypes, weights or values that have no mean.

    Notes
    -----
    Means of ``size`` updates differ less than updates do, by a factor of its square root, so that a rule tells better what is
    wrong; but a wrong site spoils its whole bucket: the breakdown point is that of the rule over ``size``. The draw orders the
    sites by a hash of the seed and the update, so that the order in which they came decides nothing; no update is safer or less
    safe by the bucket it falls into. The means take 1 / ``size`` of the updates' memory.

    References
    ----------
    .. [1] Karimireddy, He, Jaggi, "Byzantine-Robust Learning on Heterogeneous Datasets via Bucketing", ICLR 2022.

    Examples
    --------
    >>> import numpy as np
    >>> updates = np.array([[1.0], [3.0], [2.0], [4.0], [2.0], [1e9]])
    >>> bool(1 <= bucketing(updates, np.ones(6), size=2, seed=7, then="median")[0] <= 4)
    True
    """
    if not is_count(size) or size < 1:
        raise AggregationError(f"size is {size!r}; give the number of updates in a bucket, 1 or more")
    if not is_count(seed) or not 0 <= seed < 2**64:
        raise AggregationError(f"seed is {seed!r}; give a whole number from 0 to 2**64 - 1")
    passes = Passes.of(Ballot.of(updates, weights).kept)
    passes.largest()  # a bucket's mean would hide whose value is not finite
    order = sorted(range(passes.sites), key=lambda site: _drawn(passes.vectors[site], seed))
    buckets = [passes.only(order[at : at + size]) for at in range(0, len(order), size)]
    means = [one.combine(np.full(one.sites, 1 / one.sites)).astype(passes.dtype, copy=False) for one in buckets]
    return follow(then, means, parameters)


def _drawn(row: Vector, seed: int) -> bytes:
    hashed = sha256(int(seed).to_bytes(8, "little"))
    hashed.update(np.ascontiguousarray(row).data.cast("B") if row.size else b"")
    return hashed.digest()
