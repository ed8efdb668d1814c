"""Inputs that the compiled fuzzer starts from: ``python -m tests.fuzz.seeds FOLDER`` writes them."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.kernels.hard_streams import hard_streams
from tests.kernels.made_blocks import noise_of
from tests.kernels.mutations import parts
from tests.kernels.path_cases import FURTHER, PATHS

#: Longer inputs are slow and rarely hit where it matters.
LONGEST = 8192


def write(folder: Path) -> None:
    """Streams of every type, bound, profile, method and path, as the parts that fuzz_stream.c joins, and some whole."""
    paths = [case.stream() for cases in (PATHS, FURTHER) for case in cases.values()]
    noise = [noise_of((6, n), states, silence) for n in (33, 64, 130) for states in (2, 3, 4) for silence in (0, 1400)]
    streams = [stream for stream in (*paths, *noise, *hard_streams().values()) if len(stream) <= LONGEST]
    for count, stream in enumerate(streams):
        (folder / f"parts-{count}").write_bytes(unjoined(*parts(stream)))
        if count % 4 == 0:
            (folder / f"whole-{count}").write_bytes(stream)


def unjoined(head: bytes, blocks: list[bytes]) -> bytes:
    """A head and blocks behind their lengths; the last one goes on to the end, whatever its length becomes."""
    sizes = [len(block).to_bytes(2, "little") for block in blocks[:-1]] + [b"\xff\xff"]
    return bytes([len(head)]) + head + b"".join(size + block for size, block in zip(sizes, blocks, strict=False))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
