"""Agreements as JSON text: equal agreements have one text, and one digest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from attrs import asdict

from cdt_core.errors import CertificateError
from cdt_core.governance.instants import instant_text
from cdt_core.governance.linked import canonical, digest

if TYPE_CHECKING:
    from cdt_core.governance.agreement import Agreement

__all__ = ["SCHEMA", "VERSION", "agreement_digest", "agreement_text"]

SCHEMA = "cdt.agreement"
VERSION = 1


def agreement_text(agreement: Agreement) -> str:
    """JSON text that :func:`read_agreement` reads as the same agreement, with sorted keys and a newline at its end."""
    return json.dumps(_tree(agreement), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def agreement_digest(agreement: Agreement) -> str:
    """SHA-256 of the agreement's JSON with sorted keys, without spaces and in ASCII, in hexadecimal."""
    return digest(canonical(_tree(agreement)))


def _tree(agreement: Agreement) -> dict[str, Any]:
    """Only what was said: what may be left out and is empty is left out."""
    tree = asdict(agreement, filter=lambda _, value: value is not None and value != "")
    for key in ("begins", "expires"):
        if key in tree:
            tree[key] = instant_text(tree[key], key, CertificateError)
    if "budget" in tree:
        tree["budget"] = {name: float(value) for name, value in tree["budget"].items()}
    tree["may_ask"] = {role: list(kinds) for role, kinds in agreement.may_ask.items()}
    tree["transfers"] = [
        {"from": each.source, "to": each.destination, "details": list(each.details)} for each in agreement.transfers
    ]
    return {"schema": SCHEMA, "version": VERSION, **tree}
