from __future__ import annotations

import numpy as np
import pytest

from cdt_core.validators.slices import Slices


@pytest.mark.parametrize("chunk", [(6, 80, 90), (2, 40, 45), (1, 27, 31), (4, 80, 7)])
def test_planted_slices_are_found_however_they_are_cut(case, smooth, chunk):
    smooth[2] = 5.0
    smooth[5] = smooth[1]
    found = case(smooth, smooth).run(Slices, chunk)
    assert found["core.constant_slices"].evidence["first"] == [2]
    assert found["core.constant_slices"].value == pytest.approx(1 / 6)
    assert found["core.duplicate_slices"].evidence["first"] == [[1, 5]]


@pytest.mark.parametrize("dtype", ["float64", "float32", "int16", "uint8", "int64"])
def test_clean_fields_pass_and_one_changed_value_parts_two_slices(case, dtype):
    x = np.random.default_rng(0).integers(0, 100, (40, 9, 11)).astype(dtype)
    x[7] = x[6]
    assert case(x, x).run(Slices)["core.duplicate_slices"].value == 1 / 40
    x[7, 8, 10] += 1
    found = case(x, x).run(Slices, (3, 4, 5))
    assert found["core.duplicate_slices"].value == 0
    assert found["core.constant_slices"].value == 0


def test_swapped_values_are_not_duplicates(case):
    x = np.random.default_rng(0).normal(size=(2, 8, 8)).astype(np.float32)
    x[1] = x[0].T
    assert case(x, x).run(Slices)["core.duplicate_slices"].value == 0


def test_missing_values_neither_make_nor_hide_a_constant_slice(case, smooth):
    smooth[0] = np.nan
    smooth[1, :40] = np.nan
    smooth[1, 40:] = 3.0
    found = case(smooth, smooth).run(Slices, (6, 30, 90))
    assert found["core.constant_slices"].evidence["first"] == [1]


def test_long_axes_are_sampled_in_runs(case):
    x = np.random.default_rng(0).normal(size=(40000, 2, 2)).astype(np.float32)
    x[1] = x[0]
    finding = case(x, x).run(Slices, (8192, 2, 2))["core.duplicate_slices"]
    assert finding.sampled == pytest.approx(1 / 3, abs=0.01)
    assert finding.evidence["first"] == [[0, 1]]
    assert finding.interval[0] <= finding.value <= finding.interval[1]


def test_slices_that_chance_repeats_are_not_asked_for(case):
    x = np.random.default_rng(0).integers(0, 3, (500, 2, 2)).astype(np.uint8)
    assert set(case(x, x).run(Slices)) == {"core.constant_slices"}


def test_sparse_slices_are_no_duplicates(case):
    x = np.zeros((100, 40, 40), np.uint8)
    rng = np.random.default_rng(0)
    x.reshape(100, -1)[np.arange(100)[:, None], rng.integers(0, 1600, (100, 30))] = 255
    assert case(x, x).run(Slices)["core.duplicate_slices"].value == 0


@pytest.mark.parametrize(
    "x",
    [
        np.full((5, 6, 6), np.nan),
        np.ones((5, 6, 6)),
        np.random.default_rng(0).normal(size=(1, 9, 9)),
        np.ones((0, 2, 2)),
    ],
)
def test_is_not_asked_of_one_slice_or_of_equal_values(case, x):
    assert case(x, x).run(Slices) == {}


@pytest.mark.parametrize("chunk", [(1, 80, 90), (4, 17, 90), (6, 80, 1)])
def test_any_cut_into_blocks_gives_the_same_findings(case, smooth, chunk):
    smooth[3, :40] = np.nan
    smooth[5] = smooth[3]
    smooth[4] = -1
    made = case(smooth, smooth)
    assert made.run(Slices, chunk, tree=True) == made.run(Slices)
