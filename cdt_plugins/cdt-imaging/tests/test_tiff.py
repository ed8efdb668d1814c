from __future__ import annotations

import json
import pickle
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import ReaderError
from cdt_core.hooks.source import Source
from cdt_imaging.tiff import open_ome_tiff, open_tiff
from cdt_imaging.tiff_directory import count_pages

RNG = np.random.default_rng(1)
STACK = RNG.integers(0, 60000, (3, 70, 90), dtype=np.uint16)
GREY = {"photometric": "minisblack"}
RGB = {"photometric": "rgb"}
KINDS = {
    "plain": (STACK, GREY),
    "strips": (STACK, {"rowsperstrip": 16, "compression": "zlib", "predictor": True, **GREY}),
    "tiles": (STACK, {"tile": (32, 48), "byteorder": ">", **GREY}),
    "big": (STACK, {"bigtiff": True, "tile": (16, 16), "compression": "zlib", **GREY}),
    "colour": (STACK.transpose(1, 2, 0).astype("u1"), {"tile": (32, 32), "compression": "zlib", **RGB}),
    "planes": (STACK.astype("u1"), {"tile": (32, 32), "planarconfig": "separate", **RGB}),
    "strips of planes": (STACK.astype("u1"), {"rowsperstrip": 11, "planarconfig": "separate", **RGB}),
    "volume": (RNG.random((40, 50, 60), dtype="f4"), {"tile": (16, 32, 32), "volumetric": True, **GREY}),
    "bits": (RNG.random((50, 61)) > 0.5, GREY),
    "complex": (RNG.random((20, 31)) + 1j, {"rowsperstrip": 7, **GREY}),
}


