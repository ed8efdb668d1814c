"""Plan how each variable is stored: candidates are tried on sampled blocks, and the objective decides."""

from __future__ import annotations
