"""The header of a NIfTI-1 or NIfTI-2 file, checked field by field: the library accepts and mends what contradicts itself."""

from __future__ import annotations

import math
import struct
from typing import IO, Any

import nibabel
import numpy as np
from attrs import frozen

from cdt_core.errors import ReaderError
from cdt_imaging.geometry import expected_bytes, json_value

__all__ = ["NiftiHeader", "read_header"]

_SIZES: dict[int, Any] = {348: nibabel.Nifti1Header, 540: nibabel.Nifti2Header}
#: Codes of ``xyzt_units``: the low three bits are of space, the next three of the fourth axis.
_SPACE_UNITS = {1: "m", 2: "mm", 3: "um"}
_TIME_UNITS = {8: "s", 16: "ms", 24: "us", 32: "Hz", 40: "1e-6", 48: "rad s-1"}
#: NIfTI data types that NumPy has; colours are bytes along a last axis.
_DTYPES = {
    code: np.dtype(name)
    for code, name in (
        *((2, "u1"), (4, "i2"), (8, "i4"), (16, "f4"), (32, "c8"), (64, "f8"), (256, "i1"), (512, "u2"), (768, "u4")),
        *((1024, "i8"), (1280, "u8"), (1792, "c16"), (128, "3u1"), (2304, "4u1")),
    )
}
_MOST_EXTENSION_BYTES = 64 << 20


