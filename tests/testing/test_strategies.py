"""What the strategies draw is what they say."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
from hypothesis import HealthCheck, find, given, settings

from cdt_core.hooks.contracts import Block
from cdt_core.model import Bound
from cdt_core.testing import SampleVariable, strategies

QUICK = settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@QUICK
@given(strategies.arrays("iu", min_ndim=2, max_ndim=3))
def test_arrays_have_the_kinds_and_axes_asked_for(values: np.ndarray) -> None:
    assert values.dtype.kind in "iu"
    assert 2 <= values.ndim <= 3


@QUICK
@given(strategies.arrays("f", finite=True))
def test_finite_arrays_are_finite(values: np.ndarray) -> None:
    assert np.isfinite(values).all()


def test_awkward_arrays_are_drawn() -> None:
    once = settings(max_examples=2000, database=None, derandomize=True)
    for wanted in (lambda v: v.ndim == 0, lambda v: v.size == 0, lambda v: v.dtype.kind == "f" and np.isnan(v).any()):
        find(strategies.arrays(), wanted, settings=once)


@QUICK
@given(strategies.variables())
def test_variables_keep_their_bound(sample: SampleVariable) -> None:
    if sample.bound == Bound("lossless"):
        assert sample.treated is sample.original
        return
    finite = np.isfinite(sample.original)
    error = np.abs(sample.treated[finite].astype("f8") - sample.original[finite].astype("f8"))
    assert (error <= sample.bound.value).all()
    np.testing.assert_array_equal(sample.treated[~finite], sample.original[~finite])


@QUICK
@given(strategies.blocks("f", min_ndim=1))
def test_blocks_are_not_empty_and_compare(block: Block) -> None:
    assert block.original.size > 0
    assert block.comparison.over_bound == 0
    assert block.comparison.mismatched == 0


@QUICK
@given(strategies.bounds())
def test_bounds_parse_back(bound: Bound) -> None:
    assert Bound.parse(str(bound)) == bound


@QUICK
@given(strategies.datasets())
def test_datasets_have_variables_with_their_own_dimensions(dataset) -> None:
    assert dataset.data_vars
    assert all(str(dim).startswith(str(name)) for name, v in dataset.data_vars.items() for dim in v.dims)


def test_contract_checks_need_no_hypothesis() -> None:
    code = "import sys, cdt_core.testing as t; assert t.check_reader; assert 'hypothesis' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