def written(path, values, **options):
    tifffile.imwrite(path, values, **options)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_hold_what_tifffile_reads(tmp_path, read, kind):
    values, options = KINDS[kind]
    path = written(tmp_path / "a.tif", values, **options)
    image = pickle.loads(pickle.dumps(read(path)))["image"]
    expected = tifffile.imread(path)
    assert image.dtype == expected.dtype
    assert (image.values == expected).all()
    for step in (1, 3):
        part = tuple(slice(n // 3, n // 3 + max(1, n // 2), step) for n in expected.shape)
        assert (image[part].values == expected[part]).all()
    assert (image[0, 5].values == expected[0, 5]).all()


def test_ome_metadata_names_axes_spacing_and_channels(tmp_path, chosen, read):
    values = RNG.integers(0, 255, (2, 3, 4, 33, 35), dtype=np.uint8)
    metadata = {"axes": "TCZYX", "PhysicalSizeX": 0.1, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 200}
    more = {"PhysicalSizeYUnit": "nm", "PhysicalSizeZ": 1, "TimeIncrement": 3, "Channel": {"Name": ["a", "b", "c"]}}
    path = written(tmp_path / "a.ome.tif", values, metadata={**metadata, **more}, tile=(16, 16), compression="zlib")
    assert chosen(path) == "ome-tiff"
    dataset = read(path)
    image = dataset["image"]
    assert image.dims == ("t", "c", "z", "y", "x")
    assert (image.values == values).all()
    assert image.attrs["spacing"] == [1.0, 200.0, 0.1]
    assert image.attrs["spacing_units"] == ["um", "nm", "um"]
    assert image.attrs["channel_names"] == ["a", "b", "c"]
    assert dataset["t"].values.tolist() == [0.0, 3.0]
    assert "<OME" in json.loads(json.dumps(dataset.attrs, allow_nan=False))["ome_xml"]


def test_each_level_of_a_pyramid_is_a_group_with_its_own_spacing(tmp_path, read):
    base = RNG.integers(0, 255, (256, 256), dtype=np.uint8)
    path = tmp_path / "a.ome.tif"
    with tifffile.TiffWriter(path) as file:
        sizes = {"axes": "YX", "PhysicalSizeX": 0.1, "PhysicalSizeY": 0.1}
        file.write(base, tile=(64, 64), subifds=1, metadata=sizes)
        file.write(base[::2, ::2], tile=(64, 64), subfiletype=1)
    tree = read(path)
    assert (tree["level_0/image"].values == base).all()
    assert (tree["level_1/image"].values == base[::2, ::2]).all()
    assert tree["level_1/image"].attrs["spacing"] == [0.2, 0.2]


def test_images_of_several_sizes_are_groups(tmp_path, read):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(STACK[0])
        file.write(STACK[:, :5, :5], **GREY)
    tree = read(tmp_path / "a.tif")
    assert (tree["series_0/image"].values == STACK[0]).all()
    assert (tree["series_1/image"].values == STACK[:, :5, :5]).all()


def test_imagej_units_are_understood(tmp_path, read):
    values = RNG.integers(0, 255, (2, 3, 9, 8), dtype=np.uint8)
    metadata = {"axes": "TZYX", "unit": "um", "spacing": 0.5, "finterval": 2.0}
    dataset = read(written(tmp_path / "a.tif", values, imagej=True, metadata=metadata, resolution=(2, 4)))
    assert dataset["image"].dims == ("t", "z", "y", "x")
    assert dataset["image"].attrs["spacing"] == [0.5, 0.25, 0.5]
    assert dataset["t"].values.tolist() == [0.0, 2.0]


def test_tags_survive_and_nodata_is_missing(tmp_path, read):
    extra = [(42113, "s", 0, "-9999", True), (270, "s", 0, "what was seen", True)]
    values = np.array([[1, -9999], [3, 4]], np.float32)
    dataset = read(written(tmp_path / "a.tif", values, extratags=extra, metadata=None))
    assert dataset["image"].attrs["_FillValue"] == -9999
    assert dataset.attrs["tiff_ImageDescription"] == "what was seen"
    assert dataset.attrs["tiff_SampleFormat"] == 3


def test_plain_tiff_is_left_to_readers_of_more_special_kinds(tmp_path):
    from cdt_core.hooks import Reader
    from cdt_core.hooks.manager import catalog
    from cdt_core.readers.choose import candidates

    magic = tuple(m for reader in catalog().readers if reader.name == "tiff" for m in reader.magic)
    special = Reader(name="map", function="nowhere:open", patterns=("*.tif",), magic=magic)
    path = written(tmp_path / "a.tif", STACK, **GREY)
    assert candidates(Source(str(path)), [*catalog().readers, special])[0].name == "map"
    assert open_tiff(Source(str(path)), False)["image"].shape == STACK.shape
    with pytest.raises(ReaderError, match="is not OME-TIFF"):
        open_ome_tiff(Source(str(path)), False)


def cut_points(path):
    """A byte count just behind the last byte that the file needs: what follows is padding."""
    with tifffile.TiffFile(path) as file:
        tags = [tag.valueoffset + tag.valuebytecount for page in file.pages for tag in getattr(page, "tags", [])]
        data = [sum(both) for page in file.pages for both in zip(page.dataoffsets, page.databytecounts, strict=True)]
    return max(*tags, *data)


@settings(max_examples=60, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True))
@pytest.mark.parametrize("kind", ["plain", "strips", "tiles", "big", "planes"])
def test_a_file_cut_anywhere_is_refused(tmp_path_factory, kind, share):
    values, options = KINDS[kind]
    path = written(tmp_path_factory.mktemp("cut") / "a.tif", values, **options)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * cut_points(path))])
    with pytest.raises(ReaderError):
        open_tiff(Source(str(path)), False)


