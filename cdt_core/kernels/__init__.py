"""The only door to compiled code: pure arrays in and out, each kernel with a NumPy reference."""

from __future__ import annotations
