"""The lines of an audit log: a header, entries, and signed heads, each with the SHA-256 of the line before it.

FORMAT.md has the format. Lines are canonical and linked as in :mod:`cdt_core.governance.linked`; but heads are signed and stand
in the log itself, so that it is opened from its end, whatever its length, and what nobody signed is set aside, not taken away.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from attrs import frozen

from cdt_core.errors import CertificateError, ProtocolError
from cdt_core.governance.files import lines_of
from cdt_core.governance.instants import instant_text, read_instant
from cdt_core.governance.linked import canonical

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = [
    "Entry",
    "Head",
    "Header",
    "Signer",
    "key_bytes",
    "read_entries",
    "read_head",
    "read_line",
]

_FORMAT = "cdt.audit"
_VERSION = 1

#: Signed before the head's own bytes, so that no other signature of the key can be taken for a head.
_DOMAIN = b"cdt audit log head, version 1\n"

_DECODER = json.JSONDecoder()


class Signer(Protocol):
    """What signs heads: an ``Ed25519PrivateKey`` of ``cryptography``, or what behaves like one (a hardware key)."""

    def sign(self, data: bytes, /) -> bytes:
        """The signature, 64 bytes."""

    def public_key(self) -> Ed25519PublicKey:
        """The public half."""


def key_bytes(key: Ed25519PublicKey) -> bytes:
    """The 32 bytes of a public key.

    Raises
    ------
    CertificateError
        It is another kind of key.
    """
    try:
        raw = key.public_bytes_raw()
    except AttributeError:
        raise CertificateError(
            f"{type(key).__name__} is no Ed25519 public key; audit logs are signed by Ed25519"
        ) from None
    if len(raw) != 32:
        raise CertificateError("the public key has not the 32 bytes of Ed25519; audit logs are signed by Ed25519")
    return raw


@frozen
class Header:
    """The first line: a log's own random identifier, and the public key that signs its heads, both in hexadecimal."""

    log: str
    key: str

    def line(self) -> bytes:
        """The line that says this."""
        return canonical({"format": _FORMAT, "version": _VERSION, "log": self.log, "key": self.key})


@frozen(kw_only=True)
class Entry:
    """What was asked and decided, when, and by whom; ``sequence`` counts from 0.

    ``request`` and ``decision`` are trees of JSON, as :meth:`Request.tree` and :meth:`Decision.tree` give them.
    """

    sequence: int
    time: datetime
    actor: str
    request: Mapping[str, Any]
    decision: Mapping[str, Any]
    previous: str

    def line(self) -> bytes:
        """The line that says this."""
        return canonical(
            {
                "sequence": self.sequence,
                "time": instant_text(self.time, "time of the entry", ProtocolError),
                "actor": self.actor,
                "request": self.request,
                "decision": self.decision,
                "previous": self.previous,
            }
        )


@frozen
class Head:
    """A signature of the first ``count`` entries of a log; keep one elsewhere, and nobody can shorten or rewrite them unseen.

    ``previous`` is the SHA-256 of the line before the head, which the chain ties to every earlier one.
    """

    log: str
    count: int
    previous: str
    signature: str

    def signed_bytes(self) -> bytes:
        """What the signature is of: a domain, the log, the count as eight bytes, little-endian, and the hash."""
        return _DOMAIN + bytes.fromhex(self.log) + self.count.to_bytes(8, "little") + bytes.fromhex(self.previous)

    def is_signed_by(self, key: Ed25519PublicKey) -> bool:
        """Whether the signature is this key's."""
        from cryptography.exceptions import InvalidSignature

        try:
            key.verify(bytes.fromhex(self.signature), self.signed_bytes())
        except InvalidSignature:
            return False
        return True

    def line(self) -> bytes:
        """The line that says this, for the log and for a file kept elsewhere."""
        return canonical({"log": self.log, "head": self.count, "previous": self.previous, "signature": self.signature})


def read_line(line: bytes) -> Header | Entry | Head:
    """The value of a line.

    Raises
    ------
    ProtocolError
        It is none of the three, or not written as this program writes it (a key twice, spaces, other text for a number).
    """
    try:
        tree = _DECODER.decode(line.decode("ascii"))
        value = _value(tree)
        same = value.line() == line
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise ProtocolError(f"it is no line of an audit log: {type(error).__name__}: {error}") from error
    if not same:
        raise ProtocolError("it is not written as this program writes it: something was added or respelled")
    return value


def _value(tree: Mapping[str, Any]) -> Header | Entry | Head:
    if "format" in tree:
        if (tree["format"], tree["version"]) != (_FORMAT, _VERSION):
            raise ValueError(
                f"the format is {tree['format']} {tree['version']}; this program reads {_FORMAT} {_VERSION}"
            )
        return Header(_hexadecimal(tree["log"], 16), _hexadecimal(tree["key"], 32))
    previous = _hexadecimal(tree["previous"], 32)
    if "head" in tree:
        signature = _hexadecimal(tree["signature"], 64)
        return Head(_hexadecimal(tree["log"], 16), _count(tree["head"]), previous, signature)
    return Entry(
        sequence=_count(tree["sequence"]),
        time=read_instant(tree["time"]),
        actor=_typed(tree["actor"], str),
        request=_typed(tree["request"], dict),
        decision=_typed(tree["decision"], dict),
        previous=previous,
    )


def _hexadecimal(text: str, size: int) -> str:
    if len(text) != 2 * size or len(bytes.fromhex(text)) != size or text != text.lower():
        raise ValueError(f"{text!r} is not {size} bytes in hexadecimal")
    return text


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise ValueError(f"{value!r} is no count")
    return value


def _typed(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def read_entries(path: Path) -> Iterator[Entry]:
    """The entries of a log, one after another. Nothing is verified by reading: :func:`verify_log` does that.

    Raises
    ------
    ProtocolError
        The file cannot be read, or a line is none of an audit log; names the line.
    """
    try:
        for number, line, whole in lines_of(path):
            try:
                value = read_line(line)
            except ProtocolError as error:
                torn = "" if whole else " (the line has no end: a crash, or a cut)"
                raise ProtocolError(f"{path}, line {number}: {error}{torn}; 'cdt audit verify' says more") from error
            if isinstance(value, Entry):
                yield value
    except OSError as error:
        raise ProtocolError(f"{path}: the audit log cannot be read: {error.strerror}") from error


def read_head(text: str, where: str) -> Head:
    """A head that was kept elsewhere, from its line.

    Raises
    ------
    ProtocolError
        It is none; names ``where``.
    """
    try:
        value = read_line(text.strip().encode("ascii"))
    except (ProtocolError, UnicodeEncodeError) as error:
        raise ProtocolError(f"{where}: no head of an audit log: {error}") from error
    if not isinstance(value, Head):
        raise ProtocolError(f"{where}: a line of an audit log, but no head; 'cdt audit head LOG' prints one")
    return value
