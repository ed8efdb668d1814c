"""Agreements are policies of a kind of their own: found by name, and never taken for thresholds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cdt_core.errors import CertificateError, PluginError
from cdt_core.hooks import Policy
from cdt_core.policies import installed_agreement, installed_policy, policy_in_force
from tests.governance.examples import TREE, agreement
from tests.hooks.conftest import Shelf

PLUGIN = f"""
    @hookimpl
    def cdt_policies():
        return [
            Policy(name="hospitals", function="HERE:text", kind="agreement"),
            Policy(name="broken", function="HERE:broken", kind="agreement"),
        ]

    def text():
        return {json.dumps(json.dumps(TREE))}

    def broken():
        return "{{}}"
"""


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    installed = Shelf(folder)
    installed.put("hospitals", PLUGIN)
    yield installed
    monkeypatch.undo()
    installed.forget()


def test_an_installed_agreement_is_found_by_name(shelf: Shelf) -> None:
    assert shelf.record("hospitals").status == "active"
    assert installed_agreement(shelf.catalog, "hospitals") == agreement()


def test_an_agreement_adds_no_thresholds(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    in_force = policy_in_force(shelf.catalog, "core-1")
    assert "hospitals" not in in_force.additions
    assert "left out" not in caplog.text
    for used in (lambda: policy_in_force(shelf.catalog, "hospitals"),
                 lambda: installed_policy(shelf.catalog, "core-1", ["hospitals"])):  # fmt: skip
        with pytest.raises(CertificateError, match="'hospitals' is an agreement: it says who may ask what"):
            used()


def test_thresholds_are_no_agreement(shelf: Shelf) -> None:
    with pytest.raises(CertificateError, match="'core-1' holds levels, and is no agreement"):
        installed_agreement(shelf.catalog, "core-1")
    with pytest.raises(PluginError, match="no policy is called 'nobody'"):
        installed_agreement(shelf.catalog, "nobody")
    with pytest.raises(CertificateError, match="agreement 'broken': 'schema' is missing"):
        installed_agreement(shelf.catalog, "broken")


def test_a_policy_is_of_one_of_two_kinds() -> None:
    assert Policy(name="p", function="m:f").kind == "levels"
    with pytest.raises(ValueError, match="kind"):
        Policy(name="p", function="m:f", kind="law")
