"""The README's Python runs as it stands there, and the command prints what the README shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()


def block(heading: str, language: str = "python") -> str:
    """The first block of a section."""
    section = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found, heading
    return found[1]


@pytest.fixture
def folder(tmp_path, test_data, monkeypatch):
    (tmp_path / "eraint_uvz.nc").symlink_to(test_data / "geospatial" / "eraint_uvz.nc")
    monkeypatch.setenv("CDT_KEY", str(tmp_path / "key.pem"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("heading", ["From Python", "Tensors", "Annealing"])
def test_python_runs_as_it_stands(heading, folder):
    exec(compile(block(heading), f"README, {heading}", "exec"), {})


def test_the_first_treatment_prints_what_is_shown(folder):
    command, _, shown = block("A first treatment", "").partition("\n")
    arguments = command.removeprefix("$ cdt ").split()
    done = subprocess.run(
        [sys.executable, "-m", "cdt_core", *arguments], capture_output=True, text=True, check=True, timeout=120
    )
    table = shown.partition("\n\n")[0]
    assert [line.rstrip() for line in done.stdout.partition("\n\n")[0].splitlines()] == table.splitlines()
    for pattern in (
        r"4\.17 MB -> 280 kB, ratio 14\.89 in [\d.]+ s",
        r"predicted: 280 kB in .*; measured: 280 kB in .*",
    ):
        assert re.search(pattern, shown)
        assert re.search(pattern, done.stdout)
    assert " ".join(shown.split()).partition("certificate:")[2].partition("report:")[0] in " ".join(done.stdout.split())
