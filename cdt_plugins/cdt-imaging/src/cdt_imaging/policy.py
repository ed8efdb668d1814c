"""Thresholds of the imaging checks, as a policy that adds to the core's."""

from __future__ import annotations

from importlib.resources import files

__all__ = ["imaging_policy"]


def imaging_policy() -> str:
    """The JSON text of the policy."""
    return files("cdt_imaging").joinpath("imaging-1.json").read_text(encoding="utf-8")
