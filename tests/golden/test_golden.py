"""Streams that a version of the format once wrote are read for ever."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from cdt_core.kernels import compress
from cdt_core.kernels.reference import version1, version2
from tests.golden.make import digest
from tests.kernels.mutations import first_parts
from tests.kernels.path_cases import PATHS
from tests.kernels.paths import paths_of

FOLDER = Path(__file__).parent
ENTRIES = {folder.name: json.loads((folder / "manifest.json").read_text()) for folder in sorted(FOLDER.glob("v*"))}
#: The decoder of each version that is small and slow.
REFERENCES = {"v1": version1.decode, "v2": version2.decode}


def stream_of(version, name):
    return (FOLDER / version / f"{name}.bin").read_bytes()


@pytest.mark.parametrize("version", REFERENCES)
def test_no_stream_is_without_an_entry(version):
    assert set(ENTRIES[version]) == {path.stem for path in (FOLDER / version).glob("*.bin")}


@pytest.mark.parametrize(("version", "name"), [(v, name) for v in ENTRIES for name in sorted(ENTRIES[v])])
def test_an_old_stream_decodes_to_the_same_bits(version, name):
    stream = stream_of(version, name)
    expected = ENTRIES[version][name]
    assert hashlib.sha256(stream).hexdigest() == expected["stream_sha256"]
    for values in (compress.decode(stream), REFERENCES[version](stream)):
        assert list(values.shape) == expected["shape"]
        assert values.dtype.newbyteorder("<").str == expected["dtype"]
        assert digest(values) == expected["values_sha256"]


def test_streams_of_version_1_reach_every_method_lattice_and_predictor():
    methods, lattices, orders, by_bit = set(), set(), set(), set()
    for name in ENTRIES["v1"]:
        head, blocks = first_parts(stream_of("v1", name))
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


def test_streams_of_version_2_take_every_path():
    taken = set()
    for name in ENTRIES["v2"]:
        taken |= paths_of(stream_of("v2", name))
    assert taken >= set(PATHS)
