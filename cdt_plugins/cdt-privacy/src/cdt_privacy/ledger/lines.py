"""Lines of a ledger: JSON objects, each of which holds the digest of the one before and its own.

    {"digest": "<sha256>", "entry": {...}, "previous": "<sha256>", "sequence": 3}

The digest is over the line without it, keys sorted, no spaces. A line that was changed, dropped or moved breaks the chain at
a place that can be named. The chain has no key: against somebody who can rewrite the whole file, keep the head elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from attrs import frozen

from cdt_core.errors import PrivacyError

__all__ = ["START", "Line", "read_lines"]

#: What the first line has for ``previous``.
START = "0" * 64

#: Bytes of a line beyond which it is no line of ours; nothing longer is parsed.
LONGEST = 1 << 16


@frozen
class Line:
    """One entry in its place."""

    sequence: int
    previous: str
    entry: dict[str, Any]

    @property
    def digest(self) -> str:
        """SHA-256 over place and entry."""
        return hashlib.sha256(_plain(self._fields())).hexdigest()

    def encoded(self) -> bytes:
        """The line as it is stored."""
        return _plain({**self._fields(), "digest": self.digest}) + b"\n"

    def _fields(self) -> dict[str, Any]:
        return {"sequence": self.sequence, "previous": self.previous, "entry": self.entry}


def read_lines(stored: bytes, name: str) -> Iterator[Line]:
    """The lines of a file, each checked against the one before.

    Raises
    ------
    PrivacyError
        The number of the first line that was changed, dropped, moved or is not one.
    """
    previous = START
    for sequence, text in enumerate(stored.split(b"\n")[:-1]):
        where = f"{name}, line {sequence + 1}"
        line, digest = _parsed(text, where)
        if line.digest != digest:
            raise PrivacyError(f"{where}: it was changed after it was written; restore the ledger from a copy")
        if line.sequence != sequence or line.previous != previous:
            raise PrivacyError(f"{where}: lines before it are missing, or were moved; restore the ledger from a copy")
        previous = digest
        yield line


def _parsed(text: bytes, where: str) -> tuple[Line, str]:
    try:
        if len(text) > LONGEST:
            raise ValueError(f"{len(text)} bytes")
        fields = json.loads(text)
        line = Line(fields["sequence"], fields["previous"], fields["entry"])
        if line.encoded() != text + b"\n" or not isinstance(line.entry, dict):
            raise ValueError("not as it is written")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise PrivacyError(
            f"{where}: changed after it was written, or no line of a ledger; restore the ledger from a copy"
        ) from error
    return line, str(fields["digest"])


def _plain(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
