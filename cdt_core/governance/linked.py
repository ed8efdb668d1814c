"""Files of linked lines: they only grow, and what is changed, dropped, moved or cut is found when they are opened.

    {"entry": {...}, "previous": "<sha256>", "sequence": 3}

A line is canonical JSON (ASCII, sorted keys, no spaces) and a newline; its digest is the SHA-256 of it without the newline,
and the next line has that as ``previous``. Beside the file lies ``NAME.head``: the number of lines, a space, the digest of the
last, a newline. It is written after the lines that it names, so that a crash may leave it behind the file but never before it:
a file with fewer lines than its head was cut. Nothing is signed: against somebody who rewrites both, keep a head elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from cdt_core.errors import CdtError
from cdt_core.governance.files import (
    LONGEST_LINE,
    lines_of,
    make_whole,
    open_alone,
    replace_whole,
    sync_folder,
    write_all,
)

__all__ = ["START", "LinkedFile", "LinkedLine", "Wording", "canonical", "digest"]

#: What the first line has for ``previous``.
START = "0" * 64

#: More than a head has: a count of twenty digits, and a digest.
_LONGEST_HEAD = 100

#: What a line has before its entry; :func:`_behind` makes what follows. Links are compared as bytes: parsing takes far longer.
_BEFORE = b'{"entry":'

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical(tree: Mapping[str, Any]) -> bytes:
    """The line of a tree, without its newline; ``TypeError``, ``ValueError``, ``RecursionError`` for what JSON cannot hold."""
    return _ENCODER.encode(tree).encode("ascii")


def digest(line: bytes) -> str:
    """SHA-256 of a line, in hexadecimal."""
    return hashlib.sha256(line).hexdigest()


@frozen(kw_only=True)
class Wording:
    """What a kind of file is called in errors, of which class they are, and what to do."""

    error: type[CdtError]
    name: str
    exists: str = "open it"
    absent: str = "create it"
    unwritten: str = "make room, then open it again"


@frozen
class LinkedLine:
    """One entry in its place; ``sequence`` counts from 0."""

    sequence: int
    entry: Mapping[str, Any]
    digest: str


class LinkedFile:
    """An open, locked, verified file of linked lines. Make it with :meth:`create` or :meth:`open`; not for several threads.

    Attributes
    ----------
    path
        Where it is.
    count, head
        Number of lines on the disk, and the digest of the last one, which stands for all of them.
    torn
        Whether a last line that a crash cut off was taken away: its writer never said that it was written.

    Examples
    --------
    >>> words = Wording(error=CdtError, name="diary")
    >>> with_first = LinkedFile.create(Path("diary.jsonl"), {"of": "ana"}, words)
    >>> with_first.append({"saw": "a heron"}, {"saw": "two herons"})
    >>> with_first.close()
    >>> again = LinkedFile.open(Path("diary.jsonl"), words)
    >>> [line.entry for line in again.lines()]
    [{'of': 'ana'}, {'saw': 'a heron'}, {'saw': 'two herons'}]
    >>> again.close()
    """

    _handle = -1

    def __init__(self, path: Path, wording: Wording) -> None:
        self.path = path
        self.count, self.head, self.torn = 0, START, False
        self._wording, self._end = wording, 0
        self._head_path = path.with_name(f"{path.name}.head")

    @classmethod
    def create(cls, path: Path, first: Mapping[str, Any], wording: Wording, *, exist_ok: bool = False) -> LinkedFile:
        """A new file whose first line holds ``first``, made whole or not at all; or with ``exist_ok`` the one that is there.

        Raises
        ------
        CdtError
            That of ``wording``: the file exists, was there and is gone, or cannot be made.
        """
        made = cls(path, wording)
        line, is_there = made._encoded(0, START, first), os.path.lexists(path)
        if not is_there and os.path.lexists(made._head_path):
            raise made._wrong("is gone, and its head is there; restore it from a copy")
        try:
            is_new = not is_there and make_whole(path, line + b"\n", 0o600)
        except OSError as error:
            raise made._wrong(f"cannot be created: {error.strerror}") from error
        if not (is_new or exist_ok):
            raise made._wrong(f"exists: {wording.exists}")
        return cls.open(path, wording)

    @classmethod
    def open(cls, path: Path, wording: Wording) -> LinkedFile:
        """The file that is there, after the links of all its lines were verified, to the last and to the head.

        Raises
        ------
        CdtError
            That of ``wording``: another process has it, it cannot be read, or it was changed, cut or reordered; names the line.
        """
        opened = cls(path, wording)
        try:
            opened._handle = open_alone(path)
            opened._verify()
            return opened
        except BaseException as error:
            opened.close()
            if isinstance(error, BlockingIOError):
                raise opened._wrong("is in use by another process, or open twice; close it there") from error
            if isinstance(error, OSError):
                advice = f"; {wording.absent}" if isinstance(error, FileNotFoundError) else ""
                raise opened._wrong(f"cannot be opened: {error.strerror}{advice}") from error
            raise

    def lines(self) -> Iterator[LinkedLine]:
        """The whole lines on the disk, read anew, each verified against the one before it; one at a time is in memory.

        Raises
        ------
        CdtError
            That of the wording: a line does not follow from the one before it; names both.
        """
        for sequence, line, own_digest in self._links():
            try:
                entry = json.loads(line)["entry"]
            except (ValueError, RecursionError):
                entry = None
            if not isinstance(entry, dict):
                raise self._broken(sequence)
            yield LinkedLine(sequence, entry, own_digest)

    def _links(self) -> Iterator[tuple[int, bytes, str]]:
        """Sequence, bytes and digest of each line that names the digest of the one before it: entries are not looked at."""
        self._require_open()
        previous = START
        try:
            for number, line, whole in lines_of(self._handle):
                if not whole and len(line) < LONGEST_LINE:
                    continue  # what a crash cut off; nothing follows
                if not (line.startswith(_BEFORE) and line.endswith(_behind(number - 1, previous))):
                    raise self._broken(number - 1)
                previous = digest(line)
                yield number - 1, line, previous
        except OSError as error:
            raise self._wrong(f"cannot be read: {error.strerror}") from error

    def _broken(self, sequence: int) -> CdtError:
        last = f"line {sequence}" if sequence else "the beginning"
        return self._wrong(
            f"was changed: line {sequence + 1} does not follow from {last}; one of the two was altered, or lines were moved "
            "or dropped: restore it and its head from one copy"
        )

    def append(self, *entries: Mapping[str, Any]) -> None:
        """Add lines; when this returns they are on the disk. After a failure or an interrupt the file is closed.

        Raises
        ------
        CdtError
            That of the wording: an entry is none of JSON or too long, and nothing was written; or the file was closed, or
            the disk refused, and whether the lines are there shows when it is opened again.
        """
        self._require_open()
        lines, head = [], self.head
        for sequence, entry in enumerate(entries, self.count):
            lines.append(self._encoded(sequence, head, entry))
            head = digest(lines[-1])
        group = b"\n".join((*lines, b""))
        try:
            write_all(self._handle, group, self._end)
            os.fsync(self._handle)
            self._keep_head(self.count + len(lines), head)
            self.count, self.head, self._end = self.count + len(lines), head, self._end + len(group)
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                raise self._wrong(f"cannot be written: {error.strerror}; {self._wording.unwritten}") from error
            raise

    def _encoded(self, sequence: int, previous: str, entry: Mapping[str, Any]) -> bytes:
        try:
            line = _BEFORE + canonical(entry) + _behind(sequence, previous)
        except (TypeError, ValueError, RecursionError) as error:
            raise self._wrong(f"was given a line {sequence + 1} that JSON cannot hold: {error}") from error
        if len(line) >= LONGEST_LINE:
            raise self._wrong(
                f"was given a line of {len(line)} bytes, and at most {LONGEST_LINE - 1} are kept; shorten its text"
            )
        return line

    def close(self) -> None:
        """Give the file and its lock back. A second call does nothing."""
        if self._handle >= 0:
            handle, self._handle = self._handle, -1
            os.close(handle)

    def __del__(self) -> None:
        if self._handle >= 0:  # nobody else could give back the lock of a file that was forgotten
            os.close(self._handle)

    def _require_open(self) -> None:
        if self._handle < 0:
            raise self._wrong("was closed, or failed before; open it again")

    def _wrong(self, what: str) -> CdtError:
        return self._wording.error(f"the {self._wording.name} {self.path} {what}")

    def _verify(self) -> None:
        known, kept = self._kept_head()
        passed = START
        for sequence, line, own_digest in self._links():
            self.count, self.head, self._end = sequence + 1, own_digest, self._end + len(line) + 1
            if self.count == known:
                passed = own_digest
        if self.count < max(known, 1):
            raise self._wrong(f"was cut: it has {self.count} whole lines of {max(known, 1)}; restore it from a copy")
        if passed != kept:
            raise self._wrong(
                f"and its head do not belong together: its line {known} is not the one that {self._head_path} "
                "names; restore both from one copy"
            )
        if known == 0 and self.count > 1:
            raise self._wrong(f"has lost its head, {self._head_path}; restore both from one copy")
        self.torn = os.fstat(self._handle).st_size > self._end
        if self.torn:
            os.ftruncate(self._handle, self._end)
            os.fsync(self._handle)
        if known < self.count:
            self._keep_head(self.count, self.head)
            sync_folder(self.path.parent)

    def _kept_head(self) -> tuple[int, str]:
        """Count and digest of the head beside the file; of no line where a crash came before the first head."""
        try:
            with self._head_path.open("rb") as file:
                text = file.read(_LONGEST_HEAD)
            count, kept = int(text.split()[0]), text[-65:-1].decode("ascii")
        except FileNotFoundError:
            return 0, START
        except (ValueError, IndexError):
            count, kept, text = 0, "", b""
        if count < 1 or text != _head_text(count, kept):
            raise self._wrong(f"has a damaged head, {self._head_path}; restore both from one copy")
        return count, kept

    def _keep_head(self, count: int, head: str) -> None:
        replace_whole(self._head_path, _head_text(count, head))


def _head_text(count: int, head: str) -> bytes:
    return f"{count} {head}\n".encode("ascii")


def _behind(sequence: int, previous: str) -> bytes:
    return f',"previous":"{previous}","sequence":{sequence}}}'.encode("ascii")
