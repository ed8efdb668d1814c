"""Chunks tile a variable: each value in exactly one."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.model.grid import ChunkGrid, choose_chunk_shape

lengths = st.lists(st.integers(1, 23), min_size=0, max_size=4)


@given(st.data())
def test_each_value_lies_in_exactly_one_chunk(data):
    shape = tuple(data.draw(lengths))
    chunk = tuple(data.draw(st.integers(1, length)) for length in shape)
    grid = ChunkGrid(shape, chunk)
    seen = np.zeros(shape, int)
    for index in grid:
        seen[grid.region(index)] += 1
    assert (seen == 1).all()
    assert [grid.index(position) for position in range(len(grid))] == list(grid)


def test_a_zero_length_axis_has_no_chunks():
    grid = ChunkGrid((3, 0), choose_chunk_shape((3, 0), 4, None, 1 << 20))
    assert len(grid) == 0
    assert list(grid) == []


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=4), st.sampled_from([1, 4, 8]), st.integers(10, 24))
def test_chunks_of_a_plain_source_are_contiguous_reads_of_about_the_target(shape, itemsize, log_target):
    chunk = choose_chunk_shape(shape, itemsize, None, 1 << log_target)
    assert math.prod(chunk) * itemsize <= max(1 << log_target, itemsize)
    cut = [axis for axis, (c, n) in enumerate(zip(chunk, shape, strict=True)) if c < n]
    assert all(chunk[axis] == 1 for axis in range(max(cut, default=0)))


def test_small_source_chunks_are_joined_along_their_edges():
    assert choose_chunk_shape((100, 256, 256), 4, (1, 64, 64), 1 << 20) == (4, 256, 256)


def test_source_chunks_are_kept_when_they_are_near_the_target():
    assert choose_chunk_shape((100, 512, 512), 4, (2, 512, 512), 1 << 20) == (2, 512, 512)


def test_huge_source_chunks_are_cut_along_their_leading_axis():
    chunk = choose_chunk_shape((64, 512, 512), 4, (64, 512, 512), 1 << 22)
    assert chunk == (4, 512, 512)
