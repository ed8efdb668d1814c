"""Thresholds of k, l and t, as a policy that adds to the core's."""

from __future__ import annotations

from importlib.resources import files

__all__ = ["release_policy"]


def release_policy() -> str:
    """The JSON text of the policy."""
    return files("cdt_privacy.release").joinpath("release-1.json").read_text(encoding="utf-8")
