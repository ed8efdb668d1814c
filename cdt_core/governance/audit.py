"""The audit log: entries are added, never changed; a group of them is signed and made durable at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from cdt_core.errors import CdtError, OutputError
from cdt_core.governance.chain import LONGEST_LINE, Entry, Head, Header, Signer, digest, key_bytes
from cdt_core.governance.instants import instant_text
from cdt_core.governance.recovery import set_aside, tail_of
from cdt_core.governance.request import Decision, Request

__all__ = ["AuditLog"]

#: Levels of a request or decision.
_DEEPEST = 64


class AuditLog:
    """One writer's open log.

    Parameters
    ----------
    path
        The file; made when it is not there.
    signer
        The private key (``Ed25519PrivateKey``) that signs heads: the same for the life of a log.
    now
        The instant, for the entry that says that a crash was recovered from.
    group_size
        Entries that wait at most; :meth:`append` commits by itself then.

    Raises
    ------
    OutputError
        The file cannot be written, another writer has it, it is no audit log, belongs to another key, or was changed.

    Notes
    -----
    An entry counts once :meth:`commit` has returned: it is then on disk and signed. Act on a decision after that. What a
    crash left of a group that was never committed is set aside in ``NAME.torn-N`` and an entry says so; it is not deleted.
    An exception in a ``with`` block commits what was appended, too: it happened.

    One commit costs a signature, one write and one ``fsync``; an entry costs about 30 microseconds beside.

    Examples
    --------
    >>> from datetime import datetime, timezone
    >>> from pathlib import Path
    >>> from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    >>> from cdt_core.governance import verify_log
    >>> key, now = Ed25519PrivateKey.generate(), datetime(2026, 3, 1, tzinfo=timezone.utc)
    >>> with AuditLog(Path("audit.log"), key, now=now) as log:
    ...     sequence = log.append(now, "ana", {"kind": "audit"}, {"allowed": True})
    ...     head = log.commit()
    >>> sequence, head.count, verify_log(Path("audit.log"), key.public_key(), head=head).ok
    (0, 1, True)
    """

    def __init__(self, path: Path, signer: Signer, *, now: datetime, group_size: int = 1024) -> None:
        if group_size < 1:
            raise OutputError(f"group_size {group_size} is below 1")
        self._path, self._signer, self._group_size = Path(path), signer, group_size
        self._waiting: list[bytes] = []
        self._handle = -1
        instant_text(now, "now", OutputError)
        try:
            key = signer.public_key()
            _create(self._path, key_bytes(key).hex(), signer)
            self._handle = _locked(self._path)
            tail = tail_of(self._handle, self._path, key)
            self._log, self._count, self._end = tail.header.log, tail.head.count, tail.end
            self._last, self._head = digest(tail.head.line()), tail.head
            if tail.left:
                self._recover(tail.left, now)
        except OSError as error:
            self._release()
            raise OutputError(f"{path}: the audit log cannot be opened: {error.strerror}") from error
        except CdtError:
            self._release()
            raise

    def _recover(self, left: int, now: datetime) -> None:
        """What a crash left goes into a file of its own, then out of the log, and an entry says so."""
        aside = set_aside(self._handle, self._path, self._end, left)
        request = {"kind": "recovery", "bytes": left, "sha256": aside.sha256, "kept": aside.path.name}
        self.append(now, "cdt", request, {"note": "an uncommitted end was set aside"})
        self.commit()

    @property
    def head(self) -> Head:
        """The last signed head: what to keep elsewhere."""
        return self._head

    @property
    def count(self) -> int:
        """Number of entries, those that wait for the commit included."""
        return self._count

    def append(self, time: datetime, actor: str, request: Mapping[str, Any], decision: Mapping[str, Any]) -> int:
        """Add an entry to the group that waits; returns its sequence number.

        Raises
        ------
        OutputError
            The log is closed, JSON cannot hold the entry, it is longer than 1 MiB, or it made a full group whose commit failed.
        """
        self._check_open()
        entry = Entry(
            sequence=self._count, time=time, actor=actor, request=request, decision=decision, previous=self._last
        )
        where = f"{self._path}, entry {self._count}"
        instant_text(time, where, OutputError)
        if not isinstance(actor, str):
            raise OutputError(f"{where}: actor {actor!r} is no text")
        _check_tree(request, f"{where}, request")
        _check_tree(decision, f"{where}, decision")
        try:
            line = entry.line()
        except (TypeError, ValueError, RecursionError) as error:
            raise OutputError(f"{where}: JSON cannot hold it: {error}") from error
        if len(line) >= LONGEST_LINE:
            raise OutputError(
                f"{where}: {len(line)} bytes, and at most {LONGEST_LINE - 1} are kept; log a digest instead"
            )
        self._waiting.append(line)
        self._last = digest(line)
        self._count += 1
        if len(self._waiting) >= self._group_size:
            self.commit()
        return entry.sequence

    def record(self, request: Request, decision: Decision, *, now: datetime) -> int:
        """Add what was asked and decided; returns the entry's sequence number. The rest is as for :meth:`append`."""
        return self.append(now, request.actor, request.tree(), decision.tree())

    def commit(self) -> Head:
        """Sign the entries that wait and make them durable; returns the head, which is also that of an empty group.

        Raises
        ------
        OutputError
            The disk is full or failed. Nothing of the group counts, and the log takes no more entries: open it again.
        """
        self._check_open()
        if not self._waiting:
            return self._head
        unsigned = Head(self._log, self._count, self._last, "")
        try:
            signature = self._signer.sign(unsigned.signed_bytes())
            head = Head(self._log, self._count, self._last, signature.hex())
            line = head.line()
            group = b"\n".join((*self._waiting, line, b""))
            _write_all(self._handle, group, self._end)
            os.fsync(self._handle)
        except Exception as error:
            count, path = len(self._waiting), self._path
            self._drop_group()
            text = error.strerror if isinstance(error, OSError) else error
            raise OutputError(f"{path}: {count} entries cannot be committed: {text}; open the log again") from error
        self._waiting.clear()
        self._end += len(group)
        self._last, self._head = digest(line), head
        return head

    def _drop_group(self) -> None:
        """Take back what was written of a group that failed, as far as the disk lets us, and let the file go."""
        self._waiting.clear()
        try:
            os.ftruncate(self._handle, self._end)
        except OSError:
            pass  # the next to open the log sets it aside
        finally:
            self._release()

    def _check_open(self) -> None:
        if self._handle < 0:
            raise OutputError(f"{self._path}: the audit log is closed; open it again")

    def close(self) -> None:
        """Commit what waits, and let others write. A second call does nothing."""
        if self._handle >= 0:
            self.commit()
            self._release()

    def _release(self) -> None:
        if self._handle >= 0:
            handle, self._handle = self._handle, -1
            os.close(handle)

    def __enter__(self) -> AuditLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _check_tree(tree: Any, where: str, depth: int = 0) -> None:
    """What JSON gives back as it was: other keys than text would be respelled, and deep trees could not be read again."""
    if depth > _DEEPEST:
        raise OutputError(f"{where}: JSON cannot hold it: it is nested deeper than {_DEEPEST}")
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            if not isinstance(key, str):
                raise OutputError(f"{where}: JSON cannot hold it: the key {key!r} is no text")
            if not isinstance(value, str | int | float | None):
                _check_tree(value, where, depth + 1)
    elif isinstance(tree, list | tuple):
        for value in tree:
            if not isinstance(value, str | int | float | None):
                _check_tree(value, where, depth + 1)


