"""The plugin is found, offers its aggregators as data, and costs discovery nothing."""

from __future__ import annotations

import math
import subprocess
import sys
from importlib.metadata import entry_points

import numpy as np
import pytest

from cdt_core.hooks import ENTRY_POINT_GROUP
from cdt_core.hooks.manager import Catalog, discover
from cdt_core.testing import check_aggregator

RULES = (
    "mean",
    "median",
    "weighted_median",
    "trimmed_mean",
    "krum",
    "multi_krum",
    "bulyan",
    "geometric_median",
    "centered_clip",
    "nearest_neighbour_mixing",
    "bucketing",
)
LEAST_SITES = {"trimmed_mean": 5, "krum": 3, "multi_krum": 3, "bulyan": 7}
every_rule = pytest.mark.parametrize("name", RULES)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return discover(entry_points(group=ENTRY_POINT_GROUP, name="robust"))


def test_the_installed_plugin_is_active(catalog):
    (record,) = catalog.plugins
    assert (record.distribution, record.status, record.reason) == ("cdt-robust", "active", "")
    assert record.offers == {"aggregators": RULES}


@every_rule
def test_each_offer_keeps_the_contract_of_aggregators(catalog, name):
    check_aggregator(catalog.aggregator(name), min_sites=LEAST_SITES.get(name, 1))


@every_rule
def test_each_offer_says_what_it_is_and_keeps_the_dtype(catalog, name):
    offer = catalog.aggregator(name)
    assert offer.description
    for dtype in (np.float16, np.float32, np.float64):
        assert offer.load()(np.arange(54, dtype=dtype).reshape(9, 6), np.ones(9)).dtype == dtype


def test_only_the_mean_is_a_weighted_sum(catalog):
    assert [offer.name for offer in catalog.aggregators if offer.additive] == ["mean"]


@every_rule
@pytest.mark.parametrize("sites", [7, 8, 20, 21, 22, 23])
def test_fewer_wrong_sites_than_the_stated_share_leave_the_result_near_the_honest(catalog, name, sites):
    offer = catalog.aggregator(name)
    rule = offer.load()
    assert abs(_worst(rule, sites, bad=max(0, math.ceil(offer.breakdown * sites) - 1))) <= 20
    assert abs(_worst(rule, sites, bad=sites // 2 + 1)) > 1e20


@pytest.mark.parametrize("name", [name for name in RULES if name not in ("mean", "weighted_median")])
def test_a_stated_weight_buys_no_influence(catalog, name):
    rule = catalog.aggregator(name).load()
    updates = np.random.default_rng(1).normal(size=(9, 4))
    np.testing.assert_array_equal(rule(updates, [1, 1, 1, 1, 1e12, 1, 1, 3, 1]), rule(updates, np.ones(9)))


@every_rule
def test_a_site_of_weight_zero_takes_no_part_whatever_it_sends(catalog, name):
    rule = catalog.aggregator(name).load()
    updates = np.random.default_rng(2).normal(size=(9, 4))
    lost = np.concatenate([np.full((1, 4), np.nan), updates])
    np.testing.assert_array_equal(rule(lost, [0] + [1] * 9), rule(updates, np.ones(9)))
    lost[4, 2] = np.inf
    with pytest.raises(ValueError, match="update 4 is inf at coordinate 2"):
        rule(lost, [0] + [1] * 9)


def test_discovery_imports_no_numpy():
    code = "import sys, cdt_robust.plugin as p; p.cdt_aggregators(); assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def _worst(rule, sites, bad):
    """The result where honest sites send 0 to 1 and bad ones 1e30."""
    updates = np.concatenate([np.linspace(0, 1, sites - bad), np.full(bad, 1e30)])[:, np.newaxis]
    return rule(updates, np.ones(sites))[0]
