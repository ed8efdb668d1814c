"""The audit log: entries are added, never changed; a group of them is signed and made durable at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from attrs import evolve

from cdt_core.errors import CdtError, CertificateError, OutputError
from cdt_core.governance.chain import Entry, Head, Header, Signer, key_bytes
from cdt_core.governance.files import LONGEST_LINE, make_whole, open_alone, write_all
from cdt_core.governance.instants import instant_text
from cdt_core.governance.linked import digest
from cdt_core.governance.recovery import set_aside, tail_of
from cdt_core.governance.request import Decision, Request

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = ["AuditLog"]

#: Levels of a request or decision.
_DEEPEST = 64


class AuditLog:
    """One writer's open log. Threads may share it: what one commits is durable for all.

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
    CertificateError
        The signer is none of Ed25519, or its signatures do not verify under its own public key.

    Notes
    -----
    An entry counts once :meth:`commit` has returned: it is then on disk and signed. Act on a decision after that. What a
    crash left of a group that was never committed is set aside in ``NAME.torn-N`` and an entry says so; it is not deleted.
    An exception in a ``with`` block commits what was appended, too: it happened. After an interrupt the log goes on: what was
    appended waits for the next commit, what was not is not there.

    One commit costs a signature, its verification, one write and one ``fsync``; an entry costs about 30 microseconds beside.

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
        self._mutex = threading.RLock()
        self._waiting: list[bytes] = []
        self._handle = -1
        instant_text(now, "now", OutputError)
        try:
            self._key = signer.public_key()
            _create(self._path, self._key, signer)
            self._handle = open_alone(self._path)
            tail = tail_of(self._handle, self._path, self._key)
            self._log, self._count, self._end = tail.header.log, tail.head.count, tail.end
            self._last, self._head = digest(tail.head.line()), tail.head
            if tail.left:
                self._recover(tail.left, now)
        except BlockingIOError as error:
            raise OutputError(f"{path}: another writer has this audit log open; one at a time may write") from error
        except BaseException as error:
            self._release()
            if isinstance(error, CdtError) or not isinstance(error, Exception):
                raise
            raise OutputError(f"{path}: the audit log cannot be opened: {_said(error)}") from error

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
        with self._mutex:
            self._check_open()
            entry = Entry(
                sequence=self._count, time=time, actor=actor, request=request, decision=decision, previous=self._last
            )
            line = _checked_line(entry, f"{self._path}, entry {self._count}")
            hashed, place, one = digest(line), len(self._waiting), [line]
            # One line without a call, so that no interrupt comes between: the entry waits whole, or not at all.
            self._last, self._count, self._waiting[place:] = hashed, self._count + 1, one
            if len(self._waiting) >= self._group_size:
                self.commit()
            return entry.sequence

    def record(self, request: Request, decision: Decision, *, now: datetime) -> int:
        """Add what was asked and decided; returns the entry's sequence number. The rest is as for :meth:`append`."""
        tree = request.tree()
        return self.append(now, str(tree.get("actor", "")), tree, decision.tree())

    def commit(self) -> Head:
        """Sign the entries that wait and make them durable; returns the head, which is also that of an empty group.

        Raises
        ------
        OutputError
            The disk is full or failed. Nothing of the group counts, and the log takes no more entries: open it again.
        """
        with self._mutex:
            self._check_open()
            if not self._waiting:
                return self._head
            try:
                head = _signed(Head(self._log, self._count, self._last, ""), self._signer, self._key)
                line = head.line()
                hashed, group = digest(line), b"\n".join((*self._waiting, line, b""))
                end = self._end + len(group)
                write_all(self._handle, group, self._end)
                os.fsync(self._handle)
            except Exception as error:
                count, path = len(self._waiting), self._path
                self._drop_group()
                raise OutputError(
                    f"{path}: {count} entries cannot be committed: {_said(error)}; open the log again"
                ) from error
            # One line without a call; after an interrupt before it, the next commit writes the same bytes there once more.
            self._waiting, self._end, self._last, self._head = [], end, hashed, head
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
        with self._mutex:
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


def _checked_line(entry: Entry, where: str) -> bytes:
    """The line of an entry that will be read again as it is; else ``OutputError`` naming ``where``."""
    instant_text(entry.time, where, OutputError)
    if not isinstance(entry.actor, str):
        raise OutputError(f"{where}: actor {entry.actor!r} is no text")
    for name, tree in (("request", entry.request), ("decision", entry.decision)):
        if not isinstance(tree, Mapping):
            raise OutputError(f"{where}: {name} {tree!r} is no object of JSON")
        _check_tree(tree, f"{where}, {name}")
    try:
        line = entry.line()
    except (TypeError, ValueError, RecursionError) as error:
        raise OutputError(f"{where}: JSON cannot hold it: {error}") from error
    if len(line) >= LONGEST_LINE:
        raise OutputError(f"{where}: {len(line)} bytes, and at most {LONGEST_LINE - 1} are kept; log a digest instead")
    return line


def _signed(unsigned: Head, signer: Signer, key: Ed25519PublicKey) -> Head:
    """The head with its signature, which is verified: nobody could go on behind a head that does not hold."""
    head = evolve(unsigned, signature=signer.sign(unsigned.signed_bytes()).hex())
    if not head.is_signed_by(key):
        raise CertificateError("what the signer signed does not verify under its own public key")
    return head


def _said(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


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


def _create(path: Path, key: Ed25519PublicKey, signer: Signer) -> None:
    """A log without entries; of two first writers at once, one makes it and the other finds it, as one that is there stays."""
    text = key_bytes(key).hex()
    if not os.path.lexists(path):
        header = Header(os.urandom(16).hex(), text)
        head = _signed(Head(header.log, 0, digest(header.line()), ""), signer, key)
        make_whole(path, b"\n".join((header.line(), head.line(), b"")), 0o640)
