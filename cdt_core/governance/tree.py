"""JSON that people wrote, read strictly: every error names the path of what is wrong, and nothing is guessed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from cdt_core.errors import CdtError

__all__ = ["Node", "parse"]

#: An agreement is a page or two; nobody's file may be read without an end.
_LARGEST_CHARACTERS = 4 << 20

_KINDS = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}


def parse(text: str, where: str, error: type[CdtError]) -> Node:
    """The root of a JSON object; raises ``error`` for text that is none, has a key twice, or a number that is none."""
    if len(text) > _LARGEST_CHARACTERS:
        raise error(f"{where}: {len(text)} characters, and at most {_LARGEST_CHARACTERS} are read")
    try:
        tree = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError) as cause:
        raise error(f"{where}: not JSON: {cause}") from cause
    node = Node(tree, "", where, error)
    node.keys()
    return node


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} stands twice in one object")
        found[key] = value
    return found


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


class Node:
    """One value of a JSON tree and the path to it, as in ``people[2].roles``."""

    def __init__(self, value: Any, path: str, where: str, error: type[CdtError]) -> None:
        self._value, self.path, self._where, self._error = value, path, where, error
        self._used: set[str] = set()

    def wrong(self, what: str) -> CdtError:
        """An error that says where: ``raise node.wrong("...")``."""
        return self._error(": ".join(filter(None, (self._where, self.path, what))))

    def _is(self, kind: type) -> Any:
        if not isinstance(self._value, kind):
            raise self.wrong(f"{_KINDS[kind]} is expected here, not {_KINDS.get(type(self._value), 'a number')}")
        return self._value

    def keys(self) -> tuple[str, ...]:
        """The keys of an object."""
        return tuple(self._is(dict))

    def get(self, key: str) -> Node | None:
        """What an object has under a key, or None."""
        tree: Mapping[str, Any] = self._is(dict)
        self._used.add(key)
        return self._child(tree[key], key) if key in tree else None

    def take(self, key: str) -> Node:
        """What an object must have under a key."""
        found = self.get(key)
        if found is None:
            raise self.wrong(f"{key!r} is missing")
        return found

    def _child(self, value: Any, key: str) -> Node:
        return Node(value, f"{self.path}.{key}" if self.path else key, self._where, self._error)

    def end(self) -> None:
        """No key may be left that nobody asked for: it would be a wish that nobody keeps."""
        unknown = [key for key in self.keys() if key not in self._used]
        if unknown:
            known = ", ".join(sorted(self._used))
            raise self.wrong(f"{unknown[0]!r} is no key of this object; it may have {known}")

    def items(self) -> list[Node]:
        """The elements of a list."""
        return [
            Node(value, f"{self.path}[{position}]", self._where, self._error)
            for position, value in enumerate(self._is(list))
        ]

    def text(self) -> str:
        """Text that is not blank."""
        value: str = self._is(str)
        if not value.strip():
            raise self.wrong("the text is empty")
        return value

    def one_of(self, known: Iterable[str]) -> str:
        """One of a few texts."""
        value, names = self.text(), tuple(known)
        if value not in names:
            raise self.wrong(f"{value!r} is none of {', '.join(names)}")
        return value

    def texts(self, known: Iterable[str] | None = None) -> tuple[str, ...]:
        """At least one text, each once; of ``known`` ones, where given."""
        found: list[str] = []
        for item in self.items():
            value = item.text() if known is None else item.one_of(known)
            if value in found:
                raise item.wrong(f"{value!r} stands twice in the list")
            found.append(value)
        if not found:
            raise self.wrong("the list is empty")
        return tuple(found)

    def count(self, least: int) -> int:
        """A whole number of at least ``least``."""
        if isinstance(self._value, bool) or not isinstance(self._value, int) or self._value < least:
            raise self.wrong(f"{self._value!r} is no whole number of at least {least}")
        return self._value

    def number(self) -> float:
        """A finite number."""
        value = self._value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(f"a number is expected here, not {_KINDS.get(type(value), value)}")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self.wrong(f"{value!r} is too large")
        return number
