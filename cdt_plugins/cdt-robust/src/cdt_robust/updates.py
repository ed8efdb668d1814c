"""What every rule does first and last: check the updates, walk over them in blocks of columns, combine sorted values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike, NDArray

from cdt_core.errors import AggregationError

__all__ = ["Ballot", "Updates", "Vector", "combine"]

Vector: TypeAlias = NDArray[np.floating[Any]]

#: An array of shape (sites, length), or one vector of that length per site; float16, float32 or float64.
Updates: TypeAlias = Vector | Sequence[Vector]

#: Values of one block: 1 MiB as float64, so that a block stays in a core's own cache while it is sorted and added.
_BLOCK_VALUES = 1 << 17


@frozen(eq=False)
class Ballot:
    """The updates that count, checked: those of sites whose weight is above zero.

    Parameters
    ----------
    rows
        One vector of shape (length,) for each such site, as it was given (no copy).
    sites
        The row that each had among all updates; error messages name it.
    shares
        float64, shape (sites,), each weight over the sum of weights.
    """

    rows: tuple[Vector, ...]
    sites: tuple[int, ...]
    shares: NDArray[np.float64]

    @classmethod
    def of(cls, updates: Updates, weights: ArrayLike) -> Ballot:
        """Check shapes, dtypes and weights; the values are checked when they are read.

        Raises
        ------
        AggregationError
            No updates; one that is no vector of floats or has another length than the first; weights that are not one
            finite number >= 0 per update, or that are all zero.
        """
        rows = _vectors(updates)
        checked = _weights(weights, len(rows))
        sites = tuple(int(site) for site in np.flatnonzero(checked))
        # Divided by the largest first: the sum of weights such as 1e308 would overflow.
        scaled = checked[list(sites)] / checked.max()
        return cls(tuple(rows[site] for site in sites), sites, scaled / scaled.sum())

    def reduce(self, rule: Callable[[Vector], NDArray[np.float64]]) -> Vector:
        """Apply a rule, (sites, columns) -> (columns,), to copies of blocks of columns, which it may sort in place.

        Returns
        -------
        ndarray, shape (length,)
            In the widest dtype among the updates.

        Raises
        ------
        AggregationError
            A value is NaN or infinite.
        """
        result = np.empty(self.rows[0].size, np.result_type(*self.rows))
        for columns in self._blocks():
            block = np.stack([row[columns] for row in self.rows], dtype=result.dtype)
            self._refuse_non_finite(block, columns.start)
            result[columns] = rule(block)
        return result

    def _blocks(self) -> Iterator[slice]:
        width = max(1, _BLOCK_VALUES // len(self.rows))
        for start in range(0, self.rows[0].size, width):
            yield slice(start, start + width)

    def _refuse_non_finite(self, block: Vector, start: int) -> None:
        finite = np.isfinite(block)
        if not finite.all():
            row, column = (int(index) for index in np.argwhere(~finite)[0])
            raise AggregationError(
                f"update {self.sites[row]} is {block[row, column]} at coordinate {start + column}; "
                "have the site send finite values, or give it the weight 0"
            )


def combine(values: Vector, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of ``shares[i] * values[i]`` in float64, with shares >= 0 that sum to 1, never outside the range of the values.

    A sum of rounded products can pass the largest value by an ulp, or overflow beside the largest float: both are put
    back, so that equal values give that very value. The terms are added in the order of the rows on every machine,
    which a BLAS product does not promise.
    """
    terms = np.multiply(values, shares[:, np.newaxis], dtype=np.float64)
    with np.errstate(over="ignore"):
        # NumPy adds several columns row by row, but a single one pairwise, and so to other bits.
        total = terms.sum(axis=0) if terms.shape[1] > 1 else np.add.accumulate(terms)[-1]
    within: NDArray[np.float64] = np.clip(total, values.min(axis=0), values.max(axis=0))
    return within


def _vectors(updates: Updates) -> list[Vector]:
    rows = [np.asarray(update) for update in updates]
    if not rows:
        raise AggregationError("there are no updates; an aggregator needs at least one")
    for site, row in enumerate(rows):
        if row.dtype.kind != "f" or row.dtype.itemsize > 8:
            raise AggregationError(f"update {site} has dtype {row.dtype}; send float16, float32 or float64")
        if row.ndim != 1:
            raise AggregationError(f"update {site} has shape {row.shape}; flatten each update to one vector")
        if row.size != rows[0].size:
            raise AggregationError(f"update {site} has {row.size} values, update 0 has {rows[0].size}; send one model")
    return rows


def _weights(weights: ArrayLike, sites: int) -> NDArray[np.float64]:
    given = np.asarray(weights)
    if given.dtype.kind not in "iuf" or given.shape != (sites,):
        raise AggregationError(
            f"weights have dtype {given.dtype} and shape {given.shape}; give one number for each of the {sites} updates"
        )
    checked = given.astype(np.float64)
    wrong = np.flatnonzero(~(np.isfinite(checked) & (checked >= 0)))
    if wrong.size:
        raise AggregationError(f"the weight of update {wrong[0]} is {given[wrong[0]]}; give a finite number >= 0")
    if not checked.any():
        raise AggregationError("all weights are 0, so no update counts; give at least one site a weight above 0")
    return checked
