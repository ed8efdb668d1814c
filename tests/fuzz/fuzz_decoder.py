"""Coverage-guided fuzzing of the stream decoder with Atheris.

``python -m tests.fuzz.fuzz_decoder -max_total_time=600 CORPUS tests/golden/v1`` (any libFuzzer option; new inputs go to the
first folder, to which streams of every type, bound, profile and method are written first). An input is a stream whose checksums
are repaired. It must be refused with ``CorruptStreamError``, or decode to an array of the declared shape, the same with all
kernels; anything else is a crash that Atheris reports.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["cdt_core.kernels"]):
    from cdt_core.kernels import compress

from cdt_core.errors import CorruptStreamError
from tests.kernels.hard_streams import hard_streams
from tests.kernels.instruction_sets import everywhere
from tests.kernels.mutations import first_sealed, mutated, sealed

LIMIT = 1 << 13


def read_anything(data: bytes) -> None:
    """One input: raw, and with right checksums."""
    for stream in (data, repaired(data)):
        found = everywhere(compress.decode, stream, max_bytes=LIMIT)
        assert found is None or found.shape == compress.read_header(stream).shape


def repaired(data: bytes) -> bytes:
    """With right checksums, by its version."""
    return first_sealed(data) if data[4:5] == b"\r" else sealed(data)


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """A mutation part by part of what is a stream of version 2, or one of libFuzzer's own."""
    if random.Random(seed).random() < 0.5 and data[4:5] == b"\2" and is_stream(data):
        return mutated(data, seed)[:max_size]
    return repaired(atheris.Mutate(data, max_size))


def is_stream(data: bytes) -> bool:
    """Whether the container is whole, so that it has parts."""
    try:
        compress.read_header(data)
    except CorruptStreamError:
        return False
    return True


def main() -> None:
    """Fuzz with the options of the command line."""
    folders = [Path(argument) for argument in sys.argv[1:] if not argument.startswith("-")]
    for number, stream in enumerate(hard_streams().values() if folders else ()):
        (folders[0] / f"hard-{number}").write_bytes(stream)
    atheris.Setup(sys.argv, read_anything, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
