"""Makes ``support`` importable, which is no package; Flower neither calls home nor looks for updates in tests."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["FLWR_TELEMETRY_ENABLED"] = "0"
os.environ["FLWR_DISABLE_UPDATE_CHECK"] = "1"
sys.path.insert(0, str(Path(__file__).parent / "support"))
