"""Which policy is in force: a named one or a file, with the rules that the installed plugins add; agreements by name."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from cdt_core.certify.policy import Policy, extended, merged, read_policy
from cdt_core.errors import CdtError, CertificateError, PluginError
from cdt_core.governance import Agreement, read_agreement
from cdt_core.hooks.manager import Catalog

__all__ = ["DEFAULT_POLICY", "installed_agreement", "installed_policy", "policy_in_force"]

DEFAULT_POLICY = "core-1"

_log = logging.getLogger("cdt.plugins")


def policy_in_force(catalog: Catalog, wanted: str) -> Policy:
    """The policy of that name, or in the JSON file of that path.

    Plugins' policies without levels add their rules for checks that the policy has none for. One that cannot be read is
    logged and left out: what it would have judged stays unassessed.

    Raises
    ------
    CertificateError
        The file cannot be read or is malformed, or the policy has no levels.
    PluginError
        No policy of that name is installed.
    """
    policy = _completed(catalog, _read(catalog, wanted), wanted)
    return merged(policy, [addition for addition in _additions(catalog) if not addition.levels])


def installed_policy(catalog: Catalog, name: str, additions: Sequence[str]) -> Policy:
    """The installed policy of that name with the rules of these plugins' policies alone, as somebody else used it.

    Raises
    ------
    CertificateError, PluginError
        One of them is not installed, or cannot be read. No name is ever taken for the path of a file.
    """
    return merged(_completed(catalog, _offered(catalog, name), name), [_offered(catalog, added) for added in additions])


def installed_agreement(catalog: Catalog, name: str) -> Agreement:
    """The installed agreement of that name: a policy of kind ``"agreement"``.

    Raises
    ------
    PluginError
        None of that name is installed, or its function fails.
    CertificateError
        It is malformed, or the policy of that name holds thresholds. No name is ever taken for the path of a file.
    """
    kind = catalog.policy(name).kind
    if kind != "agreement":
        raise CertificateError(
            f"policy {name!r} holds {kind}, and is no agreement; 'cdt plugins' shows what is installed"
        )
    return read_agreement(_text(catalog, name), f"agreement {name!r}")


def _completed(catalog: Catalog, policy: Policy, wanted: str) -> Policy:
    if policy.extends is not None:
        policy = extended(policy, _read(catalog, policy.extends))
    if not policy.levels and any(wanted == descriptor.name for descriptor in catalog.policies):
        raise CertificateError(
            f"policy {wanted!r} only adds rules to the others, and is in force already; leave it out"
        )
    if not policy.levels:
        raise CertificateError(f'policy {wanted!r} has no levels; add them, or "extends": "{DEFAULT_POLICY}"')
    return policy


def _additions(catalog: Catalog) -> Iterator[Policy]:
    for descriptor in catalog.policies:
        if descriptor.kind != "levels":
            continue
        try:
            yield _offered(catalog, descriptor.name)
        except CdtError as error:
            _log.warning("left out: %s", error)


def _read(catalog: Catalog, wanted: str) -> Policy:
    path = Path(wanted)
    if path.suffix != ".json":
        return _offered(catalog, wanted)
    try:
        policy = read_policy(path.read_text(encoding="utf-8"), wanted)
    except OSError as error:
        raise CertificateError(f"policy {wanted}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, CdtError):
            raise
        raise CertificateError(f"policy {wanted}: cannot be read: {error}") from error
    if any(policy.name == descriptor.name for descriptor in catalog.policies):
        raise CertificateError(f"policy {wanted}: {policy.name!r} is the name of an installed one; give yours its own")
    return policy


def _offered(catalog: Catalog, name: str) -> Policy:
    if catalog.policy(name).kind != "levels":
        raise CertificateError(f"policy {name!r} is an agreement: it says who may ask what, and judges no check")
    return read_policy(_text(catalog, name), f"policy {name!r}")


def _text(catalog: Catalog, name: str) -> str:
    descriptor = catalog.policy(name)
    try:
        text = descriptor.load()()
    except PluginError:
        raise
    except Exception as error:  # whatever a plugin's function raises
        raise PluginError(f"policy {name!r}: {type(error).__name__}: {error}") from error
    if not isinstance(text, str):
        raise PluginError(f"policy {name!r}: its function returned a {type(text).__name__}, not JSON text")
    return text
