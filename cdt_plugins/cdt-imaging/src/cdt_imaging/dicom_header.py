"""One DICOM file: its header, and where its pixels lie, checked against each other before a pixel is read."""

from __future__ import annotations

import io
import struct
from typing import IO, Any

import numpy as np
from attrs import frozen
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID

from cdt_core.errors import ReaderError
from cdt_core.hooks.source import Source
from cdt_imaging.dicom_elements import number, text
from cdt_imaging.dicom_file import UNDEFINED, cut_after, expanded
from cdt_imaging.geometry import expected_bytes
from cdt_imaging.quiet import quiet

__all__ = ["DicomImage", "NotAnImageError", "Pixels", "read_image"]

_PIXEL_TAGS = {
    (0x7FE0, 0x0010): "PixelData",
    (0x7FE0, 0x0008): "FloatPixelData",
    (0x7FE0, 0x0009): "DoubleFloatPixelData",
}
#: Words in the names of the storage classes that have pixels.
_IMAGES = ("Image", "Dose", "Segmentation", "Parametric Map", "Tomography")


class NotAnImageError(ReaderError):
    """A whole DICOM file of a kind that has no pixels: a report, a structure set, a directory."""


@frozen
class Pixels:
    """Where the pixels lie and how: what is needed to read a frame, and nothing else.

    ``shape`` is ``(frames, rows, columns, samples)``; ``dtype`` has the file's byte order. ``position`` and ``length`` are
    of the element's value; ``length`` is ``None`` for encapsulated (compressed) frames. ``expanded`` is the file's content
    where the file itself is deflated.
    """

    source: Source
    syntax: str
    shape: tuple[int, int, int, int]
    dtype: np.dtype[Any]
    bits: int
    stored_bits: int
    planar: int
    photometric: str
    position: int
    length: int | None
    expanded: bytes | None = None

    @property
    def needed(self) -> int:
        """Bytes that the header asks for, uncompressed."""
        return expected_bytes(self.source.location, self.shape, self.bits)

    def open(self) -> IO[bytes]:
        """The file, or its expanded content."""
        return self.source.open() if self.expanded is None else io.BytesIO(self.expanded)


@frozen(eq=False)
class DicomImage:
    """A header and its pixels; ``cut`` says what is incomplete in the file behind the pixels."""

    header: Dataset
    pixels: Pixels
    cut: str = ""


def read_image(source: Source) -> DicomImage:
    """Read the header and find the pixels.

    Raises
    ------
    ReaderError
        Not DICOM, no pixels, or fields that contradict each other.
    """
    where = source.location
    with source.open() as file:
        content = expanded(file, source)
        stream = file if content is None else io.BytesIO(content)
        header = _header(stream, where, bare=content is not None)
        keyword, position, length = _find_pixels(stream, header, where)
        cut = cut_after(stream, _encoding(header), position, length)
    return DicomImage(header, _pixels(source, header, keyword, (position, length), content), cut)


def _header(stream: IO[bytes], where: str, bare: bool = False) -> Dataset:
    head = stream.read(132)
    stream.seek(0)
    if not bare and head[128:] != b"DICM" and head[:1] not in (b"\x02", b"\x08"):
        raise ReaderError(f"{where}: not DICOM: no 'DICM' after 128 bytes, and no header without it")
    try:
        with quiet("pydicom"):  # values that bend the standard are kept as they are
            return dcmread(stream, stop_before_pixels=True, force=True)
    except Exception as error:  # pydicom raises errors of many kinds on damaged files
        raise ReaderError(f"{where}: the DICOM header is damaged: {type(error).__name__}: {error}") from error


def _encoding(header: Dataset) -> tuple[bool, bool]:
    """Whether value representations are implicit, and whether numbers are little-endian."""
    implicit, little = header.original_encoding
    return bool(implicit), bool(little)


def _find_pixels(stream: IO[bytes], header: Dataset, where: str) -> tuple[str, int, int]:
    """Keyword, position and length of the element that the stream stands at."""
    implicit, little = _encoding(header)
    order = "<" if little else ">"
    start = stream.tell()
    raw = stream.read(12).ljust(12, b"\0")
    group, element = struct.unpack_from(f"{order}HH", raw)
    keyword = _PIXEL_TAGS.get((group, element))
    if keyword is None:
        raise _no_pixels(header, where)
    if implicit:
        return keyword, start + 8, struct.unpack_from(f"{order}I", raw, 4)[0]
    return keyword, start + 12, struct.unpack_from(f"{order}I", raw, 8)[0]


def _no_pixels(header: Dataset, where: str) -> ReaderError:
    meta = getattr(header, "file_meta", None)
    kind = text(header, "SOPClassUID") or (text(meta, "MediaStorageSOPClassUID") if meta is not None else "")
    name = UID(kind).name if kind else ""
    if name != kind and "Rows" not in header and not any(word in name for word in _IMAGES):
        return NotAnImageError(f"{where}: is no image but {name}")
    return ReaderError(f"{where}: holds no pixel data{f' ({name})' if name else ''}: it is cut before its pixels")


def _pixels(source: Source, header: Dataset, keyword: str, place: tuple[int, int], expanded: bytes | None) -> Pixels:
    where = source.location
    rows, columns = (_count(header, name, where) for name in ("Rows", "Columns"))
    samples = _count(header, "SamplesPerPixel", where, 1)
    frames = _count(header, "NumberOfFrames", where, 1)
    bits = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}.get(keyword) or _count(header, "BitsAllocated", where)
    if bits not in (1, 8, 16, 32, 64):
        raise ReaderError(f"{where}: BitsAllocated is {bits}, not 1, 8, 16, 32 or 64")
    stored = bits if keyword != "PixelData" else _count(header, "BitsStored", where, bits)
    if stored > bits:
        raise ReaderError(f"{where}: the header contradicts itself: BitsStored {stored} over BitsAllocated {bits}")
    little = _encoding(header)[1]
    kind = "f" if keyword != "PixelData" else "i" if number(header, "PixelRepresentation") == 1 else "u"
    meta = getattr(header, "file_meta", None)
    syntax = str(meta.get("TransferSyntaxUID", "") if meta is not None else "")
    position, length = place
    return Pixels(
        source=source,
        syntax=syntax,
        shape=(frames, rows, columns, samples),
        dtype=np.dtype(f"{'<' if little else '>'}{kind}{max(1, bits // 8)}"),
        bits=bits,
        stored_bits=stored,
        planar=int(number(header, "PlanarConfiguration") or 0) if samples > 1 else 0,
        photometric=text(header, "PhotometricInterpretation"),
        position=position,
        length=None if length == UNDEFINED else length,
        expanded=expanded,
    )


def _count(header: Dataset, keyword: str, where: str, default: int | None = None) -> int:
    value = number(header, keyword)
    if value is None and default is not None and text(header, keyword) == "":
        return default
    if value is None or value < 1 or value != int(value):
        raise ReaderError(f"{where}: {keyword} is {text(header, keyword) or 'absent'}, not a positive whole number")
    return int(value)
