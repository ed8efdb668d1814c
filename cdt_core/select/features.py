"""Selection of features from a table: measured in one pass or two, chosen by annealing."""

from __future__ import annotations

from typing import Any, Literal

import attrs

from cdt_core.errors import SelectError
from cdt_core.select.block import Missing, Target
from cdt_core.select.choosing import select
from cdt_core.select.dependence import Dependence
from cdt_core.select.histograms import HistogramSummary
from cdt_core.select.moments import MomentSummary
from cdt_core.select.selection import Selection
from cdt_core.select.table import Table, read_table

__all__ = ["measure_features", "select_features"]


def select_features(  # noqa: PLR0913 - what a caller may choose, by name
    X: Any,  # noqa: N803 - the field's name
    y: Any,
    k: int,
    *,
    measure: Literal["correlation", "information"] = "correlation",
    target: Target | None = None,
    bins: int = 5,
    missing: Missing = "error",
    **how: Any,
) -> Selection:
    """The k features that tell most of ``y`` and least of each other.

    Parameters
    ----------
    X
        (rows, features): a frame of pandas or dask, an array of NumPy, xarray (names from its coordinate), dask, zarr or
        h5py, a sparse matrix; a dataset of xarray with one dimension; or an iterable of blocks of rows, or of pairs
        ``(X, y)`` of such. Only a block at a time is in memory (a dataset of xarray is whole).
    y
        (rows,) numbers or classes; ``None`` selects features from which all others can best be told.
    k
        How many features.
    measure
        ``"correlation"``, one pass; ``"information"``, mutual information by histograms, two passes.
    target
        Whether y has ``"numbers"`` or ``"classes"``; default: floats are numbers, all else is classes.
    bins
        Of the histograms, 2 .. 32, for each feature.
    missing
        NaN and infinities: ``"error"``; ``"rows"`` leaves the rows out that have any, ``"columns"`` the features.
    **how
        ``weight``, ``reads``, ``sweeps``, ``seed``, ``threads`` of :func:`select`.

    Returns
    -------
    Selection
        Features that are constant are never selected; ``excluded`` names them.

    Raises
    ------
    SelectError
        Values that are not finite, a column that has no numbers, a ``y`` that does not fit or does not vary, or k beyond
        the number of features that vary.

    Notes
    -----
    Memory: about 40 bytes for each pair of features (5000 features: 1 GB), and ``bins^2`` times 16 by information.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> signal, other = rng.normal(size=(2, 200))
    >>> X = np.column_stack([signal, signal + 0.1 * rng.normal(size=200), other, rng.normal(size=200)])
    >>> sorted(select_features(X, signal + other, 2).names)
    [0, 2]
    """
    return select(measure_features(X, y, measure=measure, target=target, bins=bins, missing=missing), k, **how)


def measure_features(
    X: Any,  # noqa: N803
    y: Any = None,
    *,
    measure: Literal["correlation", "information"] = "correlation",
    target: Target | None = None,
    bins: int = 5,
    missing: Missing = "error",
) -> Dependence:
    """The dependence that :func:`select_features` selects from, for several selections of the same features.

    Parameters are those of :func:`select_features`.
    """
    if measure not in ("correlation", "information"):
        raise SelectError(f"measure is {measure!r}; it must be 'correlation' or 'information'")
    table = read_table(X, y)
    if target is not None and (target == "nothing") != (table.target == "nothing"):
        raise SelectError(f"target is {target!r}, and y is {'not ' if y is None else ''}given")
    if target is not None:
        table = attrs.evolve(table, target=target)
    if measure == "correlation":
        return _moments(table, missing)[1]
    if not table.again:
        raise SelectError(
            "information needs two passes, and an iterator gives its blocks once; give a list, or an array"
        )
    state, _ = _moments(table, missing)
    summary = HistogramSummary.after(MomentSummary(table.names, table.target, missing), state, bins)
    counts = summary.start()
    for block, part in table.blocks():
        counts = summary.update(counts, block, part)
    return summary.finish(counts)


def _moments(table: Table, missing: Missing) -> tuple[dict[str, Any], Dependence]:
    summary = MomentSummary(table.names, table.target, missing)
    state = summary.start()
    for block, part in table.blocks():
        state = summary.update(state, block, part)
    return state, summary.finish(state)
