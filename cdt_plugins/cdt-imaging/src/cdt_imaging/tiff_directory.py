"""The chain of directories of a TIFF file, walked by hand: the library stops silently where a chain is cut."""

from __future__ import annotations

import struct
from typing import IO

from attrs import frozen

from cdt_core.errors import ReaderError

__all__ = ["count_pages"]

_MOST_PAGES = 10_000_000


@frozen
class _Layout:
    """Sizes and formats of classic TIFF or BigTIFF: the first link's place, a link, a count of entries, an entry."""

    first: int
    link: str
    count: str
    entry: int


#: Bytes per value of the types of tags, by code.
_TYPE_BYTES = dict(zip(range(1, 19), (1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8), strict=True))
_LAYOUTS = {42: _Layout(4, "I", "H", 12), 43: _Layout(8, "Q", "Q", 20)}


def count_pages(file: IO[bytes], where: str) -> int:
    """Number of directories (pages) in the chain.

    Raises
    ------
    ReaderError
        Not TIFF, or a link of the chain leads out of the file, into a cut directory, or back.
    """
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    layout = _LAYOUTS.get(struct.unpack_from(f"{order}H", head, 2)[0]) if order and len(head) >= 8 else None
    if order is None or layout is None or len(head) < layout.first + struct.calcsize(layout.link):
        raise ReaderError(f"{where}: not TIFF: starts with {head[:4]!r}")
    position = struct.unpack_from(f"{order}{layout.link}", head, layout.first)[0]
    seen: set[int] = set()
    while position:
        if position in seen or len(seen) >= _MOST_PAGES:
            raise ReaderError(f"{where}: damaged: page {len(seen)} leads back to an earlier one")
        seen.add(position)
        position = _next(file, f"{where}: page {len(seen) - 1}", (order, layout), position, size)
    if not seen:
        raise ReaderError(f"{where}: a TIFF file without pages")
    return len(seen)


def _next(file: IO[bytes], where: str, form: tuple[str, _Layout], position: int, size: int) -> int:
    order, layout = form
    width, link = struct.calcsize(layout.count), struct.calcsize(layout.link)
    if position + width > size:
        raise ReaderError(f"{where}: truncated: its directory would be at byte {position} of {size}")
    file.seek(position)
    entries = struct.unpack(f"{order}{layout.count}", file.read(width))[0]
    end = position + width + entries * layout.entry
    if entries == 0 or end + link > size:
        raise ReaderError(
            f"{where}: truncated or damaged: its directory of {entries} entries would end at byte {end} of {size}"
        )
    _check_values(file.read(end - position - width), where, form, size)
    following: int = struct.unpack(f"{order}{layout.link}", file.read(link))[0]
    return following


def _check_values(entries: bytes, where: str, form: tuple[str, _Layout], size: int) -> None:
    """Values of tags that lie elsewhere in the file must lie in it."""
    order, layout = form
    link = struct.calcsize(layout.link)
    for tag, kind, count, value in struct.iter_unpack(f"{order}HH{layout.link}{layout.link}", entries):
        length = _TYPE_BYTES.get(kind, 0) * count
        if length > link and value + length > size:
            raise ReaderError(
                f"{where}: truncated or damaged: the {length} bytes of tag {tag} would end at byte {value + length} of {size}"
            )
