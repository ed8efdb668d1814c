"""The vertex cover touches every edge and has as many vertices as the largest matching."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from cdt_core.kernels.eigen.cover import vertex_cover


@given(st.sets(st.tuples(st.integers(0, 7), st.integers(0, 5)), min_size=1))
def test_covers_every_edge_with_the_fewest_vertices(edges) -> None:
    rows, columns = vertex_cover(sorted(edges), 8, 6)
    assert all(row in rows or column in columns for row, column in edges)
    at = np.array(sorted(edges))
    graph = csr_array((np.ones(len(at), int), (at[:, 0], at[:, 1])), shape=(8, 6))
    assert len(rows) + len(columns) == int((maximum_bipartite_matching(graph) >= 0).sum())
