"""Slow, plain NumPy versions of the kernels: what the compiled ones are held to."""

from __future__ import annotations
