"""The plugin of docs/plugins.md, as files."""

from __future__ import annotations

import re
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs" / "plugins.md"

_FILE = re.compile(r"^`(cdt-buoy/\S+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def write_example(folder: Path) -> Path:
    """Write the files of the example into ``folder``; returns the project's folder."""
    for name, text in _FILE.findall(GUIDE.read_text()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "cdt-buoy"
