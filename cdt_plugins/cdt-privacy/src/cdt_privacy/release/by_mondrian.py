"""Release by Mondrian cuts: every class its own intervals, sets and nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cdt_core.kernels.partition import Partition, mondrian
from cdt_privacy.release.asked import Asked, Cut
from cdt_privacy.release.coding import Coded
from cdt_privacy.release.generalising import Generalised, below_nodes, in_intervals, in_sets
from cdt_privacy.release.hierarchy import Hierarchy, hierarchy_of, in_tree_order

__all__ = ["by_mondrian"]

Treed = tuple[Coded, Hierarchy | None]


def by_mondrian(columns: Sequence[Coded], secrets: Sequence[Coded], given: Mapping[str, Any], asked: Asked) -> Cut:
    """Cut the table, and say what each class releases of each column."""
    treed = [_treed(column, given) for column in columns]
    codes = np.column_stack([column.codes for column, _ in treed])
    places = [column.places for column, _ in treed]
    part = mondrian(codes, asked.k, asked.demands(secrets), places=places, relaxed=asked.relaxed)
    return Cut(part.classes.astype(np.int64), {one.name: generalised(one, tree, part) for one, tree in treed})


def _treed(column: Coded, given: Mapping[str, Any]) -> Treed:
    if column.name not in given:
        return column, None
    return in_tree_order(column, hierarchy_of(column, given[column.name]))


def generalised(column: Coded, tree: Hierarchy | None, part: Partition) -> Generalised:
    """What classes release of a column: nodes where it has a hierarchy, else intervals of numbers and sets of categories."""
    if tree is not None:
        return below_nodes(column, tree, part)
    return in_intervals(column, part) if column.is_line else in_sets(column, part)
