"""What a coordinator did, written down before it is acted on: linked lines, and the payloads of the round in progress.

``log.jsonl`` holds one event a line (:mod:`cdt_core.governance.linked`), and ``log.jsonl.head`` lies beside it.
``round-N.answers`` holds the task and the payloads of round N in the order in which they were accepted; their digests are in
the log. It is deleted when the next round has begun. Bytes reach the disk (fsync) before anybody is told that they were
accepted, payloads before the lines that speak of them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from cdt_core.errors import FederatedError
from cdt_core.governance.files import sync_folder, write_all
from cdt_core.governance.linked import LinkedFile, Wording

__all__ = ["Journal"]

_FORMAT = {"format": "cdt-federated-journal", "version": 1}

_WORDING = Wording(error=FederatedError, name="journal", unwritten="mend that, then resume in a new process")


class Journal:
    """The journal in ``folder``, made when it is not there. One process at a time has it.

    After a failure to write, or an interrupt while it writes, it takes nothing more: resume in a new coordinator on it.

    Raises
    ------
    FederatedError
        Another process has it, it is of another version, or a line was changed, dropped or moved; names the line. A last
        line that a crash cut off is taken away, and ``torn`` says so; a log that was cut further is refused.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._answers: IO[bytes] | None = None
        self._end = 0  # of the answers that events speak of
        self._waiting: list[Mapping[str, Any]] = []
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FederatedError(
                f"{self.folder}: the journal cannot be written: {error.strerror}; give a folder"
            ) from error
        self._log = LinkedFile.create(self.folder / "log.jsonl", _FORMAT, _WORDING, exist_ok=True)
        try:
            if next(self._log.lines()).entry != _FORMAT:
                raise FederatedError(
                    f"{self._log.path} is no journal of version {_FORMAT['version']}; give another folder"
                )
        except BaseException:
            self._log.close()
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def torn(self) -> bool:
        """Whether a line that a crash cut off was taken away when it was opened."""
        return self._log.torn

    @property
    def head(self) -> str:
        """Digest that stands for all lines that are on disk."""
        return self._log.head

    @property
    def events(self) -> Iterator[Mapping[str, Any]]:
        """All events, from the disk one after another, and those that wait for :meth:`sync`."""
        return chain((line.entry for line in islice(self._log.lines(), 1, None)), tuple(self._waiting))

    def note(self, what: str, **values: Any) -> Mapping[str, Any]:
        """Append an event, and return it. It is on disk after :meth:`sync`."""
        event = {"what": what, **values}
        self._waiting.append(event)
        return event

    def begin(self, round_: int, task: bytes, **values: Any) -> Mapping[str, Any]:
        """Note that a round begins, and keep its task; the payloads of earlier rounds are deleted."""
        self.sync()
        place = self._place(round_)
        with self._writing():
            self._close_answers()
            self._answers = place.open("wb")
            write_all(self._answers.fileno(), task, 0)
            os.fsync(self._answers.fileno())
            self._end = len(task)
            sync_folder(self.folder)
        task_digest = hashlib.sha256(task).hexdigest()
        event = {"what": "begin", "round": round_, "task": task_digest, "task_bytes": len(task), **values}
        with self._writing():
            self._log.append(event)
            for old in self.folder.glob("round-*.answers"):
                if old != place:
                    old.unlink()
        return event

    def keep(self, payload: bytes, **values: Any) -> Mapping[str, Any]:
        """Note an accepted answer, and keep its payload."""
        if self._answers is None:
            raise FederatedError(f"{self.folder}: no round is open in the journal; begin one, or resume")
        with self._writing():
            write_all(self._answers.fileno(), payload, self._end)
            self._end += len(payload)
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
        place = self._place(int(begin["round"]))
        try:
            file = place.open("r+b")
        except OSError as error:
            raise FederatedError(f"{place}: the payloads of the round cannot be read; give the round up") from error
        parts = [self._part(file, begin["task_bytes"], begin["task"], "the task")]
        parts += [self._part(file, a["bytes"], a["payload"], f"the answer of {a['site']}") for a in answers]
        self._close_answers()
        self._answers, self._end = (
            file,
            file.tell(),
        )  # what follows, no event speaks of: the next payload is written there
        return parts[0], parts[1:]

    def sync(self) -> None:
        """Have everything on disk: payloads first, so that the log never speaks of what is not there."""
        if not self._waiting:
            return
        with self._writing():
            if self._answers is not None:
                os.fsync(self._answers.fileno())
            self._log.append(*self._waiting)
            self._waiting.clear()

    def close(self) -> None:
        """Give the journal back, also when the last of it could not be written."""
        try:
            self.sync()
        finally:
            self._log.close()
            self._close_answers()

    def _close_answers(self) -> None:
        if self._answers is not None:
            self._answers.close()
            self._answers = None

    def _part(self, file: IO[bytes], count: int, digest: str, what: str) -> bytes:
        left = os.fstat(file.fileno()).st_size - file.tell()
        data = file.read(count) if 0 <= count <= left else b""
        if hashlib.sha256(data).hexdigest() != digest:
            file.close()
            raise FederatedError(
                f"{file.name}: {what} is not what the log says; the file was changed, give the round up"
            )
        return data

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """A failure or an interrupt ends it: what is on the disk then shows when it is opened again, and not before."""
        try:
            yield
        except OSError as error:
            self._log.close()
            raise FederatedError(
                f"{self.folder}: the journal cannot be written: {error.strerror}; mend that, then resume in a new process"
            ) from error
        except BaseException:
            self._log.close()
            raise

    def _place(self, round_: int) -> Path:
        return self.folder / f"round-{round_}.answers"
