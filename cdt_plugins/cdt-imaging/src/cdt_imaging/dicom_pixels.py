"""Blocks of pixels of a DICOM file: memory-mapped where they lie plain, decoded frame by frame where not."""

from __future__ import annotations

import struct
from typing import IO, Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from cdt_core.errors import ReaderError
from cdt_core.hooks.lazy import BlockReader
from cdt_imaging.dicom_header import Pixels
from cdt_imaging.lazy import StoredValues
from cdt_imaging.quiet import quiet

__all__ = ["block_reader", "stored_bytes"]

_UNBOUNDED = 1 << 62
_ITEM, _END = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD)


@frozen
class _Plain:
    """Whole samples, in C order; colour planes are moved behind the columns."""

    stored: StoredValues
    planar: bool

    def __call__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        if not self.planar:
            return self.stored(region)
        frames, rows, columns, samples = region
        return np.moveaxis(self.stored((frames, samples, rows, columns)), 1, 3)


@frozen
class _Bits:
    """One bit per sample, least significant bit first, frames without gaps between them (PS3.5 section 8.1.1)."""

    pixels: Pixels

    def __call__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        frames = []
        size = int(np.prod(self.pixels.shape[1:]))
        with self.pixels.open() as file:
            for frame in range(*region[0].indices(self.pixels.shape[0])):
                first, last = frame * size, (frame + 1) * size
                file.seek(self.pixels.position + first // 8)
                raw = np.frombuffer(file.read(-(-last // 8) - first // 8), np.uint8)
                bits = np.unpackbits(raw, bitorder="little")[first % 8 : first % 8 + size]
                frames.append(bits.reshape(self.pixels.shape[1:])[region[1:]])
        return (
            np.stack(frames) if frames else np.empty((0, *self.pixels.shape[1:]), np.uint8)[(slice(None), *region[1:])]
        )


@frozen
class _Encapsulated:
    """Compressed frames; ``frames`` holds, for each, the (position, length) of its fragments."""

    pixels: Pixels
    frames: tuple[tuple[tuple[int, int], ...], ...]

    def __call__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        chosen = range(*region[0].indices(len(self.frames)))
        result = [self._decoded(frame)[region[1:]] for frame in chosen]
        dtype = self.pixels.dtype.newbyteorder("=")
        return np.stack(result) if result else np.empty((0, *self.pixels.shape[1:]), dtype)[(slice(None), *region[1:])]

    def _decoded(self, frame: int) -> NDArray[Any]:
        with self.pixels.open() as file:
            raw = b"".join(_at(file, position, length) for position, length in self.frames[frame])
        try:
            with quiet("pydicom"):
                values = _decode(self.pixels, raw)
        except Exception as error:  # each decoder has its own errors
            raise ReaderError(f"{self.pixels.source.location}: frame {frame} cannot be decoded: {error}") from error
        expected = self.pixels.shape[1:]
        if values.size != np.prod(expected):
            raise ReaderError(
                f"{self.pixels.source.location}: frame {frame} decodes to shape {values.shape}, not {expected}"
            )
        return values.reshape(expected)


def _at(file: IO[bytes], position: int, length: int) -> bytes:
    file.seek(position)
    return file.read(length)


def _decode(pixels: Pixels, raw: bytes) -> NDArray[Any]:
    _, rows, columns, samples = pixels.shape
    layout: dict[str, Any] = {
        "rows": rows,
        "columns": columns,
        "number_of_frames": 1,
        "samples_per_pixel": samples,
        "photometric_interpretation": pixels.photometric,
        "bits_allocated": pixels.bits,
        "bits_stored": pixels.stored_bits,
        "pixel_representation": int(pixels.dtype.kind == "i"),
        "planar_configuration": pixels.planar,
        "pixel_keyword": "PixelData",
    }
    encapsulated = encapsulate([raw], has_bot=False)
    values, _ = get_decoder(UID(pixels.syntax)).as_array(encapsulated, index=0, raw=True, **layout)
    return np.asarray(values)


def stored_bytes(pixels: Pixels, file_size: int) -> int:
    """Bytes of uncompressed pixels that the file really has."""
    assert pixels.length is not None
    return max(0, min(pixels.length, file_size - pixels.position))


def block_reader(pixels: Pixels) -> BlockReader:
    """The reader of blocks ``(frames, rows, columns, samples)``.

    Raises
    ------
    ReaderError
        The pixels are shorter than the header says, or compressed in a way that no installed decoder knows.
    """
    where = pixels.source.location
    if pixels.length is None:
        return _Encapsulated(pixels, _frames(pixels))
    syntax = UID(pixels.syntax)
    if syntax.is_transfer_syntax and syntax.is_encapsulated:
        raise ReaderError(f"{where}: the transfer syntax is {syntax.name}, but the pixels are not encapsulated")
    if pixels.photometric == "YBR_FULL_422":
        raise ReaderError(f"{where}: uncompressed YBR_FULL_422 pixels cannot be read; convert them to RGB first")
    if pixels.bits == 1:
        return _Bits(pixels)
    frames, rows, columns, samples = pixels.shape
    shape = (frames, samples, rows, columns) if pixels.planar else pixels.shape
    stored = StoredValues(pixels.source, pixels.position, shape, pixels.dtype, pixels.expanded)
    return _Plain(stored, bool(pixels.planar))


def _frames(pixels: Pixels) -> tuple[tuple[tuple[int, int], ...], ...]:
    where, count = pixels.source.location, pixels.shape[0]
    syntax = UID(pixels.syntax)
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise ReaderError(f"{where}: the transfer syntax {syntax.name} ({syntax}) cannot be decoded") from None
    if not decoder.is_available:
        needs = "; or ".join(decoder.missing_dependencies)
        raise ReaderError(f"{where}: pixels in {syntax.name} need a decoder that is not installed: {needs}")
    with pixels.open() as file:
        offsets, fragments = _fragments(file, pixels, where)
    if len(fragments) == count:
        return tuple((fragment,) for fragment in fragments)
    if count == 1 and fragments:
        return (tuple(fragments),)
    if len(offsets) == count:
        start = fragments[0][0] - 8
        ends = [*offsets[1:], _UNBOUNDED]
        grouped = tuple(
            tuple(f for f in fragments if low <= f[0] - 8 - start < high)
            for low, high in zip(offsets, ends, strict=True)
        )
        if all(grouped):
            return grouped
    raise ReaderError(f"{where}: the header asks for {count} frames, but the pixels are {len(fragments)} fragments")


def _fragments(file: IO[bytes], pixels: Pixels, where: str) -> tuple[list[int], list[tuple[int, int]]]:
    """The offset table, and position and length of each fragment; the sequence must end as it should."""
    size = file.seek(0, 2)
    position = pixels.position
    found: list[tuple[int, int]] = []
    while True:
        file.seek(position)
        raw = file.read(8)
        if len(raw) < 8:
            raise ReaderError(
                f"{where}: truncated: the compressed pixels end after {len(found)} fragments, without end mark"
            )
        group, element, length = struct.unpack("<HHI", raw)
        if (group, element) == _END:
            break
        if (group, element) != _ITEM or position + 8 + length > size:
            raise ReaderError(f"{where}: truncated or damaged: no whole fragment of pixels at byte {position}")
        found.append((position + 8, length))
        position += 8 + length
    if not found:
        raise ReaderError(f"{where}: the compressed pixels lack their offset table")
    table = _at(file, *found[0])
    return list(struct.unpack(f"<{len(table) // 4}I", table[: len(table) // 4 * 4])), found[1:]
