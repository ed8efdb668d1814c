"""cdt treats a scientific dataset once, so that it is smaller, certified and shareable."""

from __future__ import annotations

__version__ = "0.1.0"
