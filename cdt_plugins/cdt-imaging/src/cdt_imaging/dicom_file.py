"""The parts of a DICOM file that lie around its header: a deflated data set before it, elements behind the pixels."""

from __future__ import annotations

import struct
import zlib
from typing import IO

from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from cdt_core.errors import ReaderError
from cdt_core.hooks.source import Source

__all__ = ["UNDEFINED", "cut_after", "expanded"]

_PIXEL_GROUP = 0x7FE0
#: Value representations whose length takes four bytes (PS3.5 table 7.1-1).
_LONG_FORMS = (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
_DEFLATED = DeflatedExplicitVRLittleEndian.encode()
_NOT_DEFLATED = ExplicitVRLittleEndian.encode().ljust(len(_DEFLATED), b"\0")
#: Length of an element whose end is marked instead.
UNDEFINED = 0xFFFFFFFF


def expanded(file: IO[bytes], source: Source) -> bytes | None:
    """The content of a deflated file, with its data set inflated, at most ``max_expanded_bytes`` of it; else ``None``."""
    head = file.read(1024)
    file.seek(0)
    if _DEFLATED not in head or head[128:132] != b"DICM":
        return None
    group = struct.unpack_from("<I", head, 140)[0] if head[132:138] == b"\x02\0\0\0UL" else None
    if group is None:
        raise ReaderError(f"{source.location}: a deflated DICOM file without the length of its meta information")
    meta = file.read(144 + group)
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflate.decompress(file.read(), source.max_expanded_bytes)
    except zlib.error as error:
        raise ReaderError(f"{source.location}: the deflated data set is damaged: {error}") from error
    if inflate.unconsumed_tail:
        raise ReaderError(
            f"{source.location}: inflates to more than {source.max_expanded_bytes} bytes (max_expanded_bytes)"
        )
    if not inflate.eof:
        raise ReaderError(f"{source.location}: truncated inside the deflated data set")
    return meta.replace(_DEFLATED, _NOT_DEFLATED) + content


def cut_after(stream: IO[bytes], encoding: tuple[bool, bool], position: int, length: int) -> str:
    """What is wrong with the elements behind whole pixels (signatures, padding); empty when nothing is.

    ``encoding`` is (implicit value representations, little-endian); ``position`` and ``length`` are of the pixels.
    """
    implicit, little = encoding
    order, size = "<" if little else ">", stream.seek(0, 2)
    place = position + length
    while length != UNDEFINED and place < size:
        stream.seek(place)
        raw = stream.read(12)
        if not raw.strip(b"\0"):
            return ""
        if len(raw) < 8:
            return f"the file ends inside the header of an element, at byte {place}"
        group, element = struct.unpack_from(f"{order}HH", raw)
        if group < _PIXEL_GROUP:
            return ""
        if implicit:
            start, length = 8, struct.unpack_from(f"{order}I", raw, 4)[0]
        elif raw[4:6] in _LONG_FORMS:
            start, length = 12, struct.unpack_from(f"{order}I", raw.ljust(12, b"\0"), 8)[0]
        else:
            start, length = 8, struct.unpack_from(f"{order}H", raw, 6)[0]
        place += start + length
        if length != UNDEFINED and place > size:
            return f"element ({group:04X},{element:04X}) would end at byte {place} of {size}"
    return ""
