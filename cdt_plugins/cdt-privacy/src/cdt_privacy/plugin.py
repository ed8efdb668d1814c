"""What the plugin offers: data only, so that discovery imports neither NumPy nor a rule."""

from __future__ import annotations

from collections.abc import Sequence

from cdt_core.hooks import Policy, Validator, hookimpl
from cdt_privacy.release_offers import POLICIES, VALIDATORS

CDT_API = 1


@hookimpl
def cdt_validators() -> Sequence[Validator]:
    """k, l and t of released tables."""
    return VALIDATORS


@hookimpl
def cdt_policies() -> Sequence[Policy]:
    """Thresholds for these checks."""
    return POLICIES
