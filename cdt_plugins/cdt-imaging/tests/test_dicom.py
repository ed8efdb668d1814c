from __future__ import annotations

import json
import pickle
import tracemalloc
import zlib

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from cdt_core.errors import ReaderError
from cdt_core.hooks.source import Source
from cdt_imaging.dicom import open_dicom


@pytest.fixture
def plane():
    return np.random.default_rng(1).integers(-1000, 1000, (9, 7), dtype=np.int16)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4"])
def test_pixels_are_those_that_were_stored(files, tmp_path, read, dtype):
    values = np.arange(63).reshape(9, 7).astype(dtype) - np.array(3).astype(dtype)
    image = pickle.loads(pickle.dumps(read(files.saved(tmp_path / "a", files.image(values)))))["image"]
    assert image.dims == ("y", "x")
    assert image.dtype == np.dtype(dtype)
    assert (image.values == values).all()
    assert (image[2:5, ::3].values == values[2:5, ::3]).all()


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_every_plain_transfer_syntax_is_read(files, tmp_path, read, plane, syntax):
    values = plane.astype(">i2") if syntax == ExplicitVRBigEndian else plane
    dataset = read(files.saved(tmp_path / "a.dcm", files.image(values, syntax=syntax)))
    assert dataset["image"].dtype == np.dtype("=i2")
    assert (dataset["image"].values == plane).all()
    assert dataset.attrs["PatientName"] == "Doe^Jane"


def test_a_file_without_preamble_is_read(files, tmp_path, read, plane):
    made = files.image(plane, syntax=ImplicitVRLittleEndian)
    bare = tmp_path / "bare.dcm"
    del made.file_meta
    made.preamble = None
    pydicom.dcmwrite(bare, made, implicit_vr=True, little_endian=True)
    assert bare.read_bytes()[128:132] != b"DICM"
    assert (read(bare)["image"].values == plane).all()


@pytest.mark.parametrize("planar", [0, 1])
def test_colours_are_a_last_axis_however_they_lie(files, tmp_path, read, planar):
    colours = np.random.default_rng(2).integers(0, 255, (2, 5, 6, 3), dtype=np.uint8)
    stored = np.moveaxis(colours, 3, 1) if planar else colours
    more = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": planar}
    made = files.image(stored, Rows=5, Columns=6, NumberOfFrames=2, **more)
    image = read(files.saved(tmp_path / "a.dcm", made))["image"]
    assert image.dims == ("frame", "y", "x", "sample")
    assert (image.values == colours).all()
    assert (image[1, 1:3, ::2, 2].values == colours[1, 1:3, ::2, 2]).all()


def test_bits_are_unpacked_frame_by_frame(files, tmp_path, read):
    mask = np.random.default_rng(3).integers(0, 2, (3, 5, 7), dtype=np.uint8)
    packed = np.packbits(mask.reshape(-1), bitorder="little")[np.newaxis]
    made = files.image(packed, Rows=5, Columns=7, NumberOfFrames=3, BitsAllocated=1, BitsStored=1, HighBit=0)
    image = read(files.saved(tmp_path / "a.dcm", made))["image"]
    assert (image.values == mask).all()
    assert (image[1:, 2, ::2].values == mask[1:, 2, ::2]).all()


def test_floating_point_pixels_are_read(files, tmp_path, read):
    values = np.random.default_rng(4).normal(size=(5, 6)).astype(np.float32)
    made = files.image(values.view(np.uint32))
    del made[0x7FE00010], made.BitsStored
    made.add_new(0x7FE00008, "OF", values.tobytes())
    assert (read(files.saved(tmp_path / "a.dcm", made))["image"].values == values).all()


def test_run_length_frames_are_decoded_one_by_one(files, tmp_path, read):
    frames = np.random.default_rng(5).integers(0, 4, (3, 8, 9), dtype=np.uint16)
    made = files.image(frames, Rows=8, Columns=9, NumberOfFrames=3)
    made.compress(RLELossless, frames, generate_instance_uid=False)
    image = read(files.saved(tmp_path / "a.dcm", made))["image"]
    assert (image.values == frames).all()
    assert (image[2, 1:3].values == frames[2, 1:3]).all()


def test_a_frame_in_several_fragments_is_put_together(files, tmp_path, read):
    frames = np.random.default_rng(6).integers(0, 255, (2, 32, 32), dtype=np.uint8)
    made = files.image(frames, Rows=32, Columns=32, NumberOfFrames=2)
    made.compress(RLELossless, frames, generate_instance_uid=False)
    parts = list(pydicom.encaps.generate_frames(made.PixelData, number_of_frames=2))
    made.PixelData = encapsulate(parts, fragments_per_frame=3, has_bot=True)
    assert (read(files.saved(tmp_path / "a.dcm", made))["image"].values == frames).all()