def _create(path: Path, key: str, signer: Signer) -> None:
    """A log without entries, whole or not at all; one that is there stays."""
    if os.path.lexists(path):
        return
    header = Header(os.urandom(16).hex(), key)
    unsigned = Head(header.log, 0, digest(header.line()), "")
    head = Head(header.log, 0, unsigned.previous, signer.sign(unsigned.signed_bytes()).hex())
    part = path.with_name(f".{path.name}.{os.getpid()}.{header.log[:8]}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    try:
        _write_all(handle, b"\n".join((header.line(), head.line(), b"")), 0)
        os.fsync(handle)
        os.link(part, path)
    except FileExistsError:
        pass  # of two first writers at once, one makes the log and the other finds it
    finally:
        os.close(handle)
        part.unlink(missing_ok=True)
    sync_folder(path.parent)


def _locked(path: Path) -> int:
    """The file open, for this writer alone (``flock``, which ends with the process)."""
    import fcntl

    handle = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise OutputError(f"{path}: another writer has this audit log open; one at a time may write") from error
    return handle


def _write_all(handle: int, data: bytes, offset: int) -> None:
    left = memoryview(data)
    while left:
        written = os.pwrite(handle, left, offset)
        left, offset = left[written:], offset + written


def sync_folder(folder: Path) -> None:
    """Make a new name in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
