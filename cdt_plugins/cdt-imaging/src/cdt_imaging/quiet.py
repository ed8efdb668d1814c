"""What imaging libraries warn of and log, kept from the user's terminal and, where it matters, looked at."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quiet"]

#: Filters of warnings and handlers of loggers belong to the whole process: one thread sets them at a time.
_ONE_AT_A_TIME = threading.RLock()


class _Heard(logging.Handler):
    """Keeps what is logged."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record."""
        self.records.append(record)


@contextmanager
def quiet(library: str) -> Iterator[list[logging.LogRecord]]:
    """Ignore warnings, and collect what the logger of ``library`` is told at level WARNING or above."""
    logger, handler = logging.getLogger(library), _Heard(logging.WARNING)
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = logger.propagate
        logger.addHandler(handler)
        logger.propagate = False
        try:
            yield handler.records
        finally:
            logger.removeHandler(handler)
            logger.propagate = before
