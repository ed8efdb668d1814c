"""A plugin that is broken is out, with the reason; everything else works."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cdt_core as cdt
from cdt_core import cli
from cdt_core.errors import PluginError
from cdt_core.hooks.manager import discover
from tests.hooks.conftest import Shelf

GOOD = """
    import json

    @hookimpl
    def cdt_readers():
        return [Reader(name="jsonlist", function="HERE:read", patterns=("*.jsonlist",), description="lists of numbers")]

    def read(source, allow_partial):
        import xarray as xr

        with source.open() as file:
            return xr.Dataset({"list": ("row", json.load(file))})
"""

READERS = "\n@hookimpl\ndef cdt_readers():\n    "

#: What is wrong with a plugin -> its source, and what `cdt plugins` must say.
BROKEN = {
    "missing-library": ("import a_library_nobody_has", "cannot be imported: ModuleNotFoundError.*a_library_nobody_has"),
    "syntax": ("def broken(:", "cannot be imported: SyntaxError"),
    "raises-at-import": ("raise RuntimeError('no licence')", "cannot be imported: RuntimeError: no licence"),
    "exits-at-import": ("raise SystemExit(3)", "cannot be imported: SystemExit: 3"),
    "needs-newer-core": (
        "from cdt_core.hooks import Hologram",
        "cannot be imported: ImportError: cannot import name 'Hologram'",
    ),
    "future-api": (f"CDT_API = 2{READERS}return []", "needs hook API 2; this release has 1"),
    "no-api": (f"del CDT_API{READERS}return []", "does not say which hook API it was written for"),
    "misspelt-hook": (
        "\n@hookimpl\ndef cdt_reeders():\n    return []",
        "'cdt_reeders' is no hook; did you mean 'cdt_readers'?",
    ),
    "foreign-hook": ("\n@hookimpl\ndef paint_it_black():\n    return []", "'paint_it_black' is no hook"),
    "unknown-argument": (
        "\n@hookimpl\ndef cdt_treatment_finished(treatment, mood):\n    pass",
        "does not fit the hooks: .*mood",
    ),
    "raising-hook": (f"{READERS}raise ValueError('no luck')", "cdt_readers raised ValueError: no luck"),
    "exiting-hook": (f"{READERS}raise SystemExit('bye')", "cdt_readers raised SystemExit: bye"),
    "raising-late": (
        f"{READERS}yield Reader(name='x', function='HERE:read')\n    raise KeyError('half way')",
        "cdt_readers raised KeyError: 'half way'",
    ),
    "no-list": (f"{READERS}return None", "cdt_readers raised TypeError: .*NoneType"),
    "wrong-kind": (
        f"{READERS}return [Processor(name='x', function='HERE:read')]",
        "cdt_readers returned a Processor, not a Reader descriptor",
    ),
    "bad-name": (f"{READERS}return [Reader(name='a b', function='HERE:read')]", "cdt_readers raised ValueError"),
    "function-itself": (f"{READERS}return [Reader(name='x', function=print)]", "cdt_readers raised TypeError"),
    "pattern-not-in-a-tuple": (
        f"{READERS}return [Reader(name='x', function='HERE:read', patterns='*.x')]",
        "cdt_readers raised TypeError: '\\*.x' is one text; give a tuple",
    ),
    "magic-of-nothing": (
        f"{READERS}return [Reader(name='x', function='HERE:read', magic=(Magic(0, b''),))]",
        "cdt_readers raised ValueError: .*signature",
    ),
    "magic-of-text": (
        f"{READERS}return [Reader(name='x', function='HERE:read', magic=(Magic(0, 'BUOY'),))]",
        "cdt_readers raised TypeError: .*signature",
    ),
    "unknown-kind": (
        "\n@hookimpl\ndef cdt_processors():\n    return [Processor(name='x', function='HERE:f', dtype_kinds='float')]",
        "cdt_processors raised ValueError: .*dtype_kinds",
    ),
    "impossible-breakdown": (
        "\n@hookimpl\ndef cdt_aggregators():\n    return [Aggregator(name='x', function='HERE:f', breakdown=50)]",
        "cdt_aggregators raised ValueError: .*breakdown",
    ),
    "unknown-bound": (
        "\n@hookimpl\ndef cdt_codecs():\n    return [CodecOffer(name='x', function='HERE:C', bounds=('psnr',))]",
        "cdt_codecs raised ValueError: .*bounds",
    ),
    "no-hook": ("def cdt_readers():\n    return []", "implements no hook .*hookimpl"),
    "own-name-twice": (
        f"{READERS}return [Reader(name='x', function='HERE:read'), Reader(name='x', function='HERE:other')]",
        "readers: 'x' is offered more than once",
    ),
    "name-of-the-core": (
        f"{READERS}return [Reader(name='netcdf', function='HERE:read')]",
        "readers: 'netcdf' is offered more than once, by core and name-of-the-core",
    ),
}


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """A file that only the good plugin opens."""
    path = tmp_path / "three.jsonlist"
    path.write_text("[1.5, 2.5, 4.0]")
    return path


def assert_rest_works(shelf: Shelf, lists: Path) -> None:
    assert shelf.record("core").status == "active"
    assert shelf.record("good").status == "active"
    np.testing.assert_array_equal(cdt.open(lists)["list"], [1.5, 2.5, 4.0])
    assert {"netcdf", "hdf5", "zarr", "npy", "csv"} <= {reader.name for reader in shelf.catalog.readers}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_plugin_is_out_and_the_rest_works(shelf: Shelf, lists: Path, plugins_json: Any, fault: str) -> None:
    source, reason = BROKEN[fault]
    shelf.put("good", GOOD)
    shelf.put(fault, source)
    shown = plugins_json()
    assert shown[fault]["status"] == "quarantined"
    assert re.search(reason, shown[fault]["reason"], re.DOTALL)
    assert (shown[fault]["distribution"], shown[fault]["version"]) == (f"dist-{fault}", "1.2")
    assert shown["good"]["status"] == "active"
    assert shown["good"]["offers"] == {"readers": ["jsonlist"]}
    assert_rest_works(shelf, lists)


def test_all_broken_plugins_at_once_leave_the_rest_alone(shelf: Shelf, lists: Path) -> None:
    shelf.put("good", GOOD)
    for fault, (source, _) in BROKEN.items():
        shelf.put(fault, source)
    assert {record.name for record in shelf.catalog.plugins if record.status == "quarantined"} >= set(BROKEN)
    assert_rest_works(shelf, lists)


def test_two_plugins_of_one_name_are_both_out(shelf: Shelf, lists: Path) -> None:
    shelf.put("good", GOOD)
    shelf.put("twin", f"{READERS}return [Reader(name='a', function='HERE:read')]", distribution="first")
    shelf.put("twin", f"{READERS}return [Reader(name='b', function='HERE:read')]", distribution="second")
    twins = [record for record in shelf.catalog.plugins if record.name == "twin"]
    assert [(record.distribution, record.status) for record in twins] == [
        ("first", "quarantined"),
        ("second", "quarantined"),
    ]
    assert {record.reason for record in twins} == {
        "the name 'twin' is claimed by first and second; uninstall or disable one of them"
    }
    assert_rest_works(shelf, lists)


def test_two_plugins_that_offer_one_name_are_both_out(shelf: Shelf, lists: Path) -> None:
    shelf.put("good", GOOD)
    for name in ("one", "two"):
        shelf.put(name, f"{READERS}return [Reader(name='sta', function='HERE:read')]")
    for name in ("one", "two"):
        assert shelf.record(name).reason == "readers: 'sta' is offered more than once, by one and two"
    assert "sta" not in [reader.name for reader in shelf.catalog.readers]
    assert_rest_works(shelf, lists)


def test_one_name_in_two_kinds_is_no_clash(shelf: Shelf) -> None:
    shelf.put("one", f"{READERS}return [Reader(name='sta', function='HERE:read')]")
    shelf.put("two", "\n@hookimpl\ndef cdt_processors():\n    return [Processor(name='sta', function='HERE:f')]")
    assert (shelf.record("one").status, shelf.record("two").status) == ("active", "active")


def test_nobody_takes_the_name_of_the_core(shelf: Shelf, lists: Path) -> None:
    shelf.put("good", GOOD)
    shelf.put("core", f"{READERS}return [Reader(name='mine', function='HERE:read')]", distribution="usurper")
    cores = {record.distribution: record for record in shelf.catalog.plugins if record.name == "core"}
    assert cores["cdt"].status == "active"
    assert cores["usurper"].status == "quarantined"
    assert "'core' is claimed by cdt and usurper" in cores["usurper"].reason
    assert "mine" not in [reader.name for reader in shelf.catalog.readers]


def test_a_disabled_plugin_is_never_imported(
    shelf: Shelf, lists: Path, plugins_json: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.put("good", GOOD)
    module = shelf.put("unwanted", "raise RuntimeError('imported all the same')")
    monkeypatch.setenv("CDT_DISABLE_PLUGINS", "unwanted,absent")
    shown = plugins_json()["unwanted"]
    assert (shown["status"], shown["reason"]) == ("disabled", "disabled by the user")
    assert module not in sys.modules
    assert_rest_works(shelf, lists)


def test_disabling_a_name_that_two_claim_disables_both(shelf: Shelf) -> None:
    """The name alone does not say which of them is meant."""
    shelf.put("twin", f"{READERS}return []", distribution="first")
    shelf.put("twin", f"{READERS}return []", distribution="second")
    found = discover(disabled=["twin"])
    assert {record.status for record in found.plugins if record.name == "twin"} == {"disabled"}


def test_a_function_that_cannot_be_loaded_is_named_when_it_is_used(shelf: Shelf, tmp_path: Path) -> None:
    """Descriptors are data: what they name is imported at first use, and only then can be found missing."""
    shelf.put("late", f"{READERS}return [Reader(name='late', function='HERE:missing', patterns=('*.late',))]")
    path = tmp_path / "a.late"
    path.write_text("x")
    assert shelf.record("late").status == "active"
    with pytest.raises(PluginError, match=r"reader 'late': module 'dist_late_plugin' has no attribute 'missing'"):
        shelf.catalog.reader("late").load()
    with pytest.raises(cdt.CdtError, match=r"a\.late: reader 'late': module .* has no attribute 'missing'"):
        cdt.open(path)


def test_the_table_says_why_a_plugin_is_out(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf.put("future", "CDT_API = 99\n@hookimpl\ndef cdt_readers():\n    return []")
    monkeypatch.setattr(sys, "argv", ["cdt", "plugins"])
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit):
        cli.main()
    shown = " ".join(capsys.readouterr().out.split())
    assert "needs hook API 99" in shown
    assert "dist-future 1.2" in shown


def test_a_plugin_that_is_out_is_said_once_to_whoever_uses_cdt(shelf: Shelf, lists: Path, caplog: Any) -> None:
    shelf.put("good", GOOD)
    shelf.put("future", "CDT_API = 99")
    for _ in range(2):
        cdt.open(lists)
    said = [record.getMessage() for record in caplog.records if record.name == "cdt.plugins"]
    assert said == [
        "plugin future (dist-future) is out: needs hook API 99; this release has 1 (set CDT_API = 1)",
    ]


def test_what_a_plugin_prints_stays_out_of_the_json(shelf: Shelf, plugins_json: Any) -> None:
    """``plugins_json`` reads all of standard output as JSON."""
    shelf.put("chatty", f"print('hello from chatty'){READERS}print('and again')\n    return []")
    assert plugins_json()["chatty"]["status"] == "active"


def test_a_name_that_nobody_offers_is_refused_with_what_there_is(shelf: Shelf) -> None:
    with pytest.raises(PluginError, match=r"no processor is called 'nobody'; installed: .*mask_values.*cdt plugins"):
        shelf.catalog.processor("nobody")
