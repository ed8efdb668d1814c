"""Which columns of a dataset are quasi-identifiers, sensitive or identifiers, as its attributes say.

A variable says so itself, ``cdt_role = "quasi-identifier"``; for files whose columns have no attributes the dataset does:
``cdt_quasi_identifiers = "age, town"``, ``cdt_sensitive``, ``cdt_identifiers`` (names with commas between them, or a JSON
list), as metadata of a Parquet file or in comments above a CSV table, ``# cdt_sensitive: illness``, one line or more for each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

from cdt_core.hooks.contracts import Subject

__all__ = ["DATASET_KEYS", "ROLE", "ROLES", "Roles", "roles_of"]

#: Attribute of a variable, and what it may be.
ROLE = "cdt_role"
ROLES = ("quasi-identifier", "sensitive", "identifier")
#: Attributes of a dataset, in the same order.
DATASET_KEYS = ("cdt_quasi_identifiers", "cdt_sensitive", "cdt_identifiers")

_COMMENT = re.compile(rf"^[^\w\n]*({'|'.join(DATASET_KEYS)})[ \t]*[:=]([^\n]*)$", re.MULTILINE)


@frozen
class Roles:
    """Paths of variables of one group by their roles, and what is wrong with what its attributes say."""

    group: str
    quasi_identifiers: tuple[str, ...]
    sensitive: tuple[str, ...]
    identifiers: tuple[str, ...]
    problems: tuple[str, ...]


def roles_of(subject: Subject) -> list[Roles]:
    """Of each group that declares a role."""
    groups = sorted({*subject.attributes, *(_group(name) for name in subject)})
    return [roles for roles in (_of_group(subject, group) for group in groups) if roles is not None]


def _group(name: str) -> str:
    return name.rpartition("/")[0]


def _of_group(subject: Subject, group: str) -> Roles | None:
    members = [name for name in subject if _group(name) == group]
    found: dict[str, list[str]] = {role: [] for role in ROLES}
    problems = []
    for role, names in zip(ROLES, _declared(subject.attributes.get(group, {})), strict=True):
        for name in names:
            path = f"{group}/{name}" if group else name
            if path in members:
                found[role].append(path)
            else:
                problems.append(f"{role} {name!r} is no variable")
    for name in members:
        given = subject.specs[name].attributes.get(ROLE)
        if isinstance(given, str) and given in found:
            found[given].append(name)
        elif given is not None:
            problems.append(f"{ROLE} of {name!r} is {given!r}, none of {', '.join(ROLES)}")
    if not problems and not any(found.values()):
        return None
    quasi, sensitive, identifiers = (tuple(dict.fromkeys(found[role])) for role in ROLES)
    problems += [f"{name!r} is both a quasi-identifier and sensitive" for name in quasi if name in sensitive]
    return Roles(group, quasi, sensitive, identifiers, tuple(problems))


def _declared(attributes: Mapping[str, Any]) -> list[list[str]]:
    """Names in each role, as the dataset's attributes or its comment say."""
    comments = _COMMENT.findall(str(attributes.get("comment", "")))
    said = {key: [name for other, names in comments if other == key for name in _names(names)] for key in DATASET_KEYS}
    return [_names(attributes[key]) if key in attributes else said[key] for key in DATASET_KEYS]


def _names(given: Any) -> list[str]:
    if isinstance(given, str):
        given = given.strip()
        if given.startswith("["):
            try:
                given = json.loads(given)
            except RecursionError:
                return [given[:40]]
            except ValueError:
                given = given.strip("[]").split(",")
        else:
            given = given.split(",")
    if not isinstance(given, Iterable):
        return [str(given)]
    return [name for name in (str(name).strip() for name in given) if name]
