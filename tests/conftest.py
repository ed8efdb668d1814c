"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The suite draws the same examples each time, and no clock decides; `make search` draws new ones.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("search", print_blob=True, deadline=None)
settings.load_profile("steady")

_ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real files that CDT_TEST_DATA names (default: ../shared/data beside the checkout)."""
    folder = Path(os.environ.get("CDT_TEST_DATA", _ROOT.parent / "shared" / "data"))
    if not (folder / "INDEX.tsv").is_file():
        pytest.skip(f"no test data in {folder}; set CDT_TEST_DATA")
    return folder