def test_missing_strips_read_as_the_fill_value_where_that_is_allowed(tmp_path):
    path = written(tmp_path / "a.tif", STACK[0], rowsperstrip=16, compression="zlib")
    with tifffile.TiffFile(path) as file:
        tag = file.pages[0].tags["StripByteCounts"]
        place = tag.valueoffset
        size = struct.calcsize("<H" if tag.dtype == 3 else "<I")
    raw = bytearray(path.read_bytes())
    raw[place : place + size] = b"\xff\xff\xff\x7f"[:size] if size == 4 else b"\xff\xff"
    path.write_bytes(raw)
    with pytest.raises(ReaderError, match="number 0 of page 0"):
        open_tiff(Source(str(path)), False)
    dataset = open_tiff(Source(str(path)), True)
    assert (dataset["image"].values[:16] == 0).all()
    assert (dataset["image"].values[16:] == STACK[0, 16:]).all()
    assert [finding.check for finding in dataset.encoding["cdt_notes"]] == ["core.reader.incomplete"]


def patched(path, tag, value):
    with tifffile.TiffFile(path) as file:
        place, code = file.pages[0].tags[tag].valueoffset, file.pages[0].tags[tag].dtype
    raw = bytearray(path.read_bytes())
    struct.pack_into("<H" if code == 3 else "<I", raw, place, value)
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize("tag", ["ImageWidth", "ImageLength"])
def test_a_page_larger_than_its_pixels_is_refused(tmp_path, tag):
    path = patched(written(tmp_path / "a.tif", STACK[0], metadata=None), tag, 60000)
    with pytest.raises(ReaderError, match=r"a\.tif"):
        open_tiff(Source(str(path)), False)


def test_pages_that_lead_back_are_refused(tmp_path):
    path = written(tmp_path / "a.tif", STACK[0], metadata=None)
    raw = bytearray(path.read_bytes())
    first = struct.unpack_from("<I", raw, 4)[0]
    entries = struct.unpack_from("<H", raw, first)[0]
    struct.pack_into("<I", raw, first + 2 + 12 * entries, first)
    path.write_bytes(raw)
    with path.open("rb") as file, pytest.raises(ReaderError, match="leads back"):
        count_pages(file, "a.tif")


def test_planes_that_ome_names_but_the_file_lacks_are_an_error(tmp_path):
    path = written(tmp_path / "a.ome.tif", STACK, metadata={"axes": "ZYX"}, compression="zlib", **GREY)
    raw = path.read_bytes()
    assert raw.count(b'SizeZ="3"') == 1
    path.write_bytes(raw.replace(b'SizeZ="3"', b'SizeZ="9"'))
    with pytest.raises(ReaderError):
        open_ome_tiff(Source(str(path)), False)


@pytest.mark.parametrize(
    "text",
    [
        '<OME xmlns="x"><Image',
        '<!DOCTYPE o [<!ENTITY a "b">]><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"></OME>',
    ],
)
def test_damaged_or_hostile_ome_metadata_is_refused(tmp_path, text):
    path = written(tmp_path / "a.ome.tif", STACK[0], description=text, metadata=None)
    for opened in (open_ome_tiff, open_tiff):
        with pytest.raises(ReaderError):
            opened(Source(str(path)), False)


def test_a_strip_that_inflates_for_ever_is_refused_in_bounded_memory(tmp_path):
    path = written(tmp_path / "a.tif", np.zeros((64, 64), np.uint8), compression="zlib", metadata=None)
    bomb = zlib.compress(bytes(64 << 20), 9)
    offset = path.stat().st_size
    patched(patched(path, "StripOffsets", offset), "StripByteCounts", min(len(bomb), 65535))
    path.write_bytes(path.read_bytes() + bomb[:65535])
    tracemalloc.start()
    with pytest.raises(ReaderError, match="inflates to more than"):
        open_tiff(Source(str(path)), False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 8 << 20


def test_a_codec_that_is_not_installed_is_named_before_the_work_begins(tmp_path):
    try:
        import imagecodecs  # noqa: F401
    except ImportError:
        pass
    else:
        pytest.skip("imagecodecs is installed")
    path = patched(written(tmp_path / "a.tif", STACK[0], compression="zlib", metadata=None), "Compression", 5)
    with pytest.raises(ReaderError, match=r"cdt-imaging\[codecs\]"):
        open_tiff(Source(str(path)), False)