def test_rescaling_stays_in_attributes(files, tmp_path, read, plane):
    made = files.image(plane, RescaleSlope="2.5", RescaleIntercept="-1024", RescaleType="HU")
    attributes = read(files.saved(tmp_path / "a.dcm", made))["image"].attrs
    assert (attributes["scale_factor"], attributes["add_offset"]) == (2.5, -1024.0)
    assert attributes["long_name"] == "CT number in Hounsfield units"


def test_rescaling_that_changes_nothing_leaves_no_packing(files, tmp_path, read, plane):
    made = files.image(plane, RescaleSlope="1", RescaleIntercept="0")
    assert "scale_factor" not in read(files.saved(tmp_path / "a.dcm", made))["image"].attrs


def test_padding_is_a_missing_value_whatever_sign_its_writer_gave_it(files, tmp_path, read, plane):
    made = files.image(plane)
    made.add_new(0x00280120, "US", 65536 - 2000)
    assert read(files.saved(tmp_path / "a.dcm", made))["image"].attrs["_FillValue"] == -2000


def test_the_whole_header_survives_as_json(files, tmp_path, read, plane):
    inner = pydicom.Dataset()
    inner.CodeValue, inner.CodeMeaning = "T-D4000", "Abdomen"
    made = files.image(plane, ProcedureCodeSequence=[inner], ImageType=["ORIGINAL", "PRIMARY"], KVP="120.5")
    block = made.private_block(0x0011, "MAKER", create=True)
    block.add_new(1, "OB", bytes([1, 2, 255]))
    block.add_new(2, "LO", "secret of the maker")
    attributes = read(files.saved(tmp_path / "a.dcm", made)).attrs
    attributes = json.loads(json.dumps(attributes, allow_nan=False))
    assert attributes["ProcedureCodeSequence"] == [{"CodeValue": "T-D4000", "CodeMeaning": "Abdomen"}]
    assert attributes["ImageType"] == ["ORIGINAL", "PRIMARY"]
    assert attributes["KVP"] == 120.5
    assert attributes["00111002"] == "secret of the maker"
    assert "base64" in attributes["00111001"]
    assert attributes["TransferSyntaxUID"] == "1.2.840.10008.1.2.1"
    assert "PixelData" not in attributes


def test_values_that_bend_the_standard_do_not_stop_the_reader(files, tmp_path, read, plane):
    path = files.saved(tmp_path / "a.dcm", files.image(plane, KVP="120.50", StudyDate="20200101"))
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"120.50", b"12x.5 ").replace(b"20200101", b"01.01.20"))
    dataset = read(path)
    assert (dataset["image"].values == plane).all()
    assert dataset.attrs["KVP"] == "12x.5"


def test_geometry_becomes_coordinates_and_an_affine(files, tmp_path, read, plane):
    where = {
        "ImagePositionPatient": [1, 2, 3],
        "ImageOrientationPatient": [0, 1, 0, 0, 0, -1],
        "PixelSpacing": [0.5, 2],
    }
    dataset = read(files.saved(tmp_path / "a.dcm", files.image(plane, **where)))
    assert dataset["y"].values.tolist() == [0.5 * i for i in range(9)]
    assert dataset["x"].attrs["units"] == "mm"
    assert dataset["image"].attrs["spacing"] == [0.5, 2.0]
    assert dataset["image"].attrs["affine"] == [[0, 0, -1, 1], [2, 0, 0, 2], [0, -0.5, 0, 3], [0, 0, 0, 1]]
    assert dataset["image"].attrs["affine_space"] == "LPS"


def test_frames_of_a_dose_grid_are_planes_and_frames_of_a_film_are_moments(files, tmp_path, read):
    frames = np.zeros((3, 4, 5), np.uint16)
    dose = files.image(
        frames, Rows=4, Columns=5, NumberOfFrames=3, GridFrameOffsetVector=[0, 5, 10], DoseGridScaling="2"
    )
    dose.DoseUnits = "GY"
    film = files.image(frames, Rows=4, Columns=5, NumberOfFrames=3, FrameTime="40")
    planes, moments = (read(files.saved(tmp_path / f"{i}.dcm", made)) for i, made in enumerate((dose, film)))
    assert planes["z"].values.tolist() == [0, 5, 10]
    assert (planes["image"].attrs["units"], planes["image"].attrs["scale_factor"]) == ("Gy", 2.0)
    assert moments["t"].values.tolist() == [0, 40, 80]
    assert moments["t"].attrs["units"] == "ms"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"Rows": 10}, "126 bytes, but the header asks for 140"),
        ({"Rows": 0}, "Rows is 0"),
        ({"Columns": 60000, "Rows": 60000}, "asks for 7200000000"),
        ({"NumberOfFrames": 2}, "asks for 252"),
        ({"BitsAllocated": 12, "BitsStored": 12}, "BitsAllocated is 12"),
        ({"BitsStored": 17}, "BitsStored 17 over BitsAllocated 16"),
        ({"SamplesPerPixel": 3}, "asks for 378"),
    ],
)
def test_a_header_that_its_pixels_do_not_fill_is_refused(files, tmp_path, plane, change, said):
    path = files.saved(tmp_path / "a.dcm", files.image(plane, **change))
    with pytest.raises(ReaderError, match=said) as caught:
        open_dicom(Source(str(path)), False)
    assert str(path) in str(caught.value)


