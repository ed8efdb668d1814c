"""Tables of codes, and the kernels of every instruction set on them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from hypothesis import strategies as st

from cdt_core.kernels import _partition
from cdt_core.kernels.partition import Demand
from tests.kernels.instruction_sets import LEVELS, using


@st.composite
def tables(draw, most_rows=120):
    """Codes (rows, columns): few or many values, even or skewed, 16 or 32 bits; and what a sensitive column may be."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, columns = draw(st.integers(1, most_rows)), draw(st.sampled_from([1, 2, 3, 7, 8, 9, 17, 25]))
    sizes = rng.choice([1, 2, 3, 16, 100, 70_000 if draw(st.booleans()) else 1000], columns)
    codes = np.column_stack([(rng.random(rows) ** rng.choice([1, 4]) * size).astype(np.int64) for size in sizes])
    size = draw(st.sampled_from([1, 2, 5, 40, 5000]))
    return codes, (rng.random(rows) ** draw(st.sampled_from([1, 3])) * size).astype(np.int64)


@st.composite
def demands(draw, sensitive):
    """What the table as a whole keeps."""
    whole = np.unique(sensitive, return_counts=True)[1] / len(sensitive)
    share = draw(st.sampled_from([0.0, 0.5, 1.0]))
    most = float(np.exp(-(whole * np.log(whole)).sum()))
    return Demand(
        sensitive,
        l=draw(st.none() | st.integers(1, len(whole))),
        entropy_l=draw(st.none() | st.just(max(1.0, 1 + share * (most - 1) - 1e-9))),
        t=draw(st.none() | st.sampled_from([0.0, 0.1, 0.4, 1.0])),
        ordered=draw(st.booleans()),
    )


def everywhere() -> Iterator[str]:
    """Each instruction set in turn."""
    for level in LEVELS:
        with using(level, _partition):
            yield level


def adult_like(rows=4000, seed=0):
    """Codes of seven columns and a sensitive one, skewed as those of a census are."""
    rng = np.random.default_rng(seed)

    def zipf(size, power=1.0):
        weights = np.arange(1, size + 1) ** -power
        return rng.choice(size, rows, p=weights / weights.sum())

    age = np.clip(rng.gamma(4, 6, rows).astype(int), 0, 72)
    columns = [age, zipf(8), zipf(16), zipf(7), zipf(5), zipf(2), zipf(41, 2.0)]
    return np.column_stack(columns), zipf(14, 0.8)
