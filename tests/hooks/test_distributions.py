"""Real third-party distributions, built and installed by pip into a fresh environment, and the main job run there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from attrs import frozen

from tests.hooks.guide import write_example

pytestmark = pytest.mark.install

HOOK = "from cdt_core.hooks import hookimpl\nCDT_API = 1\n\n@hookimpl\ndef "

#: What is wrong with a distribution -> the text of its plugin module, and what `cdt plugins` must say of it.
BROKEN = {
    "broken-import": ("import a_library_nobody_has\n", "cannot be imported: ModuleNotFoundError"),
    "raising-hook": (
        f"{HOOK}cdt_validators():\n    raise OSError('no disk')\n",
        "cdt_validators raised OSError: no disk",
    ),
    "misspelt-hook": (f"{HOOK}cdt_validator():\n    return []\n", "did you mean 'cdt_validators'?"),
    "future-api": (f"{HOOK}cdt_validators():\n    return []\n\nCDT_API = 7\n", "needs hook API 7; this release has 1"),
}


def pip(*arguments: str | Path) -> None:
    """pip without a network, a package index, or build isolation."""
    settings = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    command = [sys.executable, "-m", "pip", *map(str, arguments)]
    done = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@frozen
class Environment:
    """A fresh environment that sees the libraries of the running one, and the project."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "venv" / "bin" / "python"

    def create(self, wheels: Sequence[Path]) -> None:
        venv.create(self.folder / "venv", with_pip=False, symlinks=True)
        (site,) = (self.folder / "venv" / "lib").glob("python*/site-packages")
        (site / "outer.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
        pip("--python", self.python, "install", "--quiet", "--no-deps", *wheels)

    def cdt(self, *arguments: str | Path, code: int = 0) -> Any:
        """Run the command with ``--json``; returns what it printed."""
        command = [str(self.python), "-m", "cdt_core", *map(str, arguments), "--json"]
        own = {"XDG_CONFIG_HOME": str(self.folder / "config"), "BUOY_LOG": str(self.folder / "log")}
        known = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "CDT_DISABLE_PLUGINS")}
        done = subprocess.run(command, cwd=self.folder, env={**known, **own}, capture_output=True, text=True)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return json.loads(done.stdout)

    def plugins(self) -> dict[str, dict[str, Any]]:
        """The records of `cdt plugins` by distribution."""
        return {record["distribution"]: record for record in self.cdt("plugins")}


def write_broken(folder: Path, name: str, source: str, entry_point: str = "") -> Path:
    """A distribution with a fault; returns its project's folder."""
    package = name.replace("-", "_")
    (folder / name / package).mkdir(parents=True)
    (folder / name / package / "__init__.py").write_text("")
    (folder / name / package / "plugin.py").write_text(source)
    (folder / name / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        f'[project]\nname = "{name}"\nversion = "0.3"\n[tool.setuptools]\npackages = ["{package}"]\n'
        f'[project.entry-points.cdt]\n{entry_point or name} = "{package}.plugin"\n'
    )
    return folder / name


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Wheels by distribution name: the guide's example, one for each fault, and one that claims the example's name."""
    folder = tmp_path_factory.mktemp("projects")
    projects = [write_example(folder)]
    projects += [write_broken(folder, name, source) for name, (source, _) in BROKEN.items()]
    projects += [write_broken(folder, "usurper", f"{HOOK}cdt_readers():\n    return []\n", "buoy")]
    pip("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder / "wheels", *projects)
    built = (folder / "wheels").glob("*.whl")
    return {wheel.name.split("-")[0].replace("_", "-"): wheel for wheel in built}


@pytest.fixture
def record(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """A file of the example's own format, and its heights."""
    steps = np.arange(4000) / 40
    heights = (np.sin(steps) + np.random.default_rng(3).normal(0, 0.05, steps.shape)).astype("<f4")
    header = {"name": "north", "start": "2024-02-01", "interval": 0.5, "count": heights.size}
    path = tmp_path / "north.buoy"
    path.write_bytes(b"BUOY1\n" + json.dumps(header).encode() + b"\n" + heights.tobytes())
    return path, heights