def test_a_file_without_pixels_says_what_it_is(files, tmp_path, plane):
    made = files.image(plane)
    del made[0x7FE00010], made.Rows
    made.SOPClassUID = pydicom.uid.EnhancedSRStorage
    with pytest.raises(ReaderError, match="is no image but Enhanced SR Storage"):
        open_dicom(Source(str(files.saved(tmp_path / "a.dcm", made))), False)


@settings(max_examples=60, deadline=None)
@given(share=st.floats(0, 0.9999))
@pytest.mark.parametrize("kind", ["plain", "padded", "run length", "deflated"])
def test_a_file_cut_anywhere_is_refused(files, tmp_path_factory, kind, share):
    values = np.random.default_rng(8).integers(0, 9, (16, 16), dtype=np.uint16)
    made = files.image(values, syntax=DeflatedExplicitVRLittleEndian) if kind == "deflated" else files.image(values)
    if kind == "padded":
        made.add_new(0xFFFCFFFC, "OB", bytes(64))
    if kind == "run length":
        made.compress(RLELossless, values, generate_instance_uid=False)
    folder = tmp_path_factory.mktemp("cut")
    whole = files.saved(folder / "a.dcm", made).read_bytes()
    path = folder / "b.dcm"
    needed = len(whole) - (kind == "deflated")  # its last byte may be padding
    path.write_bytes(whole[: int(share * needed)])
    with pytest.raises(ReaderError):
        open_dicom(Source(str(path)), False)["image"].values  # noqa: B018


def test_whole_frames_of_a_cut_file_are_kept_where_that_is_allowed(files, tmp_path):
    frames = np.random.default_rng(9).integers(0, 99, (4, 5, 6), dtype=np.uint16)
    path = files.saved(tmp_path / "a.dcm", files.image(frames, Rows=5, Columns=6, NumberOfFrames=4))
    path.write_bytes(path.read_bytes()[:-61])
    dataset = open_dicom(Source(str(path)), True)
    assert (dataset["image"].values == frames[:2]).all()
    assert [finding.check for finding in dataset.encoding["cdt_notes"]] == ["core.reader.truncated"]


def test_a_deflated_bomb_is_refused_in_bounded_memory(files, tmp_path, plane):
    path = files.saved(tmp_path / "a.dcm", files.image(plane, syntax=DeflatedExplicitVRLittleEndian))
    raw = path.read_bytes()
    start = raw.index(b"UL", 130) + 8
    start += int.from_bytes(raw[start - 4 : start], "little")
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    path.write_bytes(raw[:start] + squeeze.compress(bytes(64 << 20)) + squeeze.flush())
    tracemalloc.start()
    with pytest.raises(ReaderError, match="max_expanded_bytes"):
        open_dicom(Source(str(path), max_expanded_bytes=1 << 20), False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 8 << 20


def test_pixels_that_do_not_decode_name_the_frame(files, tmp_path, read, plane):
    made = files.image(plane.astype(np.uint8), syntax=JPEGBaseline8Bit)
    made.PixelData = encapsulate([b"\xff\xd8not a picture!\xff\xd9"])
    made["PixelData"].VR = "OB"
    path = files.saved(tmp_path / "a.dcm", made)
    with pytest.raises(ReaderError, match=r"a\.dcm: frame 0 cannot be decoded"):
        read(path)["image"].values  # noqa: B018


def test_a_codec_that_is_not_installed_is_named_before_the_work_begins(files, tmp_path, plane):
    pytest.importorskip("PIL")
    made = files.image(plane.astype(np.uint8), syntax=JPEGLSLossless)
    made.PixelData = encapsulate([b"\xff\xd8\xff\xd9"])
    made["PixelData"].VR = "OB"
    if pydicom.pixels.get_decoder(JPEGLSLossless).is_available:
        pytest.skip("a JPEG-LS decoder is installed")
    with pytest.raises(ReaderError, match=r"JPEG-LS.*decoder that is not installed"):
        open_dicom(Source(str(files.saved(tmp_path / "a.dcm", made))), False)


def test_plain_pixels_under_a_compressed_syntax_are_refused(files, tmp_path, plane):
    path = files.saved(tmp_path / "a.dcm", files.image(plane, syntax="1.2.840.10008.1.2.1"))
    raw = path.read_bytes()
    assert raw.count(b"1.2.840.10008.1.2.1\0") == 1
    path.write_bytes(raw.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0"))  # RLE
    with pytest.raises(ReaderError, match="RLE Lossless, but the pixels are not encapsulated"):
        open_dicom(Source(str(path)), False)
