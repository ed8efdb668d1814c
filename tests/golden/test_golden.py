"""Streams that a release once wrote are read for ever."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from cdt_core.kernels import compress
from cdt_core.kernels.reference import version1
from tests.golden.make import digest
from tests.kernels.mutations import first_parts

FOLDER = Path(__file__).parent / "v1"
ENTRIES = json.loads((FOLDER / "manifest.json").read_text())


def test_no_stream_is_without_an_entry():
    assert set(ENTRIES) == {path.stem for path in FOLDER.glob("*.bin")}


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_an_old_stream_decodes_to_the_same_bits(name):
    stream = (FOLDER / f"{name}.bin").read_bytes()
    expected = ENTRIES[name]
    assert hashlib.sha256(stream).hexdigest() == expected["stream_sha256"]
    for values in (compress.decode(stream), version1.decode(stream)):
        assert list(values.shape) == expected["shape"]
        assert values.dtype.newbyteorder("<").str == expected["dtype"]
        assert digest(values) == expected["values_sha256"]


def test_the_cases_reach_every_method_lattice_and_predictor():
    methods, lattices, orders, by_bit = set(), set(), set(), set()
    for name in ENTRIES:
        head, blocks = first_parts((FOLDER / f"{name}.bin").read_bytes())
        lattices.add(head[10])
        for block in blocks:
            methods.add(block[0])
            if block[0] == 2:
                by_bit.add(block[1])
                orders.update(block[16 : 16 + block[2]])
    assert methods == {0, 1, 2}
    assert lattices == {0, 1, 2, 3}
    assert orders == {0, 1, 2}
    assert by_bit == {0, 1}
