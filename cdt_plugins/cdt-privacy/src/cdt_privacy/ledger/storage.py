"""The file of a ledger: appended to and never rewritten, synced before anything is said to be in it, held by one process.

Beside it lies ``<name>.head``, the number of lines and the last digest. It is written after the line that it names, so that it
may lag behind by one line (a crash between the two writes) and never lead: a file with fewer lines than its head was cut.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from cdt_core.errors import PrivacyError
from cdt_core.governance.files import is_locked_alone, read_all, sync_folder, write_all
from cdt_privacy.ledger.lines import LONGEST, START, Line, read_lines

__all__ = ["LedgerFile"]


class LedgerFile:
    """An open, locked, verified file. Make it with :meth:`create` or :meth:`open`."""

    def __init__(self, path: Path, handle: int) -> None:
        self.path = path
        self.lines: list[Line] = []
        self._handle: int | None = handle

    @classmethod
    def create(cls, path: Path, first: dict[str, Any]) -> LedgerFile:
        """A new file whose first line holds ``first``; an existing one is never touched, and none is left by a failure."""
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        except FileExistsError as error:
            raise PrivacyError(f"{path} exists: a budget is set once; open it with Ledger.open") from error
        except OSError as error:
            raise PrivacyError(f"{path} cannot be created: {error.strerror}") from error
        made = cls(path, handle)
        try:
            made._lock()
            made.append(made.next_line(first))
        except BaseException:
            made.close()
            for left in (made._head_path, path):
                left.unlink(missing_ok=True)
            raise
        return made

    @classmethod
    def open(cls, path: Path) -> LedgerFile:
        """An existing file, after every line of it was verified against its neighbours and against the head."""
        try:
            handle = os.open(path, os.O_RDWR | os.O_APPEND)
        except OSError as error:
            raise PrivacyError(
                f"the ledger {path} cannot be opened: {error.strerror}; Ledger.create makes one"
            ) from error
        opened = cls(path, handle)
        try:
            opened._lock()
            opened._read()
        except BaseException:
            opened.close()
            raise
        return opened

    @property
    def head(self) -> str:
        """Digest of the last line: stands for all of the ledger."""
        return self.lines[-1].digest if self.lines else START

    def next_line(self, entry: dict[str, Any]) -> Line:
        """The line that would be appended; nothing is changed.

        Raises
        ------
        PrivacyError
            It is longer than a line that is read again.
        """
        line = Line(len(self.lines), self.head, entry)
        size = len(line.encoded()) - 1
        if size > LONGEST:
            raise PrivacyError(
                f"the ledger {self.path}: a line of {size} bytes, and at most {LONGEST} are kept; shorten its text"
            )
        return line

    def append(self, line: Line) -> None:
        """Add the next line; when this returns, it is on the disk. After a failure or an interrupt the file is closed.

        Raises
        ------
        PrivacyError
            The ledger was closed, or the disk refused: then what the line says is not to be done.
        """
        if self._handle is None:
            raise PrivacyError(f"the ledger {self.path} was closed, or failed before; open it again")
        try:
            write_all(self._handle, line.encoded(), os.fstat(self._handle).st_size)
            os.fsync(self._handle)
            self._write_head(line)
            self.lines += [line]
        except OSError as error:
            self.close()
            raise PrivacyError(
                f"the ledger {self.path} cannot be written: {error.strerror}; nothing may be released"
            ) from error
        except BaseException:
            self.close()  # what reached the disk is settled when it is opened again
            raise

    def close(self) -> None:
        """Give the file and its lock back."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _lock(self) -> None:
        assert self._handle is not None
        if not is_locked_alone(self._handle):
            raise PrivacyError(f"the ledger {self.path} is in use by another process, or open twice; close it there")

    def _read(self) -> None:
        assert self._handle is not None
        stored = read_all(self._handle)
        self.lines = list(read_lines(stored, str(self.path)))
        known, digest = self._stored_head()
        if known > len(self.lines) or (known > 0 and self.lines[known - 1].digest != digest):
            raise PrivacyError(
                f"the ledger {self.path} was cut: it has {len(self.lines)} whole lines of {known}; restore it from a copy"
            )
        if known < len(self.lines) - 1 or not self.lines:
            raise PrivacyError(
                f"the head beside the ledger {self.path} is not its own: restore both from the same copy"
            )
        whole = stored.rfind(b"\n") + 1
        if whole < len(stored):
            # A line of which a crash left a part: its writer never said that it was written.
            os.ftruncate(self._handle, whole)
            os.fsync(self._handle)
        if known < len(self.lines):
            self._write_head(self.lines[-1])

    @property
    def _head_path(self) -> Path:
        return self.path.with_name(self.path.name + ".head")

    def _stored_head(self) -> tuple[int, str]:
        try:
            count, digest = self._head_path.read_text().split()
            return int(count), digest
        except (OSError, ValueError) as error:
            raise PrivacyError(
                f"{self._head_path} is missing or damaged; restore it from the copy that has the ledger"
            ) from error

    def _write_head(self, line: Line) -> None:
        part = self._head_path.with_name(self._head_path.name + ".part")
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            write_all(handle, f"{line.sequence + 1} {line.digest}\n".encode(), 0)
            os.fsync(handle)
        finally:
            os.close(handle)
        part.replace(self._head_path)
        sync_folder(self.path.parent)
