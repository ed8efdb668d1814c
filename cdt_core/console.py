"""Progress for people: a live bar in a terminal, plain lines elsewhere. Always on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cdt_core.report import numbers

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from cdt_core.progress import Progress

__all__ = ["progress_shown", "seconds_text", "size_text"]

#: Seconds between two plain lines.
_PLAIN_SECONDS = 5.0


def size_text(count: float) -> str:
    """Bytes for people, in decimal units: ``"4.17 MB"``."""
    return _plain(numbers.size(count))


def seconds_text(value: float | None) -> str:
    """A time for people: ``"12 ms"``."""
    return "-" if value is None else _plain(numbers.seconds(value))


def _plain(text: str) -> str:
    """With the space that people search for in a terminal."""
    return text.replace("\u00a0", " ")


class _Plain:
    """Lines such as ``treat: 45 %, 220 MB/s, 12 s left``, every few seconds."""

    def __init__(self) -> None:
        self.name, self.total, self.done = "", 0, 0
        self.begin = self.last = time.monotonic()

    def stage(self, name: str, total_bytes: int) -> None:
        """Begin a stage."""
        self.name, self.total, self.done = name, total_bytes, 0
        self.begin = self.last = time.monotonic()
        print(f"{name}: {size_text(total_bytes)}" if total_bytes else name, file=sys.stderr, flush=True)

    def advance(self, raw_bytes: int) -> None:
        """Count, and print now and then."""
        self.done += raw_bytes
        now = time.monotonic()
        if now - self.last < _PLAIN_SECONDS or not self.total:
            return
        self.last = now
        speed = self.done / (now - self.begin)
        left = (self.total - self.done) / speed if speed else 0.0
        share = 100 * self.done / self.total
        print(f"{self.name}: {share:.0f} %, {size_text(speed)}/s, {left:.0f} s left", file=sys.stderr, flush=True)


class _Live:
    """One bar per stage with throughput and time left."""

    def __init__(self, bars: Bars) -> None:
        self.bars = bars
        self.task: TaskID | None = None

    def stage(self, name: str, total_bytes: int) -> None:
        """Begin a stage; the one before is complete."""
        self._complete()
        self.task = self.bars.add_task(name, total=total_bytes or None)

    def advance(self, raw_bytes: int) -> None:
        """Move the bar."""
        if self.task is not None:
            self.bars.advance(self.task, raw_bytes)

    def _complete(self) -> None:
        if self.task is not None:
            task = self.bars.tasks[self.bars.task_ids.index(self.task)]
            total = task.total or task.completed or 1
            self.bars.update(self.task, total=total, completed=total)

    def close(self) -> None:
        """The last stage is complete."""
        self._complete()


@contextmanager
def progress_shown(quiet: bool) -> Iterator[Progress]:
    """A progress display for the time of a ``with`` block: none when ``quiet``."""
    from cdt_core.progress import Silent

    if quiet:
        yield Silent()
    elif not sys.stderr.isatty():
        yield _Plain()
    else:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
        from rich.progress import Progress as Bars

        columns = (TextColumn("{task.description:>8}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Bars(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bars:
            live = _Live(bars)
            yield live
            live.close()
