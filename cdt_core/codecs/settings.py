"""What the parameters of the codecs may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cdt_core.errors import CdtError
from cdt_core.kernels.compress import PROFILES

__all__ = ["LEVELS", "PROMISE_SCHEMA", "check_settings"]

#: What the configurations of lossy Zarr codecs have in common, as JSON schema.
PROMISE_SCHEMA: Mapping[str, Any] = {
    "bound": {"type": "string", "pattern": "^(lossless|(abs|rel|pw_rel|psnr|rmse):[0-9.eE+-]+)$"},
    "missing": {
        "type": "array",
        "items": {"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]},
    },
}

#: Of Zstandard.
LEVELS = range(-7, 23)


def check_settings(codec: str, given: Mapping[str, Any], known: Sequence[str]) -> None:
    """Refuse parameters that the codec does not know, and values that make no sense.

    Raises
    ------
    CdtError
        Naming the codec, the parameter and its value.
    """
    unknown = set(given) - set(known)
    if unknown:
        raise CdtError(f"codec {codec}: unknown parameters {', '.join(sorted(unknown))}; it knows {', '.join(known)}")
    profile, level = given.get("profile", PROFILES[0]), given.get("level", 0)
    if profile not in PROFILES:
        raise CdtError(f"codec {codec}: profile {profile!r} is not one of {', '.join(PROFILES)}")
    if type(level) is not int or level not in LEVELS:
        raise CdtError(f"codec {codec}: level {level!r} is not a whole number from {LEVELS[0]} to {LEVELS[-1]}")
