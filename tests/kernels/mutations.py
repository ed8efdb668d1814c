"""Damage to streams: bytes changed, cut or added, with checksums repaired so that what lies behind them is reached."""

from __future__ import annotations

import random
import struct
import zlib

import zstandard

FIXED = 86
_COUNT_AT = 78
_INTERESTING = (0, 1, 2, 3, 7, 8, 16, 31, 32, 33, 64, 127, 128, 254, 255)


def head_end(stream: bytes | bytearray) -> int:
    """Where the header's checksum is, as the header says itself."""
    return FIXED + 16 * int(stream[11]) + 4 * int(struct.unpack_from("<Q", stream, _COUNT_AT)[0])


def sealed(stream: bytes | bytearray) -> bytes:
    """The stream with both checksums made right, where it is long enough for them."""
    out = bytearray(stream)
    if len(out) >= FIXED + 8:
        end = head_end(out)
        if end + 8 <= len(out):
            struct.pack_into("<I", out, end, zlib.crc32(bytes(out[:end])))
        struct.pack_into("<I", out, len(out) - 4, zlib.crc32(bytes(out[:-4])))
    return bytes(out)


def parts(stream: bytes) -> tuple[bytes, list[bytes]]:
    """Fixed header with shapes, and the blocks, of a whole stream."""
    end = head_end(stream)
    table_at = FIXED + 16 * stream[11]
    sizes = struct.unpack_from(f"<{(end - table_at) // 4}I", stream, table_at)
    blocks, at = [], end + 4
    for size in sizes:
        blocks.append(stream[at : at + size])
        at += size
    return stream[:table_at], blocks


def joined(head: bytes, blocks: list[bytes]) -> bytes:
    """A sealed stream of a header and blocks, whatever they are."""
    table = struct.pack(f"<{len(blocks)}I", *(len(block) for block in blocks))
    return sealed(head + table + bytes(4) + b"".join(blocks) + bytes(4))


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
    """A damaged stream. Most have right checksums; some are damaged only inside a frame that is whole."""
    make = random.Random(seed)
    how = make.randrange(8)
    if how == 0:
        return damaged(stream, make)
    if how == 1:
        return sealed(damaged(stream, make))
    head, blocks = parts(stream)
    if how == 2 or not blocks:
        return joined(damaged(head, make), blocks)
    if how == 3:
        head = damaged(head[:FIXED], make)[:FIXED].ljust(FIXED, b"\0") + head[FIXED:]
        return joined(head[:11] + stream[11:12] + head[12:], blocks)
    which = make.randrange(len(blocks))
    blocks[which] = _damaged_block(blocks[which], make, inside=how >= 6)
    return joined(head, blocks)


def _damaged_block(block: bytes, make: random.Random, *, inside: bool) -> bytes:
    start = 16 + block[2] if block[:1] == b"\x02" and len(block) > 16 else len(block)
    content = _content(block[start:]) if inside else None
    if content is None:
        return damaged(block[:start], make) + block[start:] if make.random() < 0.6 else damaged(block, make)
    for _ in range(make.randint(1, 6)):
        if content:
            content[make.randrange(len(content))] = make.randrange(256)
    return block[:start] + zstandard.compress(bytes(content), make.choice((1, 9)))


def _content(frame: bytes) -> bytearray | None:
    """What a Zstandard frame holds, when it is one and not large."""
    try:
        if not 0 < zstandard.frame_content_size(frame) < 1 << 20:
            return None
        return bytearray(zstandard.decompress(frame))
    except zstandard.ZstdError:
        return None
