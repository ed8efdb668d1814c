"""What was done to an audit log since it was written: every line against the chain, every head against its signature."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from cdt_core.errors import ProtocolError
from cdt_core.governance.chain import Entry, Head, Header, key_bytes, read_line
from cdt_core.governance.files import lines_of
from cdt_core.governance.linked import digest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = ["LogReport", "Problem", "verify_log"]

#: Problems that are listed; a log with more is lost anyway.
_MOST_PROBLEMS = 100


@frozen
class Problem:
    """One thing that is wrong: its kind, the line of the file, the entry that it is about (None: of no single one).

    Kinds: ``"altered"``, ``"missing"``, ``"moved"``, ``"repeated"``, ``"unsigned"`` (behind the last head), ``"torn"``,
    ``"signature"``, ``"header"``, ``"truncated"`` and ``"rewritten"`` (both against a head kept elsewhere).
    """

    kind: str
    line: int
    entry: int | None
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message


@frozen(kw_only=True)
class LogReport:
    """What was found: entries and heads that were read, entries under a valid head, the last one, and every problem.

    ``key`` is the public key that was checked with, in hexadecimal; ``key_is_given`` is False when it is only the one that
    the log names itself.
    """

    path: Path
    key: str
    key_is_given: bool
    entries: int
    heads: int
    signed_entries: int
    head: Head | None
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify_log(path: Path, public_key: Ed25519PublicKey | None = None, *, head: Head | None = None) -> LogReport:
    """Check a log from its first line to its last, in one pass.

    A log to which somebody is writing may end in a part of a group, which is a problem until the group is whole.

    Parameters
    ----------
    path
        The log.
    public_key
        The key that must have signed. None takes the one in the header: that finds damage, but not somebody who wrote the
        whole log anew with a key of their own.
    head
        A head kept elsewhere. Without one, nobody can tell a log from the same log as it was some commits ago, nor from one
        that the owner of the key wrote anew.

    Raises
    ------
    ProtocolError
        The file cannot be read.
    CertificateError
        ``public_key`` is no Ed25519 key.
    """
    check = _Check(public_key, head)
    try:
        for number, line, whole in lines_of(Path(path)):
            check.see(number, line, whole)
            if check.is_lost:
                break
    except OSError as error:
        raise ProtocolError(f"{path}: the audit log cannot be read: {error.strerror}") from error
    check.finish()
    return LogReport(
        path=Path(path),
        key=check.key_text,
        key_is_given=public_key is not None,
        entries=check.entries,
        heads=check.heads,
        signed_entries=check.signed,
        head=check.last_head,
        problems=tuple(check.problems),
    )


class _Check:
    """The state of one pass: which line is expected next, and what was wrong so far."""

    def __init__(self, key: Ed25519PublicKey | None, kept: Head | None) -> None:
        self._key, self._kept, self._kept_seen = key, kept, False
        self.key_text = "" if key is None else key_bytes(key).hex()
        self.header: Header | None = None
        self.entries = self.heads = self.signed = self._next = self._number = 0
        self.last_head: Head | None = None
        self.problems: list[Problem] = []
        self._missing: list[tuple[int, int]] = []
        self._hash: str | None = None  # of the line before; None where it tells nothing
        self._before: int | None = None  # the last entry above
        self._suspect: tuple[int, int | None, str] | None = None
        self._in_place = self._sound = True
        self._is_other = False  # no line of an audit log so far

    @property
    def is_lost(self) -> bool:
        """Whether so much is wrong that the rest is not looked at."""
        return self._is_other or len(self.problems) + len(self._missing) >= _MOST_PROBLEMS

    def _say(self, kind: str, entry: int | None, message: str, line: int | None = None) -> None:
        self._sound = False
        self.problems.append(Problem(kind, self._number if line is None else line, entry, message))

    def see(self, number: int, line: bytes, whole: bool) -> None:
        """The next line."""
        self._number = number
        if not whole:
            self._say("torn", None, f"{len(line)} bytes without an end: a crash before their commit, or a cut")
            return
        try:
            value = read_line(line)
        except ProtocolError as error:
            self._accuse()
            self._see_unreadable(error)
            self._hash = None
            return
        self._in_place = True
        if number == 1:
            self._see_header(value)
        elif isinstance(value, Entry):
            self._see_entry(value)
        elif isinstance(value, Head):
            self._see_head(value)
        else:
            self._say("repeated", None, "a second header")
        self._hash = digest(line) if self._in_place else None

    def _see_unreadable(self, error: ProtocolError) -> None:
        if self._number == 1:
            self._say("header", None, f"the header cannot be read: {error}")
        elif self.header is None and not self.entries + self.heads:
            self._is_other = True
        else:
            self._say("altered", self._next, f"entry {self._next} or a head cannot be read: {error}")

    def _see_header(self, value: Header | Entry | Head) -> None:
        if not isinstance(value, Header):
            self._say("header", None, "the first line is no header")
            return
        self.header = value
        if self._key is None:
            self._key, self.key_text = _public(value.key), value.key
        elif value.key != self.key_text:
            self._say("header", None, f"the log names key {value.key[:16]}, not the given {self.key_text[:16]}")

    def _see_entry(self, entry: Entry) -> None:
        self.entries += 1
        expected, found = self._next, entry.sequence
        linked = self._hash is not None and entry.previous == self._hash
        if found == expected or linked:  # a chained line stands where it was written, whatever number it has now
            self._check_link(entry.previous, f"entry {expected}")
            if found != expected:
                self._say("altered", expected, f"entry {expected} has the number {found}")
            self._before, self._next = expected, expected + 1
            return
        self._accuse()
        if found > expected:
            self._missing.append((expected, found))
            self._before, self._next = found, found + 1
        else:
            self._in_place = False
            self._say_of_earlier(found)

    def _say_of_earlier(self, found: int) -> None:
        for position, (start, end) in enumerate(self._missing):
            if start <= found < end:
                halves = ((start, found), (found + 1, end))
                self._missing[position : position + 1] = [(a, b) for a, b in halves if a < b]
                self._say("moved", found, f"entry {found} stands behind a later one")
                return
        self._say("repeated", found, f"entry {found} stands there again, or was put in")

    def _check_link(self, previous: str, name: str) -> None:
        """One broken link accuses the line above; two in a row accuse the line between them, whose own link it is."""
        broken = self._hash is not None and previous != self._hash
        if broken and self._suspect is not None:
            line, _, what = self._suspect
            self._suspect = None
            self._say("altered", self._before, f"{what} was altered, and so may the line above it be", line + 1)
            return
        self._accuse()
        if broken:
            self._suspect = (self._number - 1, self._before, name)

    def _accuse(self) -> None:
        """Nothing more is known of a broken link: the line above it was altered."""
        if self._suspect is None:
            return
        line, entry, name = self._suspect
        self._suspect = None
        what = "the header" if entry is None else f"entry {entry}"
        self._say(
            "altered",
            entry,
            f"{what} was altered, or a head behind it altered or dropped: {name} is chained to what it was",
            line,
        )

    def _see_head(self, head: Head) -> None:
        self.heads += 1
        if self.header is not None and head.log != self.header.log:
            self._accuse()
            self._say("signature", None, f"the head is of another log, {head.log}")
        elif self._key is not None and not head.is_signed_by(self._key):
            self._accuse()
            self._say(
                "signature", None, f"the head of {_counted(head.count)} is not signed by key {self.key_text[:16]}"
            )
        elif head.count > self._next:
            self._accuse()
            self._missing.append((self._next, head.count))
            self._before, self._next = head.count - 1, head.count
        else:
            self._check_link(head.previous, f"the head of {_counted(head.count)}")
            if head.count < self._next:
                self._say("repeated", None, f"the head is of {_counted(head.count)}, and {self._next} stand before it")
        if not self._missing and self._sound and self._suspect is None:
            self.signed = head.count
        self.last_head = head
        kept = self._kept
        if kept is not None and (head.count, head.previous) == (kept.count, kept.previous):
            self._kept_seen = True

    def finish(self) -> None:
        """What only shows at the end."""
        is_lost = self.is_lost
        self._accuse()
        if self.header is None and not self.problems:
            self._say("header", None, "the file is empty")
        for start, end in self._missing:
            name = f"entry {start} is" if end == start + 1 else f"entries {start} to {end - 1} are"
            self._say("missing", start, f"{name} not there")
        if is_lost:
            self._say("altered", None, "too much is wrong: what follows was not looked at")
            return
        last = -1 if self.last_head is None else self.last_head.count
        if self._next > last >= 0:
            self._say("unsigned", last, f"entries {last} to {self._next - 1} are behind the last signed head")
        elif self.header is not None and self.last_head is None:
            self._say("unsigned", None, "no signed head is in the log")
        self.problems.extend(self._against_kept())

    def _against_kept(self) -> Iterator[Problem]:
        kept = self._kept
        if kept is None or self._key is None or self.header is None:
            return
        if kept.log != self.header.log:
            yield Problem(
                "rewritten", 0, None, f"the head kept elsewhere is of log {kept.log}, this is {self.header.log}"
            )
        elif not kept.is_signed_by(self._key):
            yield Problem("signature", 0, None, f"the head kept elsewhere is not signed by key {self.key_text[:16]}")
        elif self._next < kept.count:
            message = f"entries {self._next} to {kept.count - 1} are gone: the head kept elsewhere is of {kept.count}"
            yield Problem("truncated", 0, self._next, message)
        elif not self._kept_seen:
            message = f"the first {kept.count} entries are not those of the head kept elsewhere: they were written anew"
            yield Problem("rewritten", 0, None, message)


def _counted(count: int) -> str:
    return f"{count} entry" if count == 1 else f"{count} entries"


def _public(key: str) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
