"""Text files, plain or gzipped: opened as a bounded stream, and scanned once for what is not UTF-8 text."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from attrs import frozen

from cdt_core.errors import ReaderError
from cdt_core.hooks.source import Source

__all__ = ["TextScan", "open_text", "scan_text"]

_GZIP = b"\x1f\x8b"
_PIECE_BYTES = 1 << 20
_SAMPLE_BYTES = 1 << 16
_BOM = codecs.BOM_UTF8


@frozen
class TextScan:
    """The first lines (as text, without their ends), the size in bytes, and whether the last line is ended."""

    lines: tuple[str, ...]
    size: int
    terminated: bool


class _Bounded(io.RawIOBase):
    """A stream of expanded bytes that ends in an error when there are too many, or the gzip stream is damaged."""

    def __init__(self, source: Source, stream: IO[bytes]) -> None:
        self._source = source
        self._stream = stream
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            piece = self._stream.read(len(buffer))
        except (EOFError, zlib.error, OSError) as error:
            raise ReaderError(
                f"{self._source.location}: damaged or truncated after {self._count} expanded bytes: {error}"
            ) from error
        self._count += len(piece)
        limit = self._source.max_expanded_bytes
        if self._count > limit:
            raise ReaderError(
                f"{self._source.location}: expands to more than {limit} bytes (max_expanded_bytes), the most that is read"
            )
        buffer[: len(piece)] = piece
        return len(piece)


@contextmanager
def open_text(source: Source) -> Iterator[IO[bytes]]:
    """The bytes of a text file, expanded, in pieces, never more than ``max_expanded_bytes``."""
    packed = source.head(2) == _GZIP
    with source.open() as file:
        stream = cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if packed else file
        yield io.BufferedReader(_Bounded(source, stream), _PIECE_BYTES)


def scan_text(source: Source) -> TextScan:
    """Read the file once.

    Raises
    ------
    ReaderError
        Bytes that are not UTF-8, or NUL bytes: names the line and the byte offset.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    sample, size, lines, last = b"", 0, 0, b""
    with open_text(source) as stream:
        while piece := stream.read(_PIECE_BYTES):
            pending = decoder.getstate()[0]
            _check(source, decoder, piece, (size - len(pending), lines))
            if len(sample) < _SAMPLE_BYTES or b"\n" not in sample:
                sample += piece
            size, lines, last = size + len(piece), lines + piece.count(b"\n"), piece[-1:]
    if decoder.getstate()[0]:
        raise ReaderError(f"{source.location}: line {lines + 1}, byte {size}: ends inside a character; it was cut")
    if not size:
        raise ReaderError(f"{source.location}: the file is empty")
    return TextScan(_first_lines(sample), size, last in (b"\n", b"\r"))


def _first_lines(sample: bytes) -> tuple[str, ...]:
    text = sample.removeprefix(_BOM).decode("utf-8", "ignore")
    if len(sample) > _SAMPLE_BYTES and "\n" in text:
        cut = max(text.rfind("\n", 0, _SAMPLE_BYTES), text.find("\n"))
        text = text[:cut]
    return tuple(re.split(r"\r\n|\n|\r", text.rstrip("\r\n")))


def _check(source: Source, decoder: Any, piece: bytes, place: tuple[int, int]) -> None:
    start, lines = place
    if start == 0 and piece[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raise ReaderError(f"{source.location}: line 1, byte 0: the text is UTF-16; convert it to UTF-8")
    if b"\0" in piece:
        at = piece.index(b"\0")
        line = lines + piece.count(b"\n", 0, at) + 1
        raise ReaderError(f"{source.location}: line {line}, byte {start + at}: a NUL byte; this is not UTF-8 text")
    try:
        decoder.decode(piece)
    except UnicodeDecodeError as error:
        line = lines + error.object.count(b"\n", 0, error.start) + 1
        offset = start + error.start
        found = error.object[error.start : error.start + 1].hex()
        raise ReaderError(
            f"{source.location}: line {line}, byte {offset}: 0x{found} is not UTF-8; the file has another encoding or mixes "
            "several; convert it to UTF-8"
        ) from error
