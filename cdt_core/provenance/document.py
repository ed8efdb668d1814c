"""Canonical JSON: the same tree gives the same bytes, and nothing that JSON cannot hold; names of files as text."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from typing import Any

__all__ = ["canonical", "plain", "readable"]


def readable(path: str) -> str:
    """A name of the file system as text, with escapes where it is no Unicode."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def plain(tree: Any) -> Any:
    """The tree with text for the numbers that JSON has not (``"NaN"``, ``"Infinity"``, ``"-Infinity"``)."""
    if isinstance(tree, Mapping):
        return {str(key): plain(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [plain(value) for value in tree]
    if isinstance(tree, float) and not math.isfinite(tree):
        return "NaN" if math.isnan(tree) else "Infinity" if tree > 0 else "-Infinity"
    if tree is None or isinstance(tree, bool | int | float | str):
        return tree
    if hasattr(tree, "tolist"):
        return plain(tree.tolist())
    return str(tree)


def canonical(tree: Any) -> bytes:
    """ASCII JSON with sorted keys and no spaces; numbers as Python writes them (shortest text that reads back the same)."""
    return json.dumps(plain(tree), sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
