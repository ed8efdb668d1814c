"""Tensor streams that a version of their format once wrote are read for ever, to the same bits on every machine."""

from __future__ import annotations

import hashlib
import json

import pytest

from cdt_core.kernels import tensor_stream
from tests.golden.make import digest
from tests.golden.tensor_streams import CASES, FOLDER, MANIFEST

ENTRIES = json.loads(MANIFEST.read_text())


def test_no_stream_is_without_an_entry():
    assert set(ENTRIES) == set(CASES) == {path.stem for path in FOLDER.glob("*.bin")}


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_an_old_stream_decodes_to_the_same_bits(name):
    stream, expected = (FOLDER / f"{name}.bin").read_bytes(), ENTRIES[name]
    assert hashlib.sha256(stream).hexdigest() == expected["stream_sha256"]
    values = tensor_stream.decode(stream)
    assert list(values.shape) == expected["shape"]
    assert values.dtype.newbyteorder("<").str == expected["dtype"]
    assert digest(values) == expected["values_sha256"]


def test_the_streams_take_every_method_and_basis():
    methods, bases = set(), set()
    for name, entry in ENTRIES.items():
        stream = (FOLDER / f"{name}.bin").read_bytes()
        methods.add(stream[5])
        if stream[5] == 1:
            at = 8 + sum(1 + (n > 127) for n in entry["shape"]) + 41
            at += 1 + (stream[at] > 127)
            axes = max(1, min(4, sum(n > 1 for n in entry["shape"])))
            bases.update(stream[at : at + axes])
    assert methods == {0, 1, 2}
    assert bases == {0, 1, 2, 3}
