"""Plugins for one test: real modules with real distribution metadata, in a folder on the import path."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import xarray as xr

from cdt_core import cli
from cdt_core.hooks.manager import Catalog, PluginRecord, catalog
from tests.datasets import smooth

HEADER = """\
from __future__ import annotations
from cdt_core.hooks import Aggregator, CodecOffer, Magic, Policy, Processor, Reader, Validator, hookimpl
CDT_API = 1
"""


class Shelf:
    """Installs plugins into this process, as ``pip install`` would: a module, and metadata that names its entry point."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modules: list[str] = []

    def put(self, name: str, source: str, *, distribution: str = "", version: str = "1.2") -> str:
        """Install a plugin; returns its module's name, under which ``function="<module>:..."`` finds what it has."""
        distribution = distribution or f"dist-{name}"
        module = distribution.replace("-", "_") + "_plugin"
        self.modules.append(module)
        (self.folder / f"{module}.py").write_text(HEADER + dedent(source).replace("HERE", module))
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[cdt]\n{name} = {module}\n")
        self.forget()
        return module

    def forget(self) -> None:
        """Have the next use discover anew."""
        importlib.invalidate_caches()
        catalog.cache_clear()
        for module in self.modules:
            sys.modules.pop(module, None)

    @property
    def catalog(self) -> Catalog:
        """What the process finds."""
        return catalog()

    def record(self, name: str) -> PluginRecord:
        """The one record of that name."""
        (record,) = [record for record in self.catalog.plugins if record.name == name]
        return record


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    installed = Shelf(folder)
    yield installed
    monkeypatch.undo()
    installed.forget()


@pytest.fixture(autouse=True)
def own_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Treatments of these tests sign with a key of their own, never the user's."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def data() -> xr.Dataset:
    return xr.Dataset({"u": (("y", "x"), smooth((40, 50)), {"units": "m s-1"})})


@pytest.fixture
def plugins_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs ``cdt plugins --json``; returns the records by plugin name."""

    def run() -> dict[str, dict[str, Any]]:
        monkeypatch.setattr(sys, "argv", ["cdt", "plugins", "--json"])
        with pytest.raises(SystemExit) as done:
            cli.main()
        assert not done.value.code
        return {record["name"]: record for record in json.loads(capsys.readouterr().out)}

    return run
