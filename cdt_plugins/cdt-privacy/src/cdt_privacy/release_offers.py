"""What anonymised release offers to the hooks: descriptors only, so that discovery imports neither NumPy nor pandas."""

from __future__ import annotations

from cdt_core.hooks import Policy, Validator

__all__ = ["POLICIES", "VALIDATORS"]

VALIDATORS: tuple[Validator, ...] = (
    Validator(
        name="privacy.anonymity",
        function="cdt_privacy.release.validators:anonymity",
        scope="dataset",
        checks=(
            "privacy.identifiers_absent",
            "privacy.k_anonymity",
            "privacy.l_diversity",
            "privacy.entropy_l_diversity",
            "privacy.t_closeness",
        ),
        description="k, l and t of tables whose attributes name quasi-identifiers and sensitive columns",
    ),
)

POLICIES: tuple[Policy, ...] = (
    Policy(
        name="privacy-release-1",
        function="cdt_privacy.release.policy:release_policy",
        version=1,
        description="thresholds of k, l and t of released tables",
    ),
)
