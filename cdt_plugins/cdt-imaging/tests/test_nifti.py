from __future__ import annotations

import gzip
import json
import pickle
import struct
import tracemalloc

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import ReaderError
from cdt_core.hooks.source import Source
from cdt_imaging.nifti import open_nifti, open_nifti_gz

AFFINE = np.array([[-2.0, 0, 0, 90], [0, 1.5, 0.5, -70], [0, -0.5, 3, -20], [0, 0, 0, 1]])
#: Byte offsets of header fields of NIfTI-1.
DIM, DATATYPE, BITPIX, PIXDIM, VOX_OFFSET, SLOPE, INTER, MAGIC = 40, 70, 72, 76, 108, 112, 116, 344


def saved(path, values, *, header=None, kind=nibabel.Nifti1Image, units=("mm", "sec")):
    image = kind(values, AFFINE, header)
    image.header.set_xyzt_units(*units)
    image.to_filename(path)
    return path


def changed(path, offset, form, value):
    raw = bytearray(path.read_bytes())
    struct.pack_into(form, raw, offset, value)
    path.write_bytes(raw)
    return path


@pytest.fixture
def volume():
    return np.random.default_rng(1).integers(-500, 500, (7, 6, 5, 4), dtype=np.int16)


@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "f4", "f8", "i1", "u2", "u4", "i8", "u8", "c8", "c16"])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_values_are_those_that_were_stored_slowest_axis_first(tmp_path, read, dtype, suffix):
    values = np.arange(7 * 6 * 5).reshape(7, 6, 5).astype(dtype)
    path = tmp_path / f"a{suffix}"
    kind = nibabel.Nifti2Image if dtype in ("i8", "u8", "c16") else nibabel.Nifti1Image
    nibabel.save(kind(values, AFFINE, dtype=values.dtype), path)
    image = pickle.loads(pickle.dumps(read(path)))["image"]
    assert image.dims == ("z", "y", "x")
    assert image.dtype == np.dtype(dtype)
    assert (image.values == values.T).all()
    assert (image[1:4, 2, ::2].values == values.T[1:4, 2, ::2]).all()


def test_big_endian_files_are_read_in_native_order(tmp_path, read, volume):
    header = nibabel.Nifti1Header(endianness=">")
    path = saved(tmp_path / "a.nii", volume, header=header)
    assert path.read_bytes()[:4] == b"\0\0\x01\x5c"
    image = read(path)["image"]
    assert image.dtype.isnative
    assert (image.values == volume.T).all()


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_scaling_stays_in_attributes_and_decodes_to_what_nibabel_has(tmp_path, read, suffix):
    values = np.random.default_rng(2).normal(100, 20, (5, 6, 7))
    image = nibabel.Nifti1Image(values, AFFINE)
    image.set_data_dtype(np.int16)
    path = tmp_path / f"a{suffix}"
    image.to_filename(path)
    stored = read(path)["image"]
    assert stored.dtype == np.int16
    decoded = stored.values * stored.attrs["scale_factor"] + stored.attrs["add_offset"]
    np.testing.assert_array_equal(decoded, nibabel.load(path).get_fdata().T)


@pytest.mark.parametrize(("slope", "inter"), [(0.0, 5.0), (float("nan"), float("nan")), (1.0, 0.0)])
def test_a_slope_that_means_nothing_leaves_no_scaling(tmp_path, read, volume, slope, inter):
    path = changed(changed(saved(tmp_path / "a.nii", volume), SLOPE, "<f", slope), INTER, "<f", inter)
    assert not {"scale_factor", "add_offset"} & set(read(path)["image"].attrs)


def test_the_header_survives_as_json(tmp_path, read, volume):
    header = nibabel.Nifti1Header()
    header["descrip"] = b"a description"
    header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"why it was measured"))
    header.extensions.append(nibabel.nifti1.Nifti1Extension(0, bytes(range(1, 31))))
    dataset = read(saved(tmp_path / "a.nii", volume, header=header))
    attributes = json.loads(json.dumps({**dataset.attrs, **dataset["image"].attrs}, allow_nan=False))
    assert attributes["nifti_descrip"] == "a description"
    assert attributes["nifti_dim"] == [4, 7, 6, 5, 4, 1, 1, 1]
    assert [item["code"] for item in attributes["nifti_extensions"]] == [6, 0]
    assert attributes["nifti_extensions"][0]["content"] == "why it was measured"
    np.testing.assert_allclose(attributes["affine"], AFFINE, atol=1e-6)


def test_axes_have_spacing_and_units(tmp_path, read, volume):
    image = nibabel.Nifti1Image(volume, np.diag([2, 3, 4, 1]))
    image.header.set_zooms((2, 3, 4, 1.5))
    image.header.set_xyzt_units("micron", "msec")
    image.header["toffset"] = 10
    image.to_filename(tmp_path / "a.nii")
    dataset = read(tmp_path / "a.nii")
    assert dataset["image"].dims == ("t", "z", "y", "x")
    assert dataset["image"].attrs["spatial_axes"] == ["z", "y", "x"]
    assert dataset["image"].attrs["spacing"] == [4.0, 3.0, 2.0]
    assert dataset["t"].values.tolist() == [10.0, 11.5, 13.0, 14.5]
    assert (dataset["t"].attrs["units"], dataset["x"].attrs["units"]) == ("ms", "um")
    assert dataset["x"].values.tolist() == [0, 2, 4, 6, 8, 10, 12]


