"""Blocks with a base slice keep the bound whatever is among their numbers."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from cdt_core.kernels import compress
from cdt_core.model import Bound
from tests.kernels.arrays import worst_error
from tests.kernels.instruction_sets import everywhere
from tests.kernels.path_cases import months
from tests.kernels.paths import paths_of

BOUND = Bound("abs", 0.5)


def coded(x: NDArray[np.floating]) -> tuple[bytes, NDArray[np.floating]]:
    stream = compress.encode(x, BOUND, profile="dense").stream
    return stream, compress.decode(stream)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_maps_of_one_place_have_a_base(dtype):
    assert "base" in paths_of(coded(months(40, 12, 20, dtype=dtype))[0])


@pytest.mark.parametrize("special", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("slices", [1, 3, 40])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_what_is_not_finite_in_some_slices_leaves_all_others_as_they_are(dtype, slices, special):
    """The mean of such a place is not finite, and no other slice can be told from it."""
    for first in range(0, 41 - slices, 13):
        x = months(40, 12, 20, dtype=dtype)
        x[first : first + slices, 5, 7] = special
        stream, y = everywhere(coded, x)
        assert worst_error(x, y, BOUND, ()) <= compress.read_header(stream).max_error
