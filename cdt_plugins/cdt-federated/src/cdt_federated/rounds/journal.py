"""What a coordinator did, written down before it is acted on: a hash-chained log, and the payloads of the round in progress.

``log.jsonl`` is only ever appended to: one JSON object a line, with its number and the SHA-256 of the line before it.
``round-N.answers`` holds the task and the payloads of round N in the order in which they were accepted; their digests are in
the log. It is deleted when the next round begins. Bytes reach the disk (fsync) before anybody is told that they were accepted.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from cdt_core.errors import FederatedError

__all__ = ["Journal"]

_BEGINNING = "0" * 64


class Journal:
    """The journal in ``folder``, made when it is not there. One process at a time has it.

    Raises
    ------
    FederatedError
        Another process has it, or a line was changed, dropped or moved; names the line. A last line that a crash cut off
        is taken away, and ``torn`` says so.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._path = self.folder / "log.jsonl"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = self._path.open("a+b")
        except OSError as error:
            raise FederatedError(
                f"{self._path}: the journal cannot be written: {error.strerror}; give a folder"
            ) from error
        self._answers: IO[bytes] | None = None
        self._dirty = False
        self.head = _BEGINNING
        self.torn = False
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise FederatedError(f"{self._path}: another coordinator writes to it; stop that one first") from error
        try:
            self.events = list(self._read())
        except FederatedError:
            self._file.close()
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self) -> Iterator[Mapping[str, Any]]:
        self._file.seek(0)
        data = self._file.read()
        complete, newline, rest = data.rpartition(b"\n")
        if rest:
            self.torn = True
            self._file.truncate(len(complete) + len(newline))
        for number, line in enumerate(complete.split(b"\n") if newline else ()):
            yield self._checked(number, line)
            self.head = hashlib.sha256(line).hexdigest()

    def _checked(self, number: int, line: bytes) -> Mapping[str, Any]:
        try:
            entry = json.loads(line)
            follows = entry["number"] == number and entry["previous"] == self.head and "what" in entry["event"]
        except (ValueError, KeyError, TypeError):
            follows = False
        if not follows:
            raise FederatedError(
                f"{self._path}: line {number + 1} does not follow from those before it; the log was changed, restore a copy"
            )
        return dict(entry["event"])

    def note(self, what: str, **values: Any) -> Mapping[str, Any]:
        """Append an event, and return it. It is on disk after :meth:`sync`."""
        event = {"what": what, **values}
        entry = {"number": len(self.events), "previous": self.head, "event": event}
        line = json.dumps(entry, separators=(",", ":"), sort_keys=True, allow_nan=False).encode()
        with self._writing():
            self._file.write(line + b"\n")
        self.head = hashlib.sha256(line).hexdigest()
        self.events.append(event)
        self._dirty = True
        return event

    def begin(self, round_: int, task: bytes, **values: Any) -> Mapping[str, Any]:
        """Note that a round begins, and keep its task; the payloads of earlier rounds are deleted."""
        with self._writing():
            self._close_answers()
            for old in self.folder.glob("round-*.answers"):
                old.unlink()
            self._answers = self._place(round_).open("xb")
            self._answers.write(task)
        event = self.note("begin", round=round_, task=hashlib.sha256(task).hexdigest(), task_bytes=len(task), **values)
        self.sync()
        with self._writing():
            folder = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        return event

    def keep(self, payload: bytes, **values: Any) -> Mapping[str, Any]:
        """Note an accepted answer, and keep its payload."""
        if self._answers is None:
            raise FederatedError(f"{self.folder}: no round is open in the journal; begin one, or resume")
        with self._writing():
            self._answers.write(payload)
        return self.note("answer", payload=hashlib.sha256(payload).hexdigest(), bytes=len(payload), **values)

    def reopen(self, events: list[Mapping[str, Any]]) -> tuple[bytes, list[bytes]]:
        """Task and payloads of the round that ``events`` (from its ``begin``) tell of; later ones are written behind them.

        Raises
        ------
        FederatedError
            The file is gone, or does not hold what the log says.
        """
        begin, *rest = events
        answers = [event for event in rest if event["what"] == "answer"]
        self._close_answers()
        place = self._place(int(begin["round"]))
        try:
            file = place.open("r+b")
        except OSError as error:
            raise FederatedError(f"{place}: the payloads of the round cannot be read; give the round up") from error
        parts = [self._part(file, begin["task_bytes"], begin["task"], "the task")]
        parts += [self._part(file, a["bytes"], a["payload"], f"the answer of {a['site']}") for a in answers]
        file.truncate()
        self._answers = file
        return parts[0], parts[1:]

    def _part(self, file: IO[bytes], count: int, digest: str, what: str) -> bytes:
        left = os.fstat(file.fileno()).st_size - file.tell()
        data = file.read(count) if 0 <= count <= left else b""
        if hashlib.sha256(data).hexdigest() != digest:
            file.close()
            raise FederatedError(
                f"{file.name}: {what} is not what the log says; the file was changed, give the round up"
            )
        return data

    def sync(self) -> None:
        """Have everything on disk: payloads first, so that the log never speaks of what is not there."""
        if self._dirty:
            with self._writing():
                for file in (self._answers, self._file):
                    if file is not None:
                        file.flush()
                        os.fsync(file.fileno())
            self._dirty = False

    def close(self) -> None:
        """Give the journal back, also when the last of it could not be written."""
        try:
            self.sync()
        finally:
            for file in (self._answers, self._file):
                if file is not None:
                    with suppress(OSError):  # of what sync() has told already
                        file.close()
            self._answers = None

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise FederatedError(
                f"{self.folder}: the journal cannot be written: {error.strerror}; mend that, then resume in a new process"
            ) from error

    def _close_answers(self) -> None:
        if self._answers is not None:
            self._answers.close()
            self._answers = None

    def _place(self, round_: int) -> Path:
        return self.folder / f"round-{round_}.answers"
