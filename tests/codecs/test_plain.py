"""Lossless chunks are Zarr's own bytes and Zstandard; damaged ones are refused."""

from __future__ import annotations

import pickle
import struct

import numpy as np
import pytest
import zarr
import zstandard
from hypothesis import given, settings
from zarr.storage import LocalStore

from cdt_core.codecs.plain import Plain
from cdt_core.errors import CorruptStreamError
from cdt_core.model import Bound
from tests.kernels.arrays import ALL, arrays, same_bits


def plain(level=3):
    return Plain({"level": level}, Bound("lossless"), ())


@settings(max_examples=60, deadline=None)
@given(arrays(ALL))
def test_every_bit_is_kept(x):
    codec = plain()
    made = codec.encode(x)
    assert same_bits(codec.decode(made.stream, x.shape, x.dtype), x)
    assert (made.max_error, made.exact_values) == (0, 0)


def test_chunks_and_metadata_are_those_of_zarr(tmp_path):
    x = np.arange(60.0).reshape(6, 10)
    array = zarr.create_array(LocalStore(tmp_path), shape=x.shape, chunks=(3, 10), dtype="f8")
    written = [codec.to_dict() for codec in array.metadata.codecs]
    wanted = plain(array.metadata.codecs[-1].level).metadata(x.dtype)
    assert written == wanted
    for part in range(2):
        chunk = tmp_path / "c" / str(part) / "0"
        chunk.parent.mkdir(parents=True)
        chunk.write_bytes(plain().encode(x[3 * part :][:3]).stream)
    assert same_bits(np.asarray(zarr.open_array(tmp_path)[...]), x)


def test_single_bytes_have_no_endianness():
    assert plain().metadata(np.dtype("u1"))[0] == {"name": "bytes"}


def test_it_travels_to_other_processes():
    codec = plain(7)
    codec.encode(np.zeros(4))
    again = pickle.loads(pickle.dumps(codec))
    assert again.level == 7
    assert again.decode(codec.encode(np.arange(4)).stream, (4,), np.dtype("i8")).tolist() == [0, 1, 2, 3]


def claims(size):
    return b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", size) + b"\x01\0\0"


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"abc",
        claims(1 << 40),
        claims(1 << 62),
        zstandard.compress(bytes(39)),
        zstandard.compress(bytes(40)) + b"x",
    ],
    ids=["nothing", "text", "2^40", "2^62", "short", "long"],
)
def test_what_is_no_chunk_of_that_shape_is_refused(stream):
    with pytest.raises(CorruptStreamError):
        plain().decode(stream, (5,), np.dtype("f8"))


def test_frames_without_a_size_are_read_up_to_the_shape():
    writer = zstandard.ZstdCompressor(write_content_size=False)
    assert plain().decode(writer.compress(bytes(40)), (5,), np.dtype("f8")).tolist() == [0] * 5
    with pytest.raises(CorruptStreamError):
        plain().decode(writer.compress(bytes(1 << 20)), (5,), np.dtype("f8"))


@pytest.mark.parametrize("objective", ["speed", "balanced", "size"])
def test_objectives_offer_levels(objective):
    levels = [candidate["level"] for candidate in Plain.candidates(None, None, Bound("lossless"), objective)]
    assert levels == sorted(levels)
    assert levels
