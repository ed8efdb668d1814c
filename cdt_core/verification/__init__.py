"""Check a treatment again, from its folder alone or against the original."""

from __future__ import annotations
