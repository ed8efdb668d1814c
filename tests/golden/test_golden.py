"""Streams that a release once wrote are read for ever, and are still what the encoder writes."""

from __future__ import annotations

import hashlib
import json

import pytest
import zstandard

from cdt_core.kernels import compress
from cdt_core.kernels.container import unpack_stream
from cdt_core.kernels.reference import decoder
from tests.golden.make import CASES, FOLDER, MANIFEST, digest

ENTRIES = json.loads(MANIFEST.read_text())
ZSTANDARD = ".".join(map(str, zstandard.ZSTD_VERSION))


def content(stream):
    """The stream without what depends on the Zstandard release: lengths, checksums, and the frames' own bytes."""
    header, blocks = unpack_stream(stream)
    heads = {0: lambda block: 1, 1: lambda block: 1, 2: lambda block: 16 + block[2]}
    parts = []
    for block in map(bytes, blocks):
        at = heads[block[0]](block)
        parts.append((block[:at], zstandard.decompress(block[at:]) if block[0] == 2 else block[at:]))
    return stream[:86], header.shape, header.block_shape, parts


def test_every_case_has_its_stream_and_no_stream_is_without_a_case():
    assert set(CASES) == set(ENTRIES) == {path.stem for path in FOLDER.glob("*.bin")}


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_an_old_stream_decodes_to_the_same_bits(name):
    stream = (FOLDER / f"{name}.bin").read_bytes()
    expected = ENTRIES[name]
    assert hashlib.sha256(stream).hexdigest() == expected["stream_sha256"]
    for values in (compress.decode(stream), decoder.decode(stream)):
        assert list(values.shape) == expected["shape"]
        assert values.dtype.newbyteorder("<").str == expected["dtype"]
        assert digest(values) == expected["values_sha256"]


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_the_encoder_still_makes_the_same_stream(name):
    old, new = (FOLDER / f"{name}.bin").read_bytes(), CASES[name].stream()
    assert content(new) == content(old)
    if ENTRIES[name]["zstandard"] == ZSTANDARD:
        assert new == old


def test_the_cases_reach_every_method_lattice_and_predictor():
    methods, lattices, orders, by_bit = set(), set(), set(), set()
    for name in ENTRIES:
        header, blocks = unpack_stream((FOLDER / f"{name}.bin").read_bytes())
        lattices.add(header.lattice)
        for block in map(bytes, blocks):
            methods.add(block[0])
            if block[0] == 2:
                by_bit.add(block[1])
                orders.update(block[16 : 16 + block[2]])
    assert methods == {0, 1, 2}
    assert lattices == {"key", "linear", "key_steps", "integer_steps"}
    assert orders == {0, 1, 2}
    assert by_bit == {0, 1}
