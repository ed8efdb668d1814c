from __future__ import annotations

import numpy as np
import pytest

from cdt_core.validators.outliers import Outliers
from cdt_core.validators.sampling import strides_for


def test_planted_outliers_are_counted(case, smooth):
    smooth.reshape(-1)[::1000] = 1000.0
    planted = (smooth == 1000).mean()
    finding = case(smooth, smooth).run(Outliers, (2, 33, 44))["core.outlier_share"]
    assert finding.interval[0] <= planted <= finding.interval[1]
    assert finding.value == pytest.approx(planted, rel=1e-9)


def test_a_stretched_histogram_falls_back_to_the_sample(case, smooth):
    smooth[0, 0, 0] = 1e30
    finding = case(smooth, smooth).run(Outliers)["core.outlier_share"]
    assert finding.sampled < 1
    assert finding.interval[0] <= 1 / smooth.size <= finding.interval[1]


def test_normal_values_have_none(case):
    x = np.random.default_rng(0).normal(size=(300, 300))
    assert case(x, x).run(Outliers, (100, 70))["core.outlier_share"].value == 0


def test_the_sample_does_not_depend_on_the_blocks(case, smooth):
    made = case(smooth, smooth)
    values = [made.run(Outliers, chunk)["core.outlier_share"].evidence for chunk in [(6, 80, 90), (1, 7, 11)]]
    assert values[0] == values[1]


def test_small_variables_are_counted_exactly(case):
    x = np.r_[np.random.default_rng(0).normal(size=999), 1e6]
    finding = case(x, x).run(Outliers)["core.outlier_share"]
    assert finding.value == 0.001
    assert finding.sampled == 1


@pytest.mark.parametrize("shape", [(10,), (1000, 1000), (3, 5, 10**6), (10**9,), (1, 1, 1)])
def test_the_lattice_is_near_its_size(shape):
    count = np.prod([len(range(n // 2, length, n)) for n, length in zip(strides_for(shape), shape, strict=True)])
    assert count <= 8192
    assert count >= min(np.prod(shape), 8192) / 8


def test_without_finite_values_it_is_not_assessed(case):
    x = np.full(10, np.nan)
    assert case(x, x).run(Outliers)["core.outlier_share"].value is None
