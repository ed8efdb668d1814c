"""What the parameters of the codecs may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cdt_core.errors import CdtError
from cdt_core.kernels.compress import PROFILES

__all__ = ["LEVELS", "PROMISE_SCHEMA", "check_settings", "configuration_of"]

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


def configuration_of(codec: str, metadata: Mapping[str, Any], keys: Mapping[int, Sequence[str]]) -> dict[str, Any]:
    """The configuration in a codec's metadata, less its version; ``keys`` are what each version may hold, newest last.

    Raises
    ------
    CdtError
        Another version, or a key that it does not have.
    """
    configuration = metadata.get("configuration") or {}
    if not isinstance(configuration, Mapping):
        raise CdtError(f"codec {codec}: the configuration is {configuration!r}, not an object")
    found = dict(configuration)
    version = found.pop("version", max(keys))
    is_known = type(version) is int and version in keys
    unknown = sorted(set(found) - set(keys[version])) if is_known else []
    if not is_known or unknown:
        what = f"keys {unknown}" if is_known else f"version {version}"
        raise CdtError(f"codec {codec}: {what} is not known to this release; a newer one may read it")
    return found
