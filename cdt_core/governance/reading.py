"""Agreements from JSON text, strictly. Version 1 of the schema; README.md shows one."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from cdt_core.errors import CertificateError
from cdt_core.governance.agreement import DETAILS, KINDS, ROLES, Agreement, Budget, Party, Person, Transfer
from cdt_core.governance.instants import read_instant
from cdt_core.governance.tree import Node, parse
from cdt_core.governance.writing import SCHEMA, VERSION

__all__ = ["read_agreement"]

T = TypeVar("T")


def read_agreement(text: str, where: str) -> Agreement:
    """An agreement from its JSON text; ``where`` names the file or plugin in errors.

    Raises
    ------
    CertificateError
        Not JSON, of another version, a key that is unknown, missing or there twice, or a value that has no meaning; names
        its path, as in ``people[2].roles[0]``.
    """
    root = parse(text, where, CertificateError)
    root.take("schema").one_of((SCHEMA,))
    version = root.take("version").count(least=1)
    if version != VERSION:
        raise root.wrong(f"version: this program reads {VERSION}, not {version}")
    values: dict[str, Any] = {
        "name": root.take("name").text(),
        "parties": [_party(node) for node in root.take("parties").items()],
        "people": [_person(node) for node in root.take("people").items()],
        "may_ask": _may_ask(root.take("may_ask")),
        "purposes": root.take("purposes").texts(),
        "details": root.take("details").texts(DETAILS),
        "expires": _instant(root.take("expires")),
        **_optional(root),
    }
    root.end()
    return _made(Agreement, root, values)


def _optional(root: Node) -> dict[str, Any]:
    readers = {
        "begins": _instant,
        "minimum_group_size": lambda node: node.count(least=1),
        "minimum_sites": lambda node: node.count(least=1),
        "budget": _budget,
        "transfers": lambda node: [_transfer(item) for item in node.items()],
        "carriers": Node.texts,
        "rules": Node.texts,
        "description": Node.text,
    }
    found = {key: (root.get(key), read) for key, read in readers.items()}
    return {key: read(node) for key, (node, read) in found.items() if node is not None}


def _made(kind: type[T], node: Node, values: dict[str, Any]) -> T:
    """The value, with the path before what it says of itself."""
    try:
        return kind(**values)
    except CertificateError as error:
        raise node.wrong(str(error)) from error


def _party(node: Node) -> Party:
    values = {"name": node.take("name").text(), "region": node.take("region").text(), "key": _text(node, "key")}
    node.end()
    return _made(Party, node, values)


def _person(node: Node) -> Person:
    values = {
        "name": node.take("name").text(),
        "roles": node.take("roles").texts(ROLES),
        "party": _text(node, "party"),
        "key": _text(node, "key"),
    }
    node.end()
    return _made(Person, node, values)


def _text(node: Node, key: str) -> str:
    found = node.get(key)
    return "" if found is None else found.text()


def _may_ask(node: Node) -> dict[str, tuple[str, ...]]:
    found = {role: node.get(role) for role in ROLES}
    node.end()
    return {role: kinds.texts(KINDS) for role, kinds in found.items() if kinds is not None}


def _budget(node: Node) -> Budget:
    values = {"epsilon": node.take("epsilon").number(), "delta": node.take("delta").number()}
    node.end()
    return _made(Budget, node, values)


def _transfer(node: Node) -> Transfer:
    details = node.take("details")
    values = {
        "source": node.take("from").text(),
        "destination": node.take("to").text(),
        "details": details.texts(DETAILS) if details.items() else (),
    }
    node.end()
    return _made(Transfer, node, values)


def _instant(node: Node) -> datetime:
    try:
        return read_instant(node.text())
    except ValueError as error:
        raise node.wrong(str(error)) from error
