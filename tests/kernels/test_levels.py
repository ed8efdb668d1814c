"""Coarse reading: every 2^level-th value, as a whole decode has them."""

from __future__ import annotations

import numpy as np
import pytest

from cdt_core.codecs.array import compress, decompress
from tests.kernels.instruction_sets import everywhere

SHAPES = [(1,), (100,), (33, 65), (40, 50, 60), (3, 4, 30, 40), (2, 3, 4, 10, 20), (1, 64, 64), (7, 1, 9), (0, 5)]
#: More than one dense block, which do not all begin at a multiple of every 2^level.
LARGE = (150, 150, 170)


def smooth(shape, dtype):
    rng = np.random.default_rng(sum(shape))
    values = rng.normal(size=shape)
    for axis in range(len(shape)):
        values = np.cumsum(values, axis)
    return values.astype(dtype)


def coarse(values, level):
    return values[(slice(None, None, 1 << level),) * values.ndim]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i2", "u1", "c8", "M8[s]", "?"])
@pytest.mark.parametrize("profile", ["fast", "balanced", "dense"])
def test_a_level_is_every_so_manieth_value_of_the_whole(shape, dtype, profile):
    values = smooth(shape, "f8").astype("i8").astype(dtype) if dtype[0] in "M?u" else smooth(shape, dtype)
    stream = compress(values, "abs:0.25", profile=profile)
    whole = decompress(stream)
    for level in (1, 2, 5, 24):
        np.testing.assert_array_equal(decompress(stream, level=level), coarse(whole, level), strict=True)


@pytest.mark.parametrize("profile", ["fast", "dense"])
def test_holes_are_where_they_are_in_the_whole(profile):
    values = smooth((40, 50), "f4")
    values[::7, ::3] = np.nan
    stream = compress(values, "rel:1e-3", profile=profile)
    np.testing.assert_array_equal(decompress(stream, level=1), coarse(decompress(stream), 1))


@pytest.mark.parametrize("workers", [1, 2])
def test_levels_of_several_blocks(workers):
    stream = compress(smooth(LARGE, "f4"), "rel:1e-3", profile="dense")
    whole = decompress(stream)
    for level in (1, 4, 7):
        np.testing.assert_array_equal(decompress(stream, level=level, workers=workers), coarse(whole, level))


def test_a_level_reads_into_an_array():
    stream = compress(smooth((64, 64), "f4"), "rel:1e-3", profile="dense")
    out = np.empty((16, 16), "f4")
    assert decompress(stream, out=out, level=2) is out
    np.testing.assert_array_equal(out, coarse(decompress(stream), 2))


def test_all_kernels_read_the_same_level():
    stream = compress(smooth((60, 70, 80), "f8"), "rel:1e-4", profile="dense")
    assert everywhere(decompress, stream, level=2).shape == (15, 18, 20)


@pytest.mark.parametrize("options", [{"level": -1}, {"level": 25}, {"level": 1, "region": (slice(0, 2),)}])
def test_levels_that_make_no_sense_are_refused(options):
    stream = compress(smooth((100,), "f4"), "rel:1e-3")
    with pytest.raises(ValueError, match="level"):
        decompress(stream, **options)
