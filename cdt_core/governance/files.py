"""What files that only grow need of the disk: whole lines, whole writes, names that last, one writer at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["LONGEST_LINE", "lines_of", "make_whole", "open_alone", "replace_whole", "sync_folder", "write_all"]

#: Bytes of a line with its newline: nothing longer is written or read.
LONGEST_LINE = 1 << 20


def lines_of(file: Path | int) -> Iterator[tuple[int, bytes, bool]]:
    """Number (from 1), bytes without newline, and whether the newline is there, of each line.

    Of a handle that is locked, rather than of its name, which may be another file's by now. A line longer than
    :data:`LONGEST_LINE` comes cut to that size, without newline, and is the last.
    """
    with open(file, "rb", closefd=not isinstance(file, int)) as stream:
        stream.seek(0)
        number = 0
        while line := stream.readline(LONGEST_LINE):
            number += 1
            whole = line.endswith(b"\n")
            yield number, line.removesuffix(b"\n"), whole
            if not whole:
                return


def write_all(handle: int, content: bytes, offset: int) -> None:
    """Write every byte at ``offset``. ``OSError`` as the disk says."""
    left = memoryview(content)
    while left:
        written = os.pwrite(handle, left, offset)
        left, offset = left[written:], offset + written


def make_whole(path: Path, content: bytes, mode: int) -> bool:
    """Make a file of that content, durable and whole or not at all; False where the name is taken, which stays as it is."""
    part = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        write_all(handle, content, 0)
        os.fsync(handle)
        os.link(part, path)
    except FileExistsError:
        return False
    finally:
        os.close(handle)
        part.unlink(missing_ok=True)
    sync_folder(path.parent)
    return True


def replace_whole(path: Path, content: bytes) -> None:
    """Put that content at ``path``, for its owner alone: on disk, and whole or as it was before. One writer at a time.

    After a power cut the old content may be there again, unless :func:`sync_folder` follows.
    """
    part = path.with_name(f".{path.name}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        write_all(handle, content, 0)
        os.fsync(handle)
    finally:
        os.close(handle)
    part.replace(path)


def sync_folder(folder: Path) -> None:
    """Make a new name in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def open_alone(path: Path) -> int:
    """The file open to read and write, for this handle alone (``flock``, which ends with the process).

    ``BlockingIOError`` where another has it, any other ``OSError`` where it cannot be opened.
    """
    import fcntl

    handle = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return handle
    except BaseException:
        os.close(handle)
        raise
