"""A real NVFlare job on its simulator: one server and three clients, five stages a round, nothing but NVFlare between them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("nvflare", reason="the extra nvflare is not installed")
JOB = Path(__file__).parent / "job"


def test_three_sites_train_under_secure_sums(tmp_path):
    result = tmp_path / "result.json"
    job = shutil.copytree(JOB, tmp_path / "job")
    config = job / "app" / "config" / "config_fed_server.json"
    config.write_text(config.read_text().replace("{result}", str(result)))
    command = [sys.executable, "-m", "nvflare.private.fed.app.simulator.simulator", str(job)]
    done = subprocess.run(
        [*command, "-w", str(tmp_path / "workspace"), "-c", "north,south,west", "-t", "3"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert result.exists(), (done.stdout + done.stderr)[-6000:]
    found = json.loads(result.read_text())
    assert found["clients"] == ["north", "south", "west"]
    assert found["included"] == [["north", "south", "west"]] * 3
    assert found["off"] < 1e-9
