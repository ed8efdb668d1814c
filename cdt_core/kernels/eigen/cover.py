"""The smallest set of vertices that touches every edge of a bipartite graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import maximum_bipartite_matching

__all__ = ["vertex_cover"]


def vertex_cover(edges: Sequence[tuple[int, int]], rows: int, columns: int) -> tuple[set[int], set[int]]:
    """Rows and columns of a minimum vertex cover, from a maximum matching.

    Koenig's theorem: the rows that no alternating path from a row without a partner reaches, and the columns that one does.
    """
    at = np.array(edges)
    graph = scipy.sparse.csr_array((np.ones(len(edges), np.int8), (at[:, 0], at[:, 1])), shape=(rows, columns))
    row_of = maximum_bipartite_matching(graph, perm_type="row")
    matched = {int(row) for row in row_of if row >= 0}
    seen_rows = set(range(rows)) - matched
    seen_columns: set[int] = set()
    waiting = list(seen_rows)
    while waiting:
        row = waiting.pop()
        for column in graph.indices[graph.indptr[row] : graph.indptr[row + 1]].tolist():
            if column not in seen_columns:
                seen_columns.add(column)
                following = int(row_of[column])
                if following not in seen_rows:
                    seen_rows.add(following)
                    waiting.append(following)
    return set(range(rows)) - seen_rows, seen_columns
