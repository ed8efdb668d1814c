"""Where an audit log goes on: its last signed head, and what a crash left behind that."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from cdt_core.errors import OutputError, ProtocolError
from cdt_core.governance.chain import Head, Header, key_bytes, read_line
from cdt_core.governance.files import LONGEST_LINE, sync_folder
from cdt_core.governance.linked import digest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = ["Aside", "Tail", "set_aside", "tail_of"]

#: Bytes that are looked at first from the end of a log; doubled until a head is among them.
_FIRST_LOOK = 1 << 16

#: Bytes that are copied at once.
_PIECE = 1 << 20


@frozen
class Tail:
    """The header, the last head that holds, the offset behind it, and how many bytes follow it that nobody signed."""

    header: Header
    head: Head
    end: int
    left: int


@frozen
class Aside:
    """Where the bytes of a crash went, and their SHA-256."""

    path: Path
    sha256: str


def tail_of(handle: int, path: Path, key: Ed25519PublicKey) -> Tail:
    """The end of the log that is open; reads back to the last head only.

    Raises
    ------
    OutputError
        It is no audit log, or another key's, or its end is not what a crash leaves: a whole head that does not hold, a
        chain that is broken.
    """
    size = os.fstat(handle).st_size
    header = _header(handle, path)
    own = key_bytes(key).hex()
    if header.key != own:
        raise OutputError(f"{path}: this audit log is signed by key {header.key[:16]}, and yours is {own[:16]}")
    look = _FIRST_LOOK
    while True:
        start = max(0, size - look)
        found = _last_head(os.pread(handle, size - start, start), path)
        if found is not None:
            break
        if start == 0:
            raise OutputError(
                f"{path}: no signed head is left in this audit log; keep it as evidence and begin a new one"
            )
        look *= 2
    offset, head = found
    end = start + offset + len(head.line()) + 1
    if not head.is_signed_by(key) or head.log != header.log:
        raise OutputError(
            f"{path}: the head of {head.count} entries is not signed by key {own[:16]}; 'cdt audit verify' says more"
        )
    _check_link(handle, path, start + offset, head)
    return Tail(header, head, end, size - end)


def _header(handle: int, path: Path) -> Header:
    line = os.pread(handle, LONGEST_LINE, 0).partition(b"\n")[0]
    try:
        header = read_line(line)
    except ProtocolError as error:
        raise OutputError(f"{path}: no audit log: {error}") from error
    if not isinstance(header, Header):
        raise OutputError(f"{path}: no audit log: the first line is no header")
    return header


def _last_head(data: bytes, path: Path) -> tuple[int, Head] | None:
    """Offset and value of the last line that is a head, of a window whose first line is the header or is cut.

    A crash cuts a group off, so that whole lines behind the last head are entries; anything else is somebody's work.
    """
    ends = data.rfind(b"\n")
    while ends > 0:
        starts = data.rfind(b"\n", 0, ends) + 1
        if starts == 0:
            break
        try:
            value = read_line(data[starts:ends])
        except ProtocolError as error:
            raise OutputError(
                f"{path}: a line behind its last head cannot be read ({error}); 'cdt audit verify' says more"
            ) from error
        if isinstance(value, Head):
            return starts, value
        ends = starts - 1
    return None


def _check_link(handle: int, path: Path, offset: int, head: Head) -> None:
    """The line before the head is the one that the head signed."""
    before = os.pread(handle, min(offset, LONGEST_LINE), max(0, offset - LONGEST_LINE))
    line = before.removesuffix(b"\n").rpartition(b"\n")[2]
    if digest(line) != head.previous:
        raise OutputError(f"{path}: the last entry is not the one that was signed; 'cdt audit verify' says more")


def set_aside(handle: int, path: Path, end: int, left: int) -> Aside:
    """Copy the bytes behind ``end`` into a file beside the log, durably, then cut them off the log."""
    number = 1
    while os.path.lexists(aside := path.with_name(f"{path.name}.torn-{number}")):
        number += 1
    whole, offset = hashlib.sha256(), end
    with aside.open("xb") as file:
        while offset < end + left:
            piece = os.pread(handle, min(_PIECE, end + left - offset), offset)
            if not piece:
                raise OutputError(f"{path}: it was cut by another program while its end was set aside; open it again")
            file.write(piece)
            whole.update(piece)
            offset += len(piece)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)
    os.ftruncate(handle, end)
    return Aside(aside, whole.hexdigest())
