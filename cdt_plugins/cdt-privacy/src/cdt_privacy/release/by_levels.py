"""Full-domain generalisation: one level of its hierarchy for each column, the least lossy that keeps what is asked.

The levels of all columns are a lattice (Samarati 2001; LeFevre et al. 2005). Where a node fails, all below it fail. The search
goes to the node that is least lossy of those that are not known to fail, and halves the way from there to the top (Optimal
Lattice Anonymization, El Emam et al. 2009); a loss that was reached bounds what is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import define, field, frozen
from numpy.typing import NDArray

from cdt_core.errors import PrivacyError
from cdt_core.kernels.partition import Demand, classes_of, measure
from cdt_core.kernels.stopping import heed
from cdt_privacy.release.asked import Asked, Cut
from cdt_privacy.release.coding import Coded, observed
from cdt_privacy.release.generalising import at_level
from cdt_privacy.release.hierarchy import Hierarchy, default_hierarchy, hierarchy_of

__all__ = ["by_levels"]

#: Nodes of a lattice, at most: its losses are kept in memory.
MOST_NODES = 10_000_000
#: Leaving rows out changes what t is measured against, so that more may have to go: rounds until nothing changes.
_ROUNDS = 8

Levels = tuple[int, ...]


@frozen(eq=False)
class _Table:
    """The table: codes of its distinct rows, how often each is there, which is each row's, and what is asked."""

    hierarchies: Sequence[Hierarchy]
    codes: NDArray[np.uint32]
    counts: NDArray[np.int64]
    distinct: NDArray[np.int64]
    demands: Sequence[Demand]
    asked: Asked

    @property
    def rows(self) -> int:
        return len(self.distinct)

    def classes_at(self, levels: Levels) -> NDArray[np.int64]:
        """Class of each row with these levels, -1 where it has to be left out; all -1: too many have to."""
        nodes = [
            tree.nodes[level][codes] for tree, level, codes in zip(self.hierarchies, levels, self.codes.T, strict=True)
        ]
        merged = classes_of(np.column_stack(nodes)).astype(np.int64)
        good = np.bincount(merged, weights=self.counts) >= self.asked.k
        most = int(self.asked.suppress * self.rows)
        if self.rows - int(self.counts[good[merged]].sum()) > most:
            return np.full(self.rows, -1)
        classes = np.where(good[merged], merged, -1)[self.distinct]
        return _without_bad(classes, self.demands, most) if self.demands else classes


def _without_bad(classes: NDArray[np.int64], demands: Sequence[Demand], most: int) -> NDArray[np.int64]:
    """Classes that do not keep a demand are left out, until what stays keeps all of them."""
    for _ in range(_ROUNDS):
        kept = classes >= 0
        if len(classes) - int(kept.sum()) > most or not kept.any():
            break
        numbers, dense = np.unique(classes[kept], return_inverse=True)
        bad = np.zeros(len(numbers), bool)
        for demand in demands:
            bad |= _is_bad(dense, demand, kept)
        if not bad.any():
            return classes
        classes = np.where(np.isin(classes, numbers[bad]), -1, classes)
    return np.full(len(classes), -1)


