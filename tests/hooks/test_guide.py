"""The example of the guide is complete and keeps its own tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.hooks.guide import GUIDE, write_example


def test_the_example_passes_its_own_tests(tmp_path: Path) -> None:
    project = write_example(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "tests"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": f"{project / 'src'}{os.pathsep}{GUIDE.parents[1]}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout


def test_every_reason_in_the_table_of_the_guide_is_one_that_cdt_gives() -> None:
    sources = "".join(
        (GUIDE.parents[1] / "cdt_core" / "hooks" / f"{name}.py").read_text() for name in ("inspection", "manager")
    )
    for words in ("cannot be imported", "needs hook API", "is no hook", "did you mean", " raised ", "descriptor",
                  "is claimed by", "is offered more than once", "implements no hook"):  # fmt: skip
        assert words in sources
        assert words in GUIDE.read_text()
