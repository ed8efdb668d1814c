"""The report of a treatment: one self-contained HTML file."""

from __future__ import annotations
