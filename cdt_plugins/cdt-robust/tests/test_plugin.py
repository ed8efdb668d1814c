"""The plugin is found, offers three aggregators as data, and costs discovery nothing."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import numpy as np
import pytest

from cdt_core.hooks import ENTRY_POINT_GROUP
from cdt_core.hooks.manager import Catalog, discover

RULES = ("weighted_mean", "coordinate_median", "trimmed_mean")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return discover(entry_points(group=ENTRY_POINT_GROUP, name="robust"))


def test_the_installed_plugin_is_active(catalog):
    (record,) = catalog.plugins
    assert (record.distribution, record.status, record.reason) == ("cdt-robust", "active", "")
    assert record.offers == {"aggregators": RULES}


@pytest.mark.parametrize("name", RULES)
def test_each_offer_loads_and_keeps_the_contract(catalog, name):
    offer = catalog.aggregator(name)
    updates = np.arange(30, dtype=np.float32).reshape(5, 6)
    result = offer.load()(updates, np.ones(5))
    assert offer.description
    assert result.shape == (6,)
    assert result.dtype == updates.dtype


def test_only_the_mean_is_a_weighted_sum(catalog):
    assert {offer.name: offer.additive for offer in catalog.aggregators} == dict.fromkeys(RULES, False) | {
        "weighted_mean": True
    }


@pytest.mark.parametrize("name", RULES)
def test_the_breakdown_that_an_offer_states_is_the_one_that_it_has(catalog, name):
    offer, sites = catalog.aggregator(name), 20
    rule, most = offer.load(), int(offer.breakdown * sites)
    if most == sites / 2:
        most -= 1  # of two halves neither is the honest one
    assert _worst(rule, sites, bad=most) <= 1.0
    assert _worst(rule, sites, bad=most + 1) > 1.0


def test_discovery_imports_no_numpy():
    code = "import sys, cdt_robust.plugin as p; p.cdt_aggregators(); assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def _worst(rule, sites, bad):
    """The result where honest sites send 0 to 1 and bad ones 1e30."""
    updates = np.concatenate([np.linspace(0, 1, sites - bad), np.full(bad, 1e30)])[:, np.newaxis]
    return rule(updates, np.ones(sites))[0]
