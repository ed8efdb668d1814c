"""How long work in a thread hears that nobody waits for it any more: signals reach the main thread alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Stopped", "heed", "stoppable"]

_of_thread = threading.local()


class Stopped(BaseException):
    """Raised in work that was told to stop. No error: as with ``KeyboardInterrupt``, nobody who treats errors catches it."""


@contextmanager
def stoppable(stop: threading.Event) -> Iterator[None]:
    """Within, :func:`heed` raises :class:`Stopped` in this thread once ``stop`` is set."""
    before = getattr(_of_thread, "stop", None)
    _of_thread.stop = stop
    try:
        yield
    finally:
        _of_thread.stop = before


def heed() -> None:
    """Raise :class:`Stopped` if this thread was told to stop. Long work calls it several times a second."""
    stop = getattr(_of_thread, "stop", None)
    if stop is not None and stop.is_set():
        raise Stopped
