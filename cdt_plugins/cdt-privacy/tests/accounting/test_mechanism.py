"""Mechanisms are plain frozen values: checked when made, the same after a way through JSON."""

import json
import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import PrivacyError
from cdt_privacy.accounting import (
    Composed,
    Declared,
    DiscreteGaussian,
    DiscreteLaplace,
    DistributedDiscreteGaussian,
    Gaussian,
    Laplace,
    PoissonSampled,
    calibrate,
    epsilon,
    from_json,
    noise_multiplier,
    to_json,
)

POSITIVE = st.floats(min_value=1e-300, max_value=1e300)
COUNT = st.integers(1, 2**53)
SINGLE = st.one_of(
    st.builds(Gaussian, POSITIVE),
    st.builds(Laplace, POSITIVE),
    st.builds(DiscreteGaussian, POSITIVE, POSITIVE, COUNT),
    st.builds(DistributedDiscreteGaussian, POSITIVE, COUNT, POSITIVE, COUNT),
    st.builds(DiscreteLaplace, POSITIVE, POSITIVE),
    st.builds(Declared, st.floats(0, 1e9), st.floats(0, 0.99)),
)
MECHANISM = st.recursive(
    SINGLE | st.builds(PoissonSampled, st.floats(1e-9, 1.0), SINGLE),
    lambda inner: st.builds(Composed, inner, COUNT),
    max_leaves=3,
)


@given(MECHANISM)
def test_json_gives_the_same_mechanism_back(mechanism):
    assert from_json(json.loads(json.dumps(to_json(mechanism)))) == mechanism


@pytest.mark.parametrize(
    "make",
    [
        lambda: Gaussian(0.0), lambda: Gaussian(math.nan), lambda: Gaussian("4"), lambda: Laplace(-1.0), lambda: Laplace(True),
        lambda: DiscreteGaussian(3.0, 0.0), lambda: DiscreteGaussian(3.0, 1.0, 0), lambda: DiscreteGaussian(3.0, 1.0, 2.0),
        lambda: DistributedDiscreteGaussian(3.0, 0, 1.0), lambda: DiscreteLaplace(math.inf, 1.0), lambda: Declared(-0.1),
        lambda: Declared(1.0, 1.0), lambda: PoissonSampled(0.0, Gaussian(1.0)), lambda: PoissonSampled(1.1, Gaussian(1.0)),
        lambda: PoissonSampled(0.5, Composed(Gaussian(1.0), 2)), lambda: Composed(Gaussian(1.0), 0),
        lambda: Composed("Gaussian", 1),
    ],
)  # fmt: skip
def test_figures_that_no_mechanism_can_have_are_refused(make):
    with pytest.raises(PrivacyError):
        make()


@pytest.mark.parametrize(
    "plain",
    [None, [], {}, {"kind": []},
     {"kind": "Skellam"}, {"kind": "Gaussian"}, {"kind": "Gaussian", "noise_multiplier": 1, "more": 2},
     {"kind": "Gaussian", "noise_multiplier": "1"}, {"kind": "Composed", "mechanism": 3, "count": 1}],
)  # fmt: skip
def test_what_is_not_a_mechanism_in_json_is_refused(plain):
    with pytest.raises(PrivacyError):
        from_json(plain)


def test_nesting_without_end_is_refused():
    plain = to_json(Gaussian(1.0))
    for _ in range(100):
        plain = {"kind": "Composed", "mechanism": plain, "count": 1}
    with pytest.raises(PrivacyError, match="is no mechanism"):
        from_json(plain)


@pytest.mark.parametrize("target", [(0.0, 1e-5), (-1.0, 1e-5), (math.inf, 1e-5), (1.0, 1.0), (1.0, 0.0)])
def test_targets_that_no_gaussian_noise_can_have_are_refused(target):
    with pytest.raises(PrivacyError):
        noise_multiplier(*target)


def test_calibration_of_any_mechanism_of_one_noise():
    scale = calibrate(lambda noise: DiscreteGaussian(noise, 40.0, length=1000), 0.9, 1e-6)
    assert 0.9 * (1 - 1e-4) < epsilon([DiscreteGaussian(scale, 40.0, length=1000)], 1e-6) <= 0.9
    with pytest.raises(PrivacyError, match="no noise gives"):
        calibrate(lambda noise: Declared(1.0), 0.5, 1e-6)


def test_without_dp_accounting_nothing_is_accounted(monkeypatch):
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    monkeypatch.setitem(sys.modules, "dp_accounting.rdp.rdp_privacy_accountant", None)
    with pytest.raises(PrivacyError, match="pip install 'dp-accounting"):
        epsilon([Gaussian(1.0)], 1e-5)
