"""Blocks of a TIFF series: only the strips or tiles that a block touches are read and decoded."""

from __future__ import annotations

import math
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any

import numpy as np
from attrs import define, field, frozen
from numpy.typing import NDArray
from tifffile import TiffFile

from cdt_core.errors import ReaderError
from cdt_core.hooks.source import Source

__all__ = ["Layout", "PageSeries", "check_segments", "layout_of"]

#: Axis letter of a page -> its place in tifffile's normalised shape (planes, depth, length, width, samples).
_PLACES = {"Z": 1, "Y": 2, "X": 3}
_DEFLATE = (8, 32946)
_UNCOMPRESSED = 1


@frozen
class Layout:
    """How the pages of a series are cut into strips or tiles; shapes are (planes, depth, length, width, samples)."""

    shaped: tuple[int, ...]
    chunk: tuple[int, ...]
    places: tuple[int, ...]
    dtype: np.dtype[Any]
    compression: int
    fill: float | int
    whole: bool

    @property
    def grid(self) -> tuple[int, ...]:
        """Strips or tiles along each axis; colours of one pixel are never apart."""
        return tuple(-(-n // c) for n, c in zip(self.shaped, self.chunk, strict=True))

    @property
    def chunk_bytes(self) -> int:
        """Bytes of one decoded strip or tile."""
        return math.prod(self.chunk) * self.dtype.itemsize


def layout_of(page: Any) -> Layout:
    """The layout of a tifffile key frame."""
    shaped = tuple(int(n) for n in page.shaped)
    if page.is_tiled:
        sizes = (int(page.tiledepth), int(page.tilelength), int(page.tilewidth))
    else:
        sizes = (1, min(int(page.rowsperstrip), shaped[2]), shaped[3])
    places = tuple(_PLACES.get(letter, 0 if shaped[0] > 1 else 4) for letter in page.axes)
    return Layout(
        shaped=shaped,
        chunk=(1, *sizes, shaped[4]),
        places=places,
        dtype=np.dtype(page.dtype),
        compression=int(page.compression),
        fill=page.nodata,
        whole=int(page.bitspersample) == 8 * np.dtype(page.dtype).itemsize,
    )


@define
class PageSeries:
    """Blocks of a series whose pages are strips or tiles, plain or compressed.

    ``offsets`` and ``counts`` are (pages, segments). The decoder is made at the first use, in each process, from the key
    frame of ``series`` and ``level`` of the file.
    """

    source: Source
    series: int
    level: int
    leading: tuple[int, ...]
    layout: Layout
    offsets: NDArray[np.int64]
    counts: NDArray[np.int64]
    _decoder: Callable[[bytes, int], Any] | None = None
    _lock: threading.Lock = field(factory=threading.Lock)

    def __call__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        """The values in ``region``."""
        depth = len(self.leading)
        lead = region[:depth]
        pages = np.arange(len(self.offsets)).reshape(self.leading)[lead]
        inside = [slice(0, n, 1) for n in self.layout.shaped]
        for place, part in zip(self.layout.places, region[depth:], strict=True):
            inside[place] = part
        with self.source.open() as file:
            found = [self._page(file, page, tuple(inside)) for page in pages.reshape(-1).tolist()]
        lengths = [len(range(*part.indices(self.layout.shaped[place]))) for place, part in self._inner(region[depth:])]
        return np.array(found, self.layout.dtype.newbyteorder("=")).reshape(*pages.shape, *lengths)

    def _inner(self, region: tuple[slice, ...]) -> Iterator[tuple[int, slice]]:
        return zip(self.layout.places, region, strict=True)

    def _page(self, file: IO[bytes], page: int, region: tuple[slice, ...]) -> NDArray[Any]:
        low = [part.start for part in region]
        lengths = [max(0, part.stop - part.start) for part in region]
        layout = self.layout
        values = np.full(lengths, layout.fill, layout.dtype.newbyteorder("="))
        ranges = [
            range(start // chunk, -(-(start + length) // chunk)) if length else range(0)
            for start, length, chunk in zip(low, lengths, layout.chunk, strict=True)
        ]
        for index in np.ndindex(*(len(part) for part in ranges)):
            place = tuple(part[i] for part, i in zip(ranges, index, strict=True))
            segment = int(np.ravel_multi_index(place, layout.grid))
            decoded = self.segment(file, page, segment)
            if decoded is None:
                continue
            into, out = [], []
            for start, length, chunk, at, size in zip(low, lengths, layout.chunk, place, decoded.shape, strict=True):
                first, last = max(start, at * chunk), min(start + length, at * chunk + size)
                into.append(slice(first - start, max(first, last) - start))
                out.append(slice(first - at * chunk, max(first, last) - at * chunk))
            values[tuple(into)] = decoded[tuple(out)]
        return values[tuple(slice(None, None, part.step) for part in region)]

    def segment(self, file: IO[bytes], page: int, segment: int) -> NDArray[Any] | None:
        """One strip or tile, five-dimensional; ``None`` when it was never written."""
        offset, count = int(self.offsets[page, segment]), int(self.counts[page, segment])
        if not offset or not count:
            return None
        file.seek(offset)
        raw = file.read(count)
        where = f"{self.source.location}: page {page}, strip or tile {segment}"
        if len(raw) < count:
            raise ReaderError(f"{where}: truncated: {len(raw)} of {count} bytes")
        if self.layout.compression in _DEFLATE:
            _check_inflated(raw, 2 * self.layout.chunk_bytes + 1024, where)
        try:
            decoded, _, _ = self._decode(raw, segment)
        except Exception as error:  # each codec has its own errors
            raise ReaderError(f"{where}: cannot be decoded: {type(error).__name__}: {error}") from error
        return None if decoded is None else np.asarray(decoded)[np.newaxis]

    def _decode(self, raw: bytes, segment: int) -> Any:
        with self._lock:
            if self._decoder is None:
                with self.source.open() as file, TiffFile(file) as tiff:
                    page = tiff.series[self.series].levels[self.level].keyframe
                    tables = {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader}
                    decode, more = page.decode, tables if self.layout.compression in (6, 7, 33007, 34892) else {}
                self._decoder = lambda data, index: decode(data, index, **more)
        return self._decoder(raw, segment)

    def __getstate__(self) -> tuple[Any, ...]:
        return self.source, self.series, self.level, self.leading, self.layout, self.offsets, self.counts

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.source, self.series, self.level, self.leading, self.layout, self.offsets, self.counts = state
        self._decoder, self._lock = None, threading.Lock()


def _check_inflated(raw: bytes, most: int, where: str) -> None:
    """Refuse a strip that would inflate far past what it should hold, before the library inflates it."""
    if len(raw) * 1032 <= most:  # the most that deflate can expand
        return
    inflate, length, piece = zlib.decompressobj(), 0, raw
    try:
        while piece and length <= most:
            length += len(inflate.decompress(piece, 1 << 20))
            piece = inflate.unconsumed_tail
    except zlib.error as error:
        raise ReaderError(f"{where}: the deflated data is damaged: {error}") from error
    if length > most:
        raise ReaderError(f"{where}: inflates to more than the {most} bytes that it may hold")


def check_segments(series: PageSeries, size: int, allow_partial: bool) -> str:
    """What is wrong with the strips or tiles, as one line; empty when all are whole.

    Raises
    ------
    ReaderError
        A strip or tile lies outside of the file or is shorter than its values, unless ``allow_partial``; or none is there.
    """
    where, layout = series.source.location, series.layout
    series.source.check_cap("one strip or tile", layout.chunk_bytes)
    present = (series.offsets > 0) & (series.counts > 0)
    if not present.any():
        raise ReaderError(f"{where}: no strip or tile of the image is there: it holds no pixel data")
    outside = present & (series.offsets + series.counts > size)
    if layout.compression == _UNCOMPRESSED and layout.whole:
        outside |= present & (series.counts < _least_bytes(layout))
    if not outside.any():
        missing = int((~present).sum())
        return (
            f"{missing} of {present.size} strips or tiles were never written and read as {layout.fill}"
            if missing
            else ""
        )
    page, segment = (int(index) for index in np.argwhere(outside)[0])
    message = (
        f"{where}: truncated or damaged: {int(outside.sum())} of {outside.size} strips or tiles are not whole, the first is "
        f"number {segment} of page {page}: {int(series.counts[page, segment])} bytes at byte "
        f"{int(series.offsets[page, segment])} of a file of {size}"
    )
    if not allow_partial:
        raise ReaderError(message)
    series.counts[outside] = 0
    return f"{message}; they read as {layout.fill}"


def _least_bytes(layout: Layout) -> int:
    """Bytes that the smallest strip or tile must have; strips at the lower edge are cut."""
    rows = layout.chunk[2]
    if layout.chunk[3] == layout.shaped[3] and layout.shaped[2] % rows:
        rows = layout.shaped[2] % rows
    return layout.chunk_bytes // layout.chunk[2] * rows
