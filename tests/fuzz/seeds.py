"""Inputs that the compiled fuzzer starts from: ``python -m tests.fuzz.seeds FOLDER`` writes them."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.kernels.hard_streams import hard_streams
from tests.kernels.mutations import parts


def write(folder: Path) -> None:
    """Streams of every type, bound, profile and method, whole and as the parts that fuzz_stream.c joins."""
    for count, stream in enumerate(hard_streams().values()):
        head, blocks = parts(stream)
        (folder / f"parts-{count}").write_bytes(unjoined(head, blocks))
        if count % 4 == 0:
            (folder / f"whole-{count}").write_bytes(stream)


def unjoined(head: bytes, blocks: list[bytes]) -> bytes:
    """A head and blocks behind their lengths; the last one goes on to the end, whatever its length becomes."""
    sizes = [len(block).to_bytes(2, "little") for block in blocks[:-1]] + [b"\xff\xff"]
    return bytes([len(head)]) + head + b"".join(size + block for size, block in zip(sizes, blocks, strict=False))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
