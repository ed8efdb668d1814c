"""The median of each column is NumPy's, in every bit that is not the sign of a zero, for every instruction set."""

from __future__ import annotations

import numpy as np
import pytest

from cdt_core.errors import AggregationError
from cdt_core.kernels import _robust
from cdt_core.kernels.robust import median
from tests.kernels.instruction_sets import LEVELS, using


@pytest.fixture(params=LEVELS)
def level(request):
    with using(request.param, _robust):
        yield request.param


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_any_number_of_rows(level, dtype):
    rng = np.random.default_rng(1)
    for n in [*range(1, 135), 200, 256, 257, 777, 2001]:
        x = rng.normal(size=(n, 70)).astype(dtype)
        np.testing.assert_array_equal(median(x), np.median(x, axis=0), strict=True)


@pytest.mark.parametrize("n", [3, 40, 127, 300])
@pytest.mark.parametrize("bad", [np.nan, -np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_by_row_and_column(level, n, bad):
    x = np.zeros((n, 5000), np.float32)
    x[n // 2, 4321] = bad
    with pytest.raises(AggregationError, match=rf"update {n // 2} is {bad} at coordinate 4321"):
        median(x)