def environment(folder: Path, *wheels: Path) -> Environment:
    made = Environment(folder)
    made.create(wheels)
    return made


def assert_main_job_works(place: Environment, record: tuple[Path, np.ndarray]) -> None:
    """The example's reader, processor, validator, policy and notification all take part in one treatment."""
    path, heights = record
    process = 'height=buoy.datum:{"offset": 1.5}'
    treated = place.cdt("treat", path, "-o", "out", "--bound", "abs:0.01", "--process", process)
    (found,) = [
        f for f in treated["certificate"]["findings"] if f["check"] == "buoy.rogue_share" and f["variable"] == "height"
    ]
    assert (found["value"], found["evidence"]["count"], found["verdict"]) == (0.0, heights.size, "pass")
    assert (place.folder / "log").read_text() == f"out {treated['certificate']['level']}\n"
    with xr.open_zarr(place.folder / "out" / "data.zarr", decode_times=False) as stored:
        moved = heights - np.float32(1.5)
        assert np.abs(stored["height"].values.astype("f8") - moved.astype("f8")).max() <= 0.01
        np.testing.assert_array_equal(stored["time"], np.arange(heights.size) * 0.5)
        assert stored.attrs["station"] == "north"


def test_a_good_distribution_takes_part_in_the_main_job_and_leaves_no_trace_when_removed(
    tmp_path: Path, wheels: dict[str, Path], record: tuple[Path, np.ndarray]
) -> None:
    place = environment(tmp_path, wheels["cdt-buoy"])
    shown = place.plugins()["cdt-buoy"]
    assert (shown["name"], shown["version"], shown["status"], shown["reason"]) == ("buoy", "1.0.0", "active", "")
    assert shown["offers"] == {
        "readers": ["buoy"],
        "processors": ["buoy.datum"],
        "validators": ["buoy.rogue"],
        "policies": ["buoy-1"],
        "aggregators": ["buoy.mean"],
    }
    inspected = place.cdt("inspect", record[0])
    assert {variable["name"] for variable in inspected["variables"]} == {"height", "time"}
    assert_main_job_works(place, record)
    assert place.cdt("verify", "out")["ok"] is True
    pip("--python", place.python, "uninstall", "--quiet", "--yes", "cdt-buoy")
    assert "cdt-buoy" not in place.plugins()
    assert "unknown format" in place.cdt("inspect", record[0], code=2)["error"]["message"]


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_distribution_is_out_and_the_main_job_works(
    tmp_path: Path, wheels: dict[str, Path], record: tuple[Path, np.ndarray], fault: str
) -> None:
    place = environment(tmp_path, wheels["cdt-buoy"], wheels[fault])
    shown = place.plugins()
    assert (shown[fault]["version"], shown[fault]["status"]) == ("0.3", "quarantined")
    assert BROKEN[fault][1] in shown[fault]["reason"]
    assert (shown["cdt-buoy"]["status"], shown["cdt"]["status"]) == ("active", "active")
    assert_main_job_works(place, record)


def test_of_two_distributions_that_claim_one_name_neither_is_used_and_the_core_works(
    tmp_path: Path, wheels: dict[str, Path]
) -> None:
    place = environment(tmp_path, wheels["cdt-buoy"], wheels["usurper"])
    shown = place.plugins()
    for name in ("cdt-buoy", "usurper"):
        assert shown[name]["status"] == "quarantined"
        assert "the name 'buoy' is claimed by cdt-buoy and usurper" in shown[name]["reason"]
    np.save(tmp_path / "a.npy", np.linspace(0, 1, 100))
    assert place.cdt("treat", tmp_path / "a.npy", "-o", "out", "--bound", "abs:0.01")["ratio"] > 1
