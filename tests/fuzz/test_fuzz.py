"""The fuzzer runs, and a short run finds nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_a_short_run_of_the_fuzzer_finds_nothing(tmp_path):
    pytest.importorskip("atheris", reason="Atheris is not installed (it has no wheel for every platform)")
    command = [sys.executable, "-m", "tests.fuzz.fuzz_decoder", "-runs=20000", "-seed=1", "-verbosity=0"]
    found = subprocess.run(
        [*command, f"-artifact_prefix={tmp_path}/", str(tmp_path), str(ROOT / "tests" / "golden" / "v1")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.returncode == 0, found.stderr[-4000:]
    assert not list(tmp_path.glob("crash-*"))