def _is_bad(classes: NDArray[np.int64], demand: Demand, kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    found = measure(classes, Demand(observed(demand.codes[kept]), ordered=demand.ordered))
    bad = found.distinct < (demand.l or 0)
    if demand.entropy_l is not None:
        bad |= found.entropy_l < demand.entropy_l - 1e-11
    return bad | (found.t > demand.t + 1e-11) if demand.t is not None else bad


@define
class _Search:
    """What is known of the lattice: losses that no node can go below, nodes that need no look, and the best so far."""

    table: _Table
    bounds: NDArray[np.float64]
    is_monotone: bool
    closed: NDArray[np.bool_]
    best: float = np.inf
    levels: Levels | None = None
    classes: NDArray[np.int64] = field(factory=lambda: np.zeros(0, np.int64))
    looked: int = 0

    def run(self) -> None:
        """Until every node is known to fail, or to be no better than the best."""
        while True:
            open_ = np.where(self.closed, np.inf, self.bounds)
            levels = np.unravel_index(int(open_.argmin()), open_.shape)
            if not open_[levels] < self.best:
                return
            self.climb(tuple(int(level) for level in levels))

    def climb(self, levels: Levels) -> None:
        """Look at a node; with pruning, at the way from it to the top by halves."""
        way = [levels]
        while self.is_monotone and (above := self.next_above(way[-1])) is not None:
            way.append(above)
        low, high = 0, len(way) - 1
        while low <= high:
            heed()
            middle = (low + high) // 2
            if self.keeps(way[middle]):
                high = middle - 1
            else:
                low = middle + 1

    def next_above(self, levels: Levels) -> Levels | None:
        """The least lossy node one level higher."""
        steps = [
            (*levels[:axis], level + 1, *levels[axis + 1 :])
            for axis, level in enumerate(levels)
            if level + 1 < self.bounds.shape[axis]
        ]
        return min(steps, key=lambda step: self.bounds[step], default=None)

    def keeps(self, levels: Levels) -> bool:
        """Whether a node keeps what is asked; its loss if so, and what follows for others if not."""
        self.looked += 1
        self.closed[levels] = True
        classes = self.table.classes_at(levels)
        if (classes < 0).all():
            if self.is_monotone:
                self.closed[tuple(slice(0, level + 1) for level in levels)] = True
            return False
        loss = self.loss(levels, classes >= 0)
        if loss < self.best:
            self.best, self.levels, self.classes = loss, levels, classes
        return True

    def loss(self, levels: Levels, kept: NDArray[np.bool_]) -> float:
        """NCP summed over columns, suppressed rows as 1."""
        if kept.all():
            return float(self.bounds[levels])
        table = self.table
        weights = np.bincount(table.distinct[kept], minlength=len(table.codes))
        losses = sum(
            float((tree.losses[level][tree.nodes[level][codes]] * weights).sum())
            for tree, level, codes in zip(table.hierarchies, levels, table.codes.T, strict=True)
        )
        return (losses + len(levels) * float((~kept).sum())) / table.rows


def by_levels(columns: Sequence[Coded], secrets: Sequence[Coded], given: Mapping[str, Any], asked: Asked) -> Cut:
    """Search the lattice, and generalise every column to the level that was found."""
    trees = [hierarchy_of(one, given[one.name]) if one.name in given else default_hierarchy(one) for one in columns]
    search = _Search(*_begun(columns, trees, asked.demands(secrets), asked))
    search.run()
    if search.levels is None:
        raise PrivacyError(
            "no levels keep what is asked, not even the roots of all hierarchies: ask for less, or let more rows be suppressed"
        )
    levels = dict(zip([column.name for column in columns], search.levels, strict=True))
    released = {
        column.name: at_level(column, tree, level)
        for column, tree, level in zip(columns, trees, search.levels, strict=True)
    }
    evidence = {"nodes": search.bounds.size, "looked_at": search.looked}
    return Cut(_numbered(search.classes), released, levels, evidence=evidence)


def _begun(
    columns: Sequence[Coded], trees: Sequence[Hierarchy], demands: Sequence[Demand], asked: Asked
) -> tuple[_Table, NDArray[np.float64], bool, NDArray[np.bool_]]:
    shape = tuple(tree.height for tree in trees)
    nodes = int(np.prod([float(height) for height in shape]))
    if nodes > MOST_NODES:
        raise PrivacyError(
            f"{nodes} combinations of levels are too many; give hierarchies of fewer levels, or use 'mondrian'"
        )
    codes = np.column_stack([column.codes for column in columns])
    distinct = classes_of(codes).astype(np.int64)
    firsts = np.unique(distinct, return_index=True)[1]
    bounds = np.zeros(shape)
    for axis, (column, tree) in enumerate(zip(columns, trees, strict=True)):
        losses = [tree.losses[level][tree.nodes[level][column.codes]].mean() for level in range(tree.height)]
        bounds += np.reshape(losses, [-1 if axis == other else 1 for other in range(len(shape))])
    table = _Table(trees, codes[firsts], np.bincount(distinct), distinct, demands, asked)
    # A class that keeps t or the entropy, merged with one that does not and was left out, may keep it no more.
    is_monotone = asked.suppress == 0 or all(demand.t is None and demand.entropy_l is None for demand in demands)
    return table, bounds, is_monotone, np.zeros(shape, bool)


def _numbered(classes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Classes from 0 without gaps, -1 as it is."""
    found = np.full(len(classes), -1)
    found[classes >= 0] = np.unique(classes[classes >= 0], return_inverse=True)[1]
    return found