@frozen
class NiftiHeader:
    """What the header says.

    ``shape`` is that of the stored values in C order, slowest axis first (``t, z, y, x``), as they lie in the file;
    ``dtype`` has the file's byte order, and no fields: colours are a last axis. ``scaling`` is ``(slope, intercept)``, or
    ``None`` when stored values are the values. ``affine`` is 4 x 4, from voxel indices ``(x, y, z)`` to millimetres.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    samples: int
    offset: int
    scaling: tuple[float, float] | None
    spacing: tuple[float, ...]
    units: tuple[str, str]
    affine: list[list[float]]
    fields: dict[str, Any]
    extensions: list[Any]

    def nbytes(self, where: str) -> int:
        """Bytes of all values."""
        return expected_bytes(where, self.shape, 8 * self.dtype.itemsize)


def read_header(file: IO[bytes], where: str) -> NiftiHeader:
    """Read and check the header at the start of ``file``.

    Raises
    ------
    ReaderError
        The header is truncated, of no known version, or contradicts itself; names the field.
    """
    raw = file.read(4)
    size = next((n for n in _SIZES for order in "<>" if raw == struct.pack(f"{order}i", n)), None)
    if size is None:
        raise ReaderError(f"{where}: not NIfTI: the header size is {raw!r}, not 348 (NIfTI-1) or 540 (NIfTI-2)")
    raw += file.read(size - 4)
    if len(raw) < size:
        raise ReaderError(f"{where}: truncated inside the NIfTI header: {len(raw)} of {size} bytes")
    header: Any = _SIZES[size](raw, endianness="<" if raw[0] else ">", check=False)
    fields = {name: header.structarr[name][()] for name in header}
    magic = bytes(fields["magic"])[:3]
    if magic not in (b"n+1", b"n+2"):
        hint = "; the values are in an .img file, join the two first" if magic[:2] == b"ni" else ""
        raise ReaderError(f"{where}: the NIfTI magic is {magic!r}, not b'n+1' or b'n+2'{hint}")
    shape = _shape(fields, where)
    dtype, samples = _dtype(header, fields, where)
    offset = _offset(fields, size, where)
    return NiftiHeader(
        shape=(*shape[::-1], *((samples,) if samples > 1 else ())),
        dtype=dtype,
        samples=samples,
        offset=offset,
        scaling=_scaling(fields, where),
        spacing=tuple(abs(float(step)) for step in fields["pixdim"][1 : 1 + len(shape)][::-1]),
        units=_units(fields),
        affine=_affine(header, where),
        fields=json_value(fields),
        extensions=_extensions(file, offset - size, header.endianness, where),
    )


def _shape(fields: dict[str, Any], where: str) -> tuple[int, ...]:
    count = int(fields["dim"][0])
    if not 1 <= count <= 7:
        raise ReaderError(f"{where}: the NIfTI field dim[0] is {count}, not a number of axes from 1 to 7")
    shape = tuple(int(length) for length in fields["dim"][1 : 1 + count])
    if any(length < 1 for length in shape):
        raise ReaderError(f"{where}: the NIfTI field dim gives an axis without values: {shape}")
    return shape


def _dtype(header: Any, fields: dict[str, Any], where: str) -> tuple[np.dtype[Any], int]:
    code = int(fields["datatype"])
    dtype = _DTYPES.get(code)
    if dtype is None:
        raise ReaderError(f"{where}: the NIfTI field datatype is {code}, a type that cannot be read")
    if int(fields["bitpix"]) != 8 * dtype.itemsize:
        raise ReaderError(
            f"{where}: the NIfTI header contradicts itself: datatype {code} has {8 * dtype.itemsize} bits, bitpix says "
            f"{int(fields['bitpix'])}"
        )
    if dtype.subdtype is not None:
        return dtype.base, dtype.itemsize
    return dtype.newbyteorder(header.endianness), 1


def _offset(fields: dict[str, Any], size: int, where: str) -> int:
    offset = float(fields["vox_offset"])
    lowest = size + 4
    if offset == 0:
        return lowest
    if not math.isfinite(offset) or offset != int(offset) or offset < lowest:
        raise ReaderError(f"{where}: the NIfTI field vox_offset is {offset}, inside the header of {lowest} bytes")
    return int(offset)


def _scaling(fields: dict[str, Any], where: str) -> tuple[float, float] | None:
    """Slope and intercept; a slope of 0 (and NaN, as several writers have it) means that nothing is scaled."""
    slope, intercept = float(fields["scl_slope"]), float(fields["scl_inter"])
    if slope == 0 or math.isnan(slope) or (slope, intercept) == (1.0, 0.0):
        return None
    if not math.isfinite(slope) or not math.isfinite(intercept):
        raise ReaderError(f"{where}: the NIfTI scaling scl_slope = {slope}, scl_inter = {intercept} is not finite")
    return slope, intercept


def _units(fields: dict[str, Any]) -> tuple[str, str]:
    code = int(fields["xyzt_units"])
    return _SPACE_UNITS.get(code & 7, ""), _TIME_UNITS.get(code & 56, "")


def _affine(header: Any, where: str) -> list[list[float]]:
    try:
        affine = np.asarray(header.get_best_affine(), np.float64)
    except Exception as error:  # a quaternion of no rotation, and the like
        raise ReaderError(f"{where}: the NIfTI orientation cannot be read: {error}") from error
    if not np.isfinite(affine).all():
        raise ReaderError(f"{where}: the NIfTI orientation is not finite: {affine.tolist()}")
    rows: list[list[float]] = affine.tolist()
    return rows


def _extensions(file: IO[bytes], room: int, order: str, where: str) -> list[Any]:
    """Header extensions, each with its code and content, from the bytes between the header and the values."""
    found: list[Any] = []
    flag = file.read(4)
    if not flag[:1].strip(b"\0") or room < 12:
        return found
    left = room - 4
    while left >= 8:
        size, code = struct.unpack(f"{order}ii", file.read(8).ljust(8, b"\0"))
        if size == 0:
            break
        if size < 8 or size > min(left, _MOST_EXTENSION_BYTES):
            raise ReaderError(f"{where}: a NIfTI header extension claims {size} bytes where {left} are left")
        content = file.read(size - 8)
        if len(content) < size - 8:
            raise ReaderError(f"{where}: truncated inside a NIfTI header extension")
        found.append({"code": code, "content": json_value(content)})
        left -= size
    return found
