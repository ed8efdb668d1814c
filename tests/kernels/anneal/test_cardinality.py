"""Groups of fixed cardinality: what is no group is refused in words of one's own, and what is one is kept as it was given."""

from __future__ import annotations

import numpy as np
import pytest

from cdt_core.errors import AnnealError
from cdt_core.kernels.anneal import Cardinality, Problem

CHAIN = Problem.from_ising(np.zeros(4, int), {(0, 1): 1, (1, 2): 1, (2, 3): 1})


@pytest.mark.parametrize(
    ("indices", "what"),
    [
        ([[0, 1], [2]], "no array"),
        (np.ma.array([0, 1, 2], mask=[False, True, False]), r"indices\[1\] is masked"),
        (np.ma.array([[0, 1], [2, 3]], mask=[[False, False], [False, True]]), r"indices\[1, 1\] is masked"),
        (np.array([1, 2**63 + 5], np.uint64), "9223372036854775813"),
        ([0, 2**70], "integers"),
        (["a", "b"], "integers"),
        ([True, False], "integers"),
        ([0.0, 1.0], "integers"),
        ([None], "integers"),
    ],
)
def test_what_is_no_group_is_refused(indices, what):
    with pytest.raises(AnnealError, match=what):
        CHAIN.with_cardinality(indices, 1)
    with pytest.raises(AnnealError):
        Cardinality(indices, 1)


@pytest.mark.parametrize(
    "indices",
    [
        (3, 0, 1),
        np.array([3, 0, 1], ">i2"),
        np.array([3, 0, 1], np.uint64),
        np.array([3, 9, 0, 9, 1], np.int8)[::2],
        np.ma.array([3, 0, 1]),
        range(3, -1, -1)[::1],
    ],
)
def test_any_row_of_integers_is_a_group(indices):
    group = Cardinality(indices, np.uint8(1))
    assert group.indices.dtype == np.int64
    assert group.indices.tolist() == sorted(indices)
    assert not group.indices.flags.writeable
    assert type(group.count) is int


def test_a_group_does_not_follow_the_array_it_was_made_of():
    given = np.array([0, 1, 2])
    group = Cardinality(given, 1)
    given[:] = 3
    assert group.indices.tolist() == [0, 1, 2]
