"""What anonymised release offers is found without NumPy, and can be loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cdt_core.hooks.manager import catalog
from cdt_privacy.release_offers import POLICIES, VALIDATORS


def test_discovery_finds_the_checks():
    (record,) = [plugin for plugin in catalog().plugins if plugin.name == "privacy"]
    assert record.status == "active", record.reason
    assert {one.name for one in VALIDATORS} <= set(record.offers["validators"])
    assert {one.name for one in POLICIES} <= set(record.offers["policies"])


def test_discovery_imports_neither_numpy_nor_pandas():
    code = (
        "import sys, cdt_privacy.plugin as p; p.cdt_validators(); p.cdt_policies()\n"
        "print({'numpy', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("offer", [*VALIDATORS, *POLICIES], ids=lambda offer: offer.name)
def test_each_offer_can_be_loaded_and_says_what_it_is(offer):
    assert callable(offer.load())
    assert offer.description
