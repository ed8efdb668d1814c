"""``cdt.bounded`` in Zarr v3: found by its entry point, kept by any writer, strict in what it accepts."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from zarr.registry import get_codec_class
from zarr.storage import LocalStore, MemoryStore

from cdt_core.codecs.selection import box_of
from cdt_core.codecs.zarr_bounded import CONFIGURATION_SCHEMA, BoundedCodec
from cdt_core.errors import BoundError, CdtError, CorruptStreamError, UnsupportedDtypeError
from cdt_core.kernels.compress import decode, read_header
from cdt_core.model import Bound
from tests.kernels.arrays import FLOATS, INTEGERS, MISSING, arrays, same_bits, worst_error


def create(store, x, codec, chunks=None, **options):
    return zarr.create_array(
        store,
        shape=x.shape,
        dtype=x.dtype,
        chunks=chunks or x.shape,
        serializer=codec,
        compressors=None,
        filters=None,
        **options,
    )


def stored(x, codec, chunks=None, **options):
    """The array after it was written and read again by the metadata alone."""
    store = MemoryStore()
    create(store, x, codec, chunks, **options)[...] = x
    return np.asarray(zarr.open_array(store, mode="r")[...])


def test_the_entry_point_leads_to_the_codec():
    assert get_codec_class("cdt.bounded") is BoundedCodec


@settings(max_examples=40, deadline=None)
@given(arrays((*FLOATS, *INTEGERS, "b1", "c8", "c16")).filter(lambda x: x.size))
def test_lossless_round_trip(x):
    assert same_bits(stored(x, BoundedCodec(), tuple(max(1, n // 2) for n in x.shape)), x)


@settings(max_examples=40, deadline=None)
@given(arrays(FLOATS).filter(lambda x: x.size), st.sampled_from(["abs:0.1", "pw_rel:0.01"]))
def test_bounded_round_trip(x, bound):
    codec = BoundedCodec(bound, MISSING, "fast")
    worst_error(x, stored(x, codec, tuple(max(1, n // 2) for n in x.shape)), Bound.parse(bound), MISSING)


def test_a_relative_bound_is_of_the_range_of_each_chunk():
    x = np.concatenate([np.linspace(0, 1, 500), np.linspace(0, 100, 500), np.full(500, np.nan), np.full(500, 7.0)])
    y = stored(x, BoundedCodec("rel:0.01", (7.0,)), (500,))
    worst_error(x[:500], y[:500], Bound("abs", 0.01), ())
    assert worst_error(x[500:1000], y[500:1000], Bound("abs", 1.0), ()) > 0.01
    assert same_bits(x[1000:], y[1000:])


@pytest.mark.parametrize("dtype", ["datetime64[s]", "timedelta64[ns]"])
@pytest.mark.filterwarnings("ignore:The data type:zarr.errors.UnstableSpecificationWarning")
def test_types_that_have_no_lattice_are_kept_whole(dtype):
    x = np.arange(100).view(dtype)
    assert same_bits(stored(x, BoundedCodec("abs:3"), (30,)), x)


def test_chunks_that_were_never_written_are_the_fill_value():
    store = MemoryStore()
    array = create(store, np.zeros(10), BoundedCodec("abs:0.1"), (5,), fill_value=-9.0)
    array[:5] = 1.0
    assert zarr.open_array(store)[:].tolist() == [1.0] * 5 + [-9.0] * 5


def test_a_part_of_a_chunk_may_be_written():
    store = MemoryStore()
    create(store, np.zeros(10), BoundedCodec(), (10,))[3:5] = 1.5
    assert zarr.open_array(store)[:].tolist() == [0] * 3 + [1.5] * 2 + [0] * 5


def test_it_works_inside_shards_and_before_compressors():
    x = np.arange(10_000.0).reshape(100, 100)
    store = MemoryStore()
    array = zarr.create_array(
        store,
        data=x,
        chunks=(10, 50),
        shards=(50, 100),
        serializer=BoundedCodec("abs:0.25"),
        compressors=zarr.codecs.ZstdCodec(),
    )
    assert array.shards == (50, 100)
    assert np.abs(zarr.open_array(store)[...] - x).max() <= 0.25


def test_large_chunks_are_coded_in_threads():
    x = np.arange(400_000.0).reshape(4, 100_000)
    assert np.abs(stored(x, BoundedCodec("abs:0.25"), (1, 100_000)) - x).max() <= 0.25


def test_every_chunk_is_one_stream_that_says_its_bound(tmp_path):
    x = np.arange(100.0) + np.random.default_rng(1).random(100) * (np.arange(100) % 50 % 49 > 0)
    create(LocalStore(tmp_path), x, BoundedCodec("rel:0.01"), (50,))[...] = x
    header = read_header((tmp_path / "c" / "1").read_bytes())
    assert (header.shape, header.asked, header.applied) == ((50,), Bound("rel", 0.01), Bound("abs", 0.49))


def test_metadata_is_strict_json_that_fits_the_schema(tmp_path):
    codec = BoundedCodec("abs:0.5", (math.nan, math.inf, -math.inf, 2**63 - 1, -999.5), "dense")
    create(LocalStore(tmp_path), np.zeros(4, "i8"), codec, (4,))
    refuse = pytest.fail
    metadata = json.loads((tmp_path / "zarr.json").read_text(), parse_constant=refuse)
    (written,) = metadata["codecs"]
    assert written["name"] == "cdt.bounded"
    configuration = written["configuration"]
    assert configuration["missing"] == ["NaN", "Infinity", "-Infinity", 2**63 - 1, -999.5]
    assert set(configuration) == set(CONFIGURATION_SCHEMA["properties"])
    assert set(CONFIGURATION_SCHEMA["required"]) <= set(configuration)
    again = BoundedCodec.from_dict(written)
    assert (again.bound, again.missing[1:], again.profile) == (codec.bound, codec.missing[1:], "dense")


def test_an_array_of_version_1_is_read_and_written(tmp_path):
    """Its chunks are streams of version 1; new ones are of version 2, and stand beside them."""
    golden = Path(__file__).parents[1] / "golden" / "v1" / "abs-f4-bit.bin"
    x = decode(golden.read_bytes())
    create(LocalStore(tmp_path), np.concatenate([x, x]), BoundedCodec("abs:0.05"), x.shape)
    metadata = json.loads((tmp_path / "zarr.json").read_text())
    old = {"version": 1, "bound": "abs:0.05", "missing": [], "shuffle": "bit", "level": 9}
    metadata["codecs"] = [{"name": "cdt.bounded", "configuration": old}]
    (tmp_path / "zarr.json").write_text(json.dumps(metadata))
    (tmp_path / "c" / "0").mkdir(parents=True)
    (tmp_path / "c" / "0" / "0").write_bytes(golden.read_bytes())
    array = zarr.open_array(tmp_path)
    assert same_bits(array[: len(x)], x)
    assert same_bits(array[3:5, 7:9], x[3:5, 7:9])
    array[len(x) :] = x
    assert read_header((tmp_path / "c" / "1" / "0").read_bytes()).version == 2
    worst_error(x, zarr.open_array(tmp_path)[len(x) :], Bound("abs", 0.05), ())


places = st.integers(0, 6) | st.lists(st.integers(0, 6), min_size=1, max_size=5).map(np.array)
ranges = st.builds(
    slice, st.none() | st.integers(0, 7), st.none() | st.integers(0, 7), st.sampled_from([None, 1, 2, 3])
)


@settings(max_examples=200, deadline=None)
@given(st.lists(places | ranges, max_size=3).map(tuple))
def test_a_selection_is_that_part_of_the_whole(selection):
    x = np.arange(7.0**3).reshape(7, 7, 7)
    array = create(MemoryStore(), x, BoundedCodec(), (7, 4, 7))
    array[...] = x
    box, within = box_of(selection, x.shape)
    assert all(part.step == 1 for part in box)
    if sum(isinstance(part, np.ndarray) for part in selection) < 2:
        assert same_bits(np.asarray(x[box][within]), np.asarray(x[selection]))
    assert same_bits(np.asarray(array.oindex[selection]), orthogonal(x, selection))


def orthogonal(x, selection):
    axis = 0
    for part in selection:
        x = x[(slice(None),) * axis + (part,)]
        axis += not isinstance(part, int)
    return np.asarray(x)


def test_masks_and_single_points_select_too():
    x = np.arange(600.0).reshape(20, 30)
    array = create(MemoryStore(), x, BoundedCodec(), (20, 10))
    array[...] = x
    assert same_bits(array.get_mask_selection(x % 7 == 0), x[x % 7 == 0])
    assert same_bits(array.vindex[[3, 3, 19], [0, 29, 11]], x[[3, 3, 19], [0, 29, 11]])
    assert array[5, 6] == x[5, 6]
    assert same_bits(array.blocks[0, 1], x[:, 10:20])


def test_reading_a_part_decodes_the_blocks_that_it_meets(tmp_path):
    """A damaged block is not noticed by who reads another."""
    x = np.cumsum(np.random.default_rng(1).normal(size=(400, 500)), 1).astype("f4")
    create(LocalStore(tmp_path), x, BoundedCodec("abs:0.01", profile="fast"))[...] = x
    chunk = tmp_path / "c" / "0" / "0"
    stream = bytearray(chunk.read_bytes())
    assert read_header(stream).block_shape[0] < 200
    stream[-9] ^= 1
    chunk.write_bytes(stream)
    array = zarr.open_array(tmp_path)
    worst_error(x[3:9, 10:20], array[3:9, 10:20], Bound("abs", 0.01), ())
    with pytest.raises(CorruptStreamError):
        array[399, 10:20]


def test_a_signal_to_noise_ratio_is_reached_in_each_chunk(tmp_path):
    x = np.random.default_rng(1).normal(size=4000) * np.repeat([1, 1000, 0, 0], 1000) + np.repeat(
        [0, 0, 5, np.nan], 1000
    )
    create(LocalStore(tmp_path), x, BoundedCodec("psnr:50"), (1000,))[...] = x
    y = zarr.open_array(tmp_path)[...]
    for chunk in (slice(0, 1000), slice(1000, 2000)):
        reached = 20 * np.log10(np.ptp(x[chunk]) / np.sqrt(np.mean((x[chunk] - y[chunk]) ** 2)))
        assert 50 <= reached <= 50.3
    assert same_bits(x[2000:], y[2000:])
    assert read_header((tmp_path / "c" / "1").read_bytes()).asked == Bound("psnr", 50.0)


def test_wide_missing_codes_stay_exact_in_an_array_that_was_opened_again():
    top = 2**63 - 1
    store = MemoryStore()
    create(store, np.zeros(5, "i8"), BoundedCodec("abs:10", (top,)))
    zarr.open_array(store)[:] = np.array([top, top - 1, top - 2, 0, 5])
    assert (zarr.open_array(store)[:] == top).tolist() == [True, False, False, False, False]


@pytest.mark.parametrize(
    ("configuration", "what"),
    [
        ({"version": 3, "bound": "lossless"}, "version 3"),
        ({"version": True, "bound": "lossless"}, "version True"),
        ({"bound": "lossless", "colour": "red"}, "colour"),
        ({"version": 1, "bound": "lossless", "profile": "fast"}, "profile"),
        ({"version": 2, "bound": "lossless", "level": 3}, "level"),
        ({"bound": "lossless", "profile": "best"}, "best"),
        ({"bound": "lossless", "profile": 3}, "3"),
        ({"bound": "lossless", "missing": ["none"]}, "none"),
        ({"bound": "lossless", "missing": [None]}, "None"),
        (["bound"], "object"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(configuration, what):
    with pytest.raises(CdtError, match=what):
        BoundedCodec.from_dict({"name": "cdt.bounded", "configuration": configuration})


@pytest.mark.parametrize("bound", ["abs:0", "psnr:0", "snr:60", "abs", 5])
def test_a_bound_that_makes_no_sense_is_refused(bound):
    with pytest.raises(BoundError):
        BoundedCodec.from_dict({"name": "cdt.bounded", "configuration": {"bound": bound}})


@pytest.mark.parametrize("dtype", ["S3", "V4"])
@pytest.mark.filterwarnings("ignore:The data type:zarr.errors.UnstableSpecificationWarning")
def test_types_that_no_stream_holds_are_refused_when_the_array_is_made(dtype):
    with pytest.raises(UnsupportedDtypeError):
        create(MemoryStore(), np.zeros(4, dtype), BoundedCodec())


def test_a_chunk_of_another_array_or_a_damaged_one_is_refused(tmp_path):
    x = np.arange(100.0)
    create(LocalStore(tmp_path), x, BoundedCodec(), (50,))[...] = x
    chunk = tmp_path / "c" / "0"
    whole = chunk.read_bytes()
    chunk.write_bytes(whole[:-3])
    with pytest.raises(CorruptStreamError):
        zarr.open_array(tmp_path)[...]
    other = tmp_path / "other"
    create(LocalStore(other), x[:40], BoundedCodec())[...] = x[:40]
    chunk.write_bytes((other / "c" / "0").read_bytes())
    with pytest.raises(CorruptStreamError, match="not of this array"):
        zarr.open_array(tmp_path)[...]
