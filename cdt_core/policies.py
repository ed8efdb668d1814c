"""Which policy is in force: a named one or a file, with the rules that the installed plugins add."""

from __future__ import annotations

from pathlib import Path

from cdt_core.certify.policy import Policy, extended, merged, read_policy
from cdt_core.errors import CertificateError, PluginError
from cdt_core.hooks.manager import Catalog

__all__ = ["DEFAULT_POLICY", "policy_in_force"]

DEFAULT_POLICY = "core-1"


def policy_in_force(catalog: Catalog, wanted: str) -> Policy:
    """The policy of that name, or in the JSON file of that path.

    Plugins' policies without levels add their rules for checks that the policy has none for.

    Raises
    ------
    CertificateError
        The file cannot be read or is malformed, or the policy has no levels.
    PluginError
        No policy of that name is installed.
    """
    policy = _read(catalog, wanted)
    if policy.extends is not None:
        policy = extended(policy, _read(catalog, policy.extends))
    if not policy.levels:
        raise CertificateError(f'policy {wanted!r} has no levels; add them, or "extends": "{DEFAULT_POLICY}"')
    offered = (_offered(catalog, descriptor.name) for descriptor in catalog.policies)
    return merged(policy, [addition for addition in offered if not addition.levels])


def _read(catalog: Catalog, wanted: str) -> Policy:
    path = Path(wanted)
    if path.suffix != ".json":
        return _offered(catalog, wanted)
    try:
        return read_policy(path.read_text(encoding="utf-8"), wanted)
    except (OSError, UnicodeDecodeError) as error:
        raise CertificateError(f"policy {wanted}: cannot be read: {error}") from error


def _offered(catalog: Catalog, name: str) -> Policy:
    descriptor = catalog.policy(name)
    try:
        text = descriptor.load()()
    except PluginError:
        raise
    except Exception as error:  # whatever a plugin's function raises
        raise PluginError(f"policy {name!r}: {type(error).__name__}: {error}") from error
    return read_policy(text, f"policy {name!r}")
