"""Tensor trains as streams of bytes and files; FORMAT.md, "Tensor trains", is the specification."""

from __future__ import annotations

import errno
import math
import os
import secrets
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from cdt_core.errors import CorruptStreamError, OutputError, ReaderError
from cdt_core.kernels.tensor_train.envelope import CODES, DTYPES, Envelope, number

__all__ = ["pack", "read", "unpack", "write"]

Array = NDArray[Any]

_ENVELOPE = Envelope(b"\x93CTT", 1, "tensor train")
_ERROR_KNOWN = 1


def pack(cores: Sequence[Array], error: float | None) -> bytes:
    """The stream of a train."""
    fields = bytes([CODES[cores[0].dtype.newbyteorder("<")], 0 if error is None else _ERROR_KNOWN])
    if error is not None:
        fields += struct.pack("<d", error)
    sides = (len(cores), *(core.shape[1] for core in cores), *(core.shape[2] for core in cores[:-1]))
    return _ENVELOPE.closed(fields + b"".join(map(number, sides)), cores)


def unpack(stream: bytes | bytearray | memoryview) -> tuple[list[Array], float | None]:
    """Cores and error of a stream. Nothing is allocated that the stream itself is not as large as.

    Raises
    ------
    CorruptStreamError
        Truncated, mutated, or no stream of a tensor train; says where.
    """
    source = _ENVELOPE.opened(stream)
    code, flags = source.take(2, "type and flags")
    if code not in DTYPES or flags not in (0, _ERROR_KNOWN):
        raise CorruptStreamError(
            f"offset 5: type {code} or flags {flags} that no tensor train has; the stream is damaged"
        )
    error: float | None = struct.unpack("<d", source.take(8, "error"))[0] if flags else None
    if error is not None and not 0.0 <= error < math.inf:
        raise CorruptStreamError(f"offset 7: the error is {error}, which no train has; the stream is damaged")
    shape, inner = source.sides()
    source.check(0, "head")
    ranks = [1, *inner, 1]
    return source.arrays([(ranks[k], n, ranks[k + 1]) for k, n in enumerate(shape)], DTYPES[code], "cores"), error


def write(path: str | os.PathLike[str], stream: bytes) -> None:
    """Put a stream into a file that has its name only once it is complete.

    Raises
    ------
    OutputError
        The folder is missing, or the disk refuses.
    """
    target = Path(path)
    part = target.parent / f".{secrets.token_hex(8)}.cdt-partial"
    try:
        if not target.name:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        try:
            with part.open("xb") as file:
                file.write(stream)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise OutputError(
            f"{str(target)!r}: the train cannot be written: {_why(error)}; choose a place and a name that can be"
        ) from error


def read(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a file.

    Raises
    ------
    ReaderError
        There is none, or it cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise ReaderError(f"{str(path)!r}: cannot be read: {_why(error)}") from error


def _why(error: OSError | ValueError) -> str:
    """What the system says; a name with a null character never gets there."""
    return str(getattr(error, "strerror", None) or error)
