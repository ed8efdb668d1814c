"""Release by Mondrian cuts: every class its own intervals, sets and nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cdt_core.kernels.partition import MOST_SET_VALUES, Partition, annealed, mondrian
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
    demands = asked.demands(secrets)
    part = mondrian(codes, asked.k, demands, places=places, relaxed=asked.relaxed)
    released = {one.name: generalised(one, tree, part) for one, tree in treed}
    if asked.refine is None:
        return Cut(part.classes.astype(np.int64), released)
    sets = {number: len(one.values) for number, (one, tree) in enumerate(treed) if _is_set(one, tree)}
    refined = annealed(codes, part, asked.k, demands, places=places, sets=sets, seed=asked.seed)
    anew = {one.name: generalised(one, tree, refined) for one, tree in treed}
    before, after = _ncp(released), _ncp(anew)
    evidence = {"ncp_before": before, "ncp_annealed": after}
    # What is annealed is not the loss of hierarchies, but one like it.
    if after < before:
        part, released = refined, anew
    return Cut(part.classes.astype(np.int64), released, evidence=evidence)


def _is_set(column: Coded, tree: Hierarchy | None) -> bool:
    return tree is None and not column.is_line and 1 <= len(column.values) <= MOST_SET_VALUES


def _ncp(released: Mapping[str, Generalised]) -> float:
    return float(np.mean([column.losses.mean() for column in released.values()]))


def _treed(column: Coded, given: Mapping[str, Any]) -> Treed:
    if column.name not in given:
        return column, None
    return in_tree_order(column, hierarchy_of(column, given[column.name]))


def generalised(column: Coded, tree: Hierarchy | None, part: Partition) -> Generalised:
    """What classes release of a column: nodes where it has a hierarchy, else intervals of numbers and sets of categories."""
    if tree is not None:
        return below_nodes(column, tree, part)
    return in_intervals(column, part) if column.is_line else in_sets(column, part)
