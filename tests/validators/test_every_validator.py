"""What holds for every check of one variable, on arrays at the edges."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

from cdt_core.certify.judge import judge
from cdt_core.certify.policy import core_policy, read_policy
from cdt_core.model import Bound, Finding, Packing
from cdt_core.model.serial import from_tree, to_json
from cdt_core.model.state import state_from_json, state_to_json
from cdt_core.validators.offers import VALIDATORS

OF_VARIABLES = [validator for validator in VALIDATORS if validator.scope == "variable"]
POLICY = read_policy(core_policy(), "core")
RNG = np.random.default_rng(11)
FIELD = RNG.normal(280, 10, (12, 20, 24))

EDGES = {
    "empty": np.zeros((0, 20, 24), np.float32),
    "empty inside": np.zeros((12, 0, 24)),
    "scalar": np.array(4.5),
    "one value": np.array([[[3.0]]]),
    "all NaN": np.full((12, 20, 24), np.nan),
    "all infinite": np.full((12, 20, 24), np.inf),
    "all missing": np.full((12, 20, 24), -99, np.int16),
    "one finite value": np.where(np.arange(240).reshape(2, 10, 12) == 5, 1.0, np.nan),
    "constant": np.full((12, 20, 24), 7, np.uint8),
    "integers with fill codes": np.where(RNG.random((12, 20, 24)) < 0.3, -99, RNG.integers(0, 50, (12, 20, 24))).astype(
        np.int16
    ),
    "float16": FIELD.astype(np.float16),
    "infinities among values": np.where(RNG.random((12, 20, 24)) < 0.01, -np.inf, FIELD),
    "subnormal": (FIELD * 1e-320),
    "near the limits": np.sign(FIELD - 280) * 1.7e308,
    "limits of int64": np.array([-(2**63), 2**63 - 1, 0, 1] * 60),
    "limits of uint64": np.array([2**64 - 1, 0, 5, 2**63] * 60, np.uint64),
    "column": RNG.normal(size=500),
    "field": FIELD.astype(np.float32),
}


@pytest.fixture(params=EDGES)
def edge(request, case):
    x = EDGES[request.param]
    packing = Packing(missing=(-99,)) if x.dtype == np.int16 else Packing()
    return lambda treated=x, bound="lossless": case(x, treated, Bound.parse(bound), packing=packing)


@pytest.fixture(params=OF_VARIABLES, ids=lambda validator: validator.name)
def validator(request):
    return request.param


def run(made, validator, chunk=None):
    if len(made.spec.shape) < validator.min_ndim or made.original.dtype.kind not in validator.dtype_kinds:
        return {}
    return made.run(validator.load(), chunk)


def test_says_only_what_its_descriptor_announces(edge, validator):
    found = run(edge(), validator)
    assert set(found) <= set(validator.checks)
    for finding in found.values():
        assert from_tree(json.loads(to_json(finding)), Finding, finding.check) == finding
        assert finding.method


def test_identical_values_pass_all_checks_of_accuracy(edge, validator):
    for finding in judge(run(edge(), validator).values(), POLICY):
        if finding.dimension == "accuracy":
            assert finding.verdict == "pass", finding
            assert finding.sampled == 1


def test_a_field_of_one_repeated_or_no_value_is_not_left_unassessed(edge, validator):
    made = edge()
    if made.profile.minimum == made.profile.maximum:
        assert all(finding.value is not None for finding in run(made, validator).values())


def test_nothing_seen_is_nothing_said(edge, validator):
    made = edge()
    summary = validator.load()(made.spec, made.profile, made.bound)
    start = state_from_json(state_to_json(summary.start()))
    found = {finding.check for finding in summary.finish(start)}
    assert not found & {
        "core.ssim",
        "core.spectral_error",
        "core.max_error",
        "core.outlier_share",
        "core.constant_slices",
    }


def test_values_that_the_treatment_lost_do_not_stop_a_check(edge, validator):
    made = edge()
    if made.original.dtype.kind != "f":
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = run(edge(np.full_like(made.original, np.nan), "abs:1"), validator)
    for finding in found.values():
        assert finding.value is None or finding.value == finding.value


@pytest.mark.parametrize("chunk", [(1, 20, 24), (5, 7, 24), (12, 20, 5)])
@pytest.mark.parametrize("name", ["integers with fill codes", "infinities among values", "field"])
def test_any_cut_gives_the_same_findings_of_the_original(case, validator, name, chunk):
    x = EDGES[name]
    made = case(x, x, packing=Packing(missing=(-99,)) if x.dtype == np.int16 else Packing())
    whole, cut = run(made, validator), run(made, validator, chunk)
    assert whole.keys() == cut.keys()
    for check, finding in whole.items():
        assert cut[check].value == (
            finding.value if isinstance(finding.value, str) else pytest.approx(finding.value, 1e-9)
        )
