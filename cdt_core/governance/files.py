"""What files that only grow need of the disk: whole writes, names that last, one writer at a time."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["is_locked_alone", "read_all", "sync_folder", "write_all"]


def write_all(handle: int, content: bytes, offset: int) -> None:
    """Write every byte at ``offset``; at the end of the file, where it was opened to append. ``OSError`` as the disk says."""
    left = memoryview(content)
    while left:
        written = os.pwrite(handle, left, offset)
        left, offset = left[written:], offset + written


def read_all(handle: int) -> bytes:
    """The whole file, of the very handle that is locked: its name may be another file's by now."""
    with open(handle, "rb", closefd=False) as file:
        file.seek(0)
        return file.read()


def sync_folder(folder: Path) -> None:
    """Make a new name in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_locked_alone(handle: int) -> bool:
    """Lock the file for this handle (``flock``, which ends with the process); False where another has it."""
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
