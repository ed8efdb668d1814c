"""Streams of trains that a version of their format once wrote are read for ever, and written the same."""

from __future__ import annotations

import hashlib
import json

import pytest

from cdt_core.kernels.reference import ordered_train as reference
from tests.golden.make import digest
from tests.golden.train_streams import CASES, FOLDER, KINDS, MANIFEST

ENTRIES = json.loads(MANIFEST.read_text())


def test_no_stream_is_without_an_entry():
    assert set(ENTRIES) == set(CASES) == {path.stem for path in FOLDER.glob("*.bin")}


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_an_old_stream_decodes_to_the_same_bits_and_is_written_again(name):
    stream, expected = (FOLDER / f"{name}.bin").read_bytes(), ENTRIES[name]
    assert hashlib.sha256(stream).hexdigest() == expected["stream_sha256"]
    found = KINDS[stream[:4]].from_bytes(stream)
    values = found.full()
    assert list(values.shape) == expected["shape"]
    assert values.dtype.newbyteorder("<").str == expected["dtype"]
    assert digest(values) == expected["values_sha256"]
    assert found.to_bytes() == stream


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_streams_are_those_that_are_written_today(name):
    assert CASES[name].to_bytes() == (FOLDER / f"{name}.bin").read_bytes()


@pytest.mark.parametrize("name", [name for name in sorted(ENTRIES) if name.startswith("ordered")])
def test_the_reader_of_the_format_alone_finds_the_same_bits(name):
    values, own = reference.read((FOLDER / f"{name}.bin").read_bytes())
    assert digest(values) == ENTRIES[name]["values_sha256"]
    assert own == 1000