def test_colours_are_a_last_axis(tmp_path, read):
    colours = np.random.default_rng(3).integers(0, 255, (4, 5, 6, 3), dtype=np.uint8)
    packed = colours.copy().view([("R", "u1"), ("G", "u1"), ("B", "u1")])[..., 0]
    image = read(saved(tmp_path / "a.nii", packed))["image"]
    assert image.dims == ("z", "y", "x", "sample")
    assert (image.values == colours.transpose(2, 1, 0, 3)).all()


@pytest.mark.parametrize(
    ("offset", "form", "value", "said"),
    [
        (DIM, "<h", 0, "dim"),
        (DIM, "<h", 8, "dim"),
        (DIM + 2, "<h", -7, "dim"),
        (DIM + 4, "<h", 0, "dim"),
        (DATATYPE, "<h", 0, "datatype"),
        (DATATYPE, "<h", 1536, "datatype"),
        (DATATYPE, "<h", 16, "bitpix"),
        (BITPIX, "<h", 32, "bitpix"),
        (VOX_OFFSET, "<f", 100.0, "vox_offset"),
        (VOX_OFFSET, "<f", float("nan"), "vox_offset"),
        (SLOPE, "<f", float("inf"), "scl_slope"),
        (INTER, "<f", float("nan"), "scl_inter"),
        (MAGIC, "4s", b"ni1\0", "magic"),
        (DIM + 2, "<h", 8, "truncated"),
        (0, "<i", 349, "header size"),
    ],
)
def test_a_header_that_contradicts_itself_is_refused(tmp_path, volume, offset, form, value, said):
    path = saved(tmp_path / "a.nii", volume)
    if offset == INTER:
        changed(path, SLOPE, "<f", 2.0)
    changed(path, offset, form, value)
    with pytest.raises(ReaderError, match=said) as caught:
        open_nifti(Source(str(path)), False)
    assert str(path) in str(caught.value)


def test_an_extension_that_claims_more_than_there_is_is_refused(tmp_path, volume):
    header = nibabel.Nifti1Header()
    header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"text"))
    path = changed(saved(tmp_path / "a.nii", volume, header=header), 352, "<i", 1 << 30)
    with pytest.raises(ReaderError, match="extension claims"):
        open_nifti(Source(str(path)), False)


@settings(max_examples=40, deadline=None)
@given(share=st.floats(0, 0.9999))
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_cut_anywhere_is_refused(tmp_path_factory, packed, share):
    folder = tmp_path_factory.mktemp("cut")
    values = np.random.default_rng(4).integers(0, 99, (4, 3, 2), dtype=np.int16)
    whole = saved(folder / ("a.nii.gz" if packed else "a.nii"), values).read_bytes()
    path = folder / ("b.nii.gz" if packed else "b.nii")
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ReaderError):
        (open_nifti_gz if packed else open_nifti)(Source(str(path)), False)["image"].values  # noqa: B018


def test_whole_volumes_of_a_cut_file_are_kept_where_that_is_allowed(tmp_path, volume):
    path = saved(tmp_path / "a.nii", volume)
    path.write_bytes(path.read_bytes()[:-1])
    dataset = open_nifti(Source(str(path)), True)
    assert (dataset["image"].values == volume.T[:3]).all()
    assert [finding.check for finding in dataset.encoding["cdt_notes"]] == ["core.reader.truncated"]


def test_a_damaged_gzip_stream_is_told_when_its_values_are_read(tmp_path, volume):
    path = saved(tmp_path / "a.nii.gz", volume)
    raw = bytearray(path.read_bytes())
    raw[-7] ^= 1  # the checksum
    path.write_bytes(raw)
    with pytest.raises(ReaderError, match=r"a\.nii\.gz.*gzip"):
        open_nifti_gz(Source(str(path)), False)["image"].values  # noqa: B018


def test_a_stream_that_expands_past_its_header_is_refused_in_bounded_memory(tmp_path, volume):
    plain = saved(tmp_path / "a.nii", volume).read_bytes()
    path = tmp_path / "bomb.nii.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(plain)
        for _ in range(64):
            file.write(bytes(1 << 20))
    tracemalloc.start()
    with pytest.raises(ReaderError, match="more than twice"):
        open_nifti_gz(Source(str(path)), False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 16 << 20


def test_a_compressed_image_over_the_limit_is_refused_before_it_is_expanded(tmp_path, volume):
    path = saved(tmp_path / "a.nii.gz", volume)
    with pytest.raises(ReaderError, match="max_expanded_bytes"):
        open_nifti_gz(Source(str(path), max_expanded_bytes=1000), False)


def test_joined_gzip_members_are_one_stream(tmp_path, read, volume):
    plain = saved(tmp_path / "a.nii", volume).read_bytes()
    path = tmp_path / "b.nii.gz"
    path.write_bytes(gzip.compress(plain[:900]) + gzip.compress(plain[900:]))
    assert (read(path)["image"].values == volume.T).all()


def test_trailing_bytes_show_in_the_measured_length(tmp_path, read, volume):
    path = saved(tmp_path / "a.nii", volume)
    path.write_bytes(path.read_bytes() + bytes(10))
    attributes = read(path)["image"].attrs
    assert attributes["pixel_bytes_stored"] == attributes["pixel_bytes_expected"] + 10
