"""Coverage-guided fuzzing of the stream decoder with Atheris.

``python -m tests.fuzz.fuzz_decoder -max_total_time=600 CORPUS tests/golden/v1`` (any libFuzzer option; new inputs go to the
first folder). An input is a stream whose checksums are repaired. It must be refused with ``CorruptStreamError``, or decode to
an array of the declared shape, the same as the slow decoder gives; anything else is a crash that Atheris reports.
"""

from __future__ import annotations

import random
import sys

import atheris

with atheris.instrument_imports(include=["cdt_core.kernels"]):
    from cdt_core.kernels import compress

from cdt_core.errors import CorruptStreamError
from cdt_core.kernels.reference import decoder
from tests.kernels.arrays import same_bits
from tests.kernels.mutations import mutated, sealed

LIMIT = 1 << 13


def read_anything(data: bytes) -> None:
    """One input: raw, and with right checksums."""
    for stream in (data, sealed(data)):
        try:
            fast = compress.decode(stream, max_bytes=LIMIT)
        except CorruptStreamError:
            continue
        assert fast.shape == compress.read_header(stream).shape
        assert same_bits(fast, decoder.decode(stream, max_bytes=LIMIT))


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """A mutation part by part of what is a stream, or one of libFuzzer's own."""
    if random.Random(seed).random() < 0.5 and is_stream(data):
        return mutated(data, seed)[:max_size]
    return sealed(atheris.Mutate(data, max_size))


def is_stream(data: bytes) -> bool:
    """Whether the container is whole, so that it has parts."""
    try:
        compress.read_header(data)
    except CorruptStreamError:
        return False
    return True


def main() -> None:
    """Fuzz with the options of the command line."""
    atheris.Setup(sys.argv, read_anything, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
