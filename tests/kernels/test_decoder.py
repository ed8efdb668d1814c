"""Streams of version 1, which no encoder writes any more, are read like any other: whole, in part, within a limit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cdt_core.errors import CorruptStreamError
from cdt_core.kernels import compress
from cdt_core.kernels.reference import version1
from cdt_core.model import Bound
from tests.kernels.arrays import same_bits

STREAMS = {p.stem: p.read_bytes() for p in sorted((Path(__file__).parents[1] / "golden" / "v1").glob("*.bin"))}


@pytest.mark.parametrize("name", STREAMS)
def test_the_values_are_those_of_the_slow_decoder(name):
    values = compress.decode(STREAMS[name])
    assert same_bits(values, version1.decode(STREAMS[name]))
    header = compress.read_header(STREAMS[name])
    assert (header.shape, header.dtype, header.version) == (values.shape, values.dtype.newbyteorder("<"), 1)


@pytest.mark.parametrize("name", ["blocks", "abs-c8", "walk-f4", "eleven-axes"])
def test_a_part_of_it_and_an_array_to_fill(name):
    whole = compress.decode(STREAMS[name])
    region = tuple(slice(n // 3, n // 2 + 1) for n in whole.shape)
    part = compress.decode(STREAMS[name], region=region)
    assert same_bits(part, whole[region])
    out = np.empty_like(part)
    assert compress.decode(STREAMS[name], region=region, out=out) is out
    assert same_bits(out, part)


def test_its_header_says_what_was_asked_and_kept():
    header = compress.read_header(STREAMS["blocks"])
    assert (header.asked, header.applied) == (Bound("abs", 0.25), Bound("abs", 0.25))
    assert 0 < header.max_error <= 0.25
    complex_one = compress.read_header(STREAMS["abs-c8"])
    assert len(complex_one.shape) == len(complex_one.block_shape) == 2


@pytest.mark.parametrize("decode", [compress.decode, version1.decode])
def test_a_limit_is_kept(decode):
    stream = STREAMS["walk-f4"]
    size = compress.decode(stream).nbytes
    assert decode(stream, max_bytes=size).nbytes == size
    with pytest.raises(CorruptStreamError, match="limit"):
        decode(stream, max_bytes=size - 1)


@pytest.mark.parametrize("stream", [b"", b"\x93CDT\r\n\x1a\n", bytes(200)])
def test_what_is_no_stream_is_refused(stream):
    for decode in (compress.decode, compress.read_header, version1.decode):
        with pytest.raises(CorruptStreamError):
            decode(stream)
