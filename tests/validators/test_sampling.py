from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.hooks.contracts import Block
from cdt_core.model import VariableSpec
from cdt_core.validators.sampling import LATTICE_VALUES, lattice_of, plane_of, strides_for, tiles_of

SHAPES = [(10,), (1000, 1000), (3, 5, 10**6), (10**9,), (1, 1, 1), (2, 10**5, 3), (), (8192,), (8193,), (0, 5)]


def points(shape, strides):
    return math.prod(len(range(n // 2, length, n)) for n, length in zip(strides, shape, strict=True))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_lattice_is_near_its_size(shape):
    count = points(shape, strides_for(shape))
    assert count <= LATTICE_VALUES
    assert count >= min(math.prod(shape), LATTICE_VALUES) / 8


@given(shape=st.lists(st.integers(1, 3000), min_size=1, max_size=4), values=st.sampled_from([1, 64, 1024, 8192]))
def test_no_shape_gets_too_many_points(shape, values):
    assert points(shape, strides_for(shape, values)) <= values


def test_small_variables_and_short_axes_are_taken_whole():
    assert strides_for((20, 20, 20)) == (1, 1, 1)
    assert strides_for((3, 10**6, 5))[::2] == (1, 1)
    assert strides_for((2, 1000, 1000)) == (1, *strides_for((1000, 1000), 4096))


def cut(x, chunk, missing=None):
    spec = VariableSpec("v", tuple(f"d{i}" for i in range(x.ndim)), x.shape, x.dtype.name)
    for start in itertools.product(*(range(0, length, n) for length, n in zip(x.shape, chunk, strict=True))):
        where = tuple(slice(s, s + n) for s, n in zip(start, chunk, strict=True))
        values = x[where]
        yield Block(spec, start, values, values, None if missing is None else missing[where])


@given(chunk=st.tuples(st.integers(1, 9), st.integers(1, 40), st.integers(1, 50)))
def test_the_lattice_does_not_depend_on_the_blocks(chunk):
    x = np.arange(9 * 40 * 50, dtype=np.float64).reshape(9, 40, 50)
    strides = strides_for(x.shape, 256)
    whole = next(cut(x, x.shape))
    parts = np.concatenate([lattice_of(block, strides) for block in cut(x, chunk)])
    assert np.array_equal(np.sort(parts), np.sort(lattice_of(whole, strides)))


def test_missing_and_infinite_values_are_not_sampled():
    x = np.arange(6.0)
    x[1], x[2] = np.nan, np.inf
    missing = np.arange(6) == 5
    assert lattice_of(next(cut(x, (6,), missing)), (1,)).tolist() == [0, 3, 4]


@pytest.mark.parametrize(
    ("shape", "plane"),
    [
        ((5, 40, 50), (1, 2)),
        ((40, 50, 3), (0, 1)),
        ((40, 3, 50), (0, 2)),
        ((9, 40, 50), (1, 2)),
        ((500, 3), (0,)),
        ((7, 3), ()),
        ((), ()),
    ],
)
def test_the_plane_has_the_last_two_long_axes(shape, plane):
    assert plane_of(shape) == plane


def test_tiles_cover_a_small_variable():
    x = np.arange(2 * 100 * 130, dtype=np.float32).reshape(2, 100, 130)
    tiles = tiles_of(next(cut(x, x.shape)), 64)
    assert tiles.total == len(tiles.original) == 2 * 2 * 3
    assert set(tiles.original.ravel()) == set(x.ravel())
    assert tiles.treated is tiles.original
    assert set(tiles.groups) == set(range(8))


def test_tiles_lie_in_the_plane():
    x = np.random.default_rng(0).normal(size=(64, 64, 3))
    tiles = tiles_of(next(cut(x, x.shape)), 64)
    assert np.array_equal(tiles.original, np.moveaxis(x, 2, 0))


def test_one_axis_has_segments():
    x = np.arange(3000.0)
    tiles = tiles_of(next(cut(x, (3000,))), 1024)
    assert tiles.original.shape == (3, 1024)
    assert tiles.original[-1, -1] == 2999


def test_long_variables_get_a_few_tiles_in_each_block():
    x = np.zeros((100, 64, 64), np.float32)
    counts = [len(tiles_of(block, 64).original) for block in cut(x, (10, 64, 64))]
    assert counts == [7] * 10


def test_missing_values_are_not_valid():
    x = np.zeros((20, 20))
    x[3, 3] = np.nan
    missing = np.zeros(x.shape, bool)
    missing[5, 5] = True
    tiles = tiles_of(next(cut(x, x.shape, missing)), 64)
    assert np.argwhere(~tiles.valid[0]).tolist() == [[3, 3], [5, 5]]


@pytest.mark.parametrize("chunk", [(7, 20), (20, 3)])
def test_narrow_blocks_have_no_tiles(chunk):
    assert all(tiles_of(block, 64) is None for block in cut(np.zeros((20, 20)), chunk) if min(block.original.shape) < 8)
