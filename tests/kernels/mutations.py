"""Damage to streams: bytes changed, cut or added, with checksums repaired so that what lies behind them is reached."""

from __future__ import annotations

import math
import random
import struct
import zlib

import numpy as np

from tests.kernels.blocks import box_of

FIXED = 86
_COUNT_AT = 78
_INTERESTING = (0, 1, 2, 3, 7, 8, 16, 31, 32, 33, 64, 127, 128, 254, 255)


def _crc32c_table() -> list[int]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = (table >> 1) ^ np.where(table & 1, np.uint32(0x82F63B78), np.uint32(0))
    return table.tolist()


_TABLE = _crc32c_table()


def crc32c(data: bytes) -> bytes:
    """CRC-32C (Castagnoli), little-endian."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 255]
    return struct.pack("<I", crc ^ 0xFFFFFFFF)


def number(value: int) -> bytes:
    """A whole number as version 2 writes it: 7 bits in a byte, lowest first."""
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


class Reader:
    """Reads the head of a stream of version 2; IndexError where it ends early."""

    def __init__(self, stream: bytes) -> None:
        self.stream, self.at = stream, 5

    def byte(self) -> int:
        """The next byte."""
        self.at += 1
        return self.stream[self.at - 1]

    def number(self) -> int:
        """The next whole number."""
        value = shift = 0
        while (byte := self.byte()) >= 128:
            value |= (byte & 127) << shift
            shift += 7
        return value | byte << shift


def parts(stream: bytes) -> tuple[bytes, list[bytes]]:
    """What comes before the lengths of blocks, and the blocks without checksums, of a stream of version 2."""
    read = Reader(stream)
    dtype = read.byte()
    if dtype in (12, 13):
        unit = read.byte()
        read.at += unit
    flags, kinds = read.byte(), read.byte()
    asked, applied, map_kind = kinds & 15, kinds >> 4, flags >> 4
    doubles = (asked != 0) + (flags & 1 and applied != 0) + (applied != 0) + (map_kind == 1) * (1 + (flags >> 1 & 1))
    read.at += 8 * doubles
    if map_kind in (2, 3):
        read.number()
    read.number()
    shape = [read.number() for _ in range(read.byte())]
    count = math.prod(-(-side // (read.number() or max(1, side))) for side in box_of(tuple(shape)))
    head_end = read.at
    lengths = [read.number() for _ in range(count)]
    blocks, at = [], read.at + 4
    for length in lengths:
        blocks.append(stream[at : at + max(0, length - 4)])
        at += length
    return stream[:head_end], blocks


def joined(head: bytes, blocks: list[bytes]) -> bytes:
    """A stream of version 2 of a head and blocks, whatever they are, with right checksums."""
    head += b"".join(number(len(block) + 4) for block in blocks)
    return head + crc32c(head) + b"".join(block + crc32c(block) for block in blocks)


def sealed(stream: bytes) -> bytes:
    """A stream of version 2 with every checksum made right, where its head can be read."""
    try:
        return joined(*parts(stream))
    except IndexError:
        return stream


def damaged(data: bytes, make: random.Random) -> bytes:
    """``data`` with one to four changes of any kind."""
    out = bytearray(data)
    for _ in range(make.randint(1, 4)):
        at = make.randrange(len(out)) if out else 0
        kind = make.randrange(7) if out else 5
        if kind == 0:
            out[at] ^= 1 << make.randrange(8)
        elif kind == 1:
            out[at] = make.choice(_INTERESTING)
        elif kind == 2:
            out[at] = (out[at] + make.choice((1, -1))) % 256
        elif kind == 3:
            del out[at : at + make.choice((1, 2, 4, 8, len(out)))]
        elif kind == 4:
            out[at : at + 8] = make.choice((bytes(8), b"\xff" * 8, bytes(7) + b"\x80", b"\x01" + bytes(7)))
        elif kind == 5:
            out[at:at] = make.randbytes(make.choice((1, 4, 8, 40)))
        else:
            out[at : at + 4] = out[make.randrange(len(out)) :][:4]
    return bytes(out)


def mutated(stream: bytes, seed: int) -> bytes:
    """A damaged stream of version 2; most have right checksums. Heads of blocks are hit more than what follows them."""
    make = random.Random(seed)
    how = make.randrange(8)
    if how == 0:
        return damaged(stream, make)
    head, blocks = parts(stream)
    if how <= 2 or not blocks:
        return joined(damaged(head, make), blocks)
    which = make.randrange(len(blocks))
    block = blocks[which]
    start = make.choice((4, 16, 64, len(block)))
    blocks[which] = damaged(block[:start], make) + block[start:]
    return joined(head, blocks)


def first_parts(stream: bytes) -> tuple[bytes, list[bytes]]:
    """Fixed header with shapes, and the blocks, of a whole stream of version 1."""
    end = first_head_end(stream)
    table_at = FIXED + 16 * stream[11]
    sizes = struct.unpack_from(f"<{(end - table_at) // 4}I", stream, table_at)
    blocks, at = [], end + 4
    for size in sizes:
        blocks.append(stream[at : at + size])
        at += size
    return stream[:table_at], blocks


def first_head_end(stream: bytes | bytearray) -> int:
    """Where the header's checksum is in a stream of version 1, as the header says itself."""
    return FIXED + 16 * int(stream[11]) + 4 * int(struct.unpack_from("<Q", stream, _COUNT_AT)[0])


def first_sealed(stream: bytes | bytearray) -> bytes:
    """A stream of version 1 with both checksums made right, where it is long enough for them."""
    out = bytearray(stream)
    if len(out) >= FIXED + 8:
        end = first_head_end(out)
        if end + 8 <= len(out):
            struct.pack_into("<I", out, end, zlib.crc32(bytes(out[:end])))
        struct.pack_into("<I", out, len(out) - 4, zlib.crc32(bytes(out[:-4])))
    return bytes(out)
