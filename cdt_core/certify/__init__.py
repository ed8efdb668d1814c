"""Findings become verdicts, scores and a level by a published policy: pure functions."""

from __future__ import annotations
