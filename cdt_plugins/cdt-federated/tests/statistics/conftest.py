"""One table as that of several sites, split in any way."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest


@pytest.fixture(params=["even", "uneven", "tiny", "one"])
def how(request):
    """Rows go to sites evenly, nearly all to one, to sites of one row and of none, or all to one."""
    return request.param


@pytest.fixture
def split():
    """Makes site -> its rows of a table."""

    def split(table, how="even"):
        columns = {name: np.asarray(column) for name, column in table.items()}
        rows = len(next(iter(columns.values())))
        order = np.random.default_rng(0).permutation(rows)
        edges = {
            "even": [0, rows // 3, 2 * rows // 3, rows],
            "uneven": [0, rows - rows // 8, rows],
            "tiny": [0, 1, 1, 2, rows],
            "one": [0, rows],
        }[how]
        return {
            f"site {at}": {name: column[order[first:stop]] for name, column in columns.items()}
            for at, (first, stop) in enumerate(pairwise(edges))
        }

    return split
