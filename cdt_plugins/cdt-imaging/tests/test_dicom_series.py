from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

from cdt_core.errors import ReaderError
from cdt_core.hooks.source import Source
from cdt_imaging.dicom_series import open_series


@pytest.fixture
def volume():
    return np.random.default_rng(1).integers(0, 999, (5, 6, 7), dtype=np.int16)


def checks_of(dataset):
    return [finding.check for finding in dataset.encoding["cdt_notes"]]


def test_slices_are_stacked_in_the_order_of_their_positions(files, tmp_path, chosen, read, volume):
    folder = files.slices(tmp_path / "series", volume)
    assert chosen(folder) == "dicom-series"
    dataset = pickle.loads(pickle.dumps(read(folder)))
    image = dataset["image"]
    assert image.dims == ("z", "y", "x")
    assert (image.values == volume).all()
    assert (image[1:5:2, 2, ::3].values == volume[1:5:2, 2, ::3]).all()
    assert dataset["z"].values.tolist() == [5.0, 7.5, 10.0, 12.5, 15.0]
    assert image.attrs["spacing"] == [2.5, 0.5, 0.75]
    np.testing.assert_allclose(np.array(image.attrs["affine"]) @ [1, 1, 1, 1], [-9.25, -19.5, 7.5, 1])


def test_the_headers_of_all_slices_survive(files, tmp_path, read, volume):
    dataset = read(files.slices(tmp_path / "series", volume, TableHeight=[1.0, 2.0, 3.0, 4.0, 5.0]))
    attributes = json.loads(json.dumps(dataset.attrs, allow_nan=False))
    assert attributes["PatientName"] == "Doe^Jane"
    assert attributes["dicom_per_slice"]["TableHeight"] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert attributes["dicom_per_slice"]["InstanceNumber"] == [5, 4, 3, 2, 1]
    assert len(set(attributes["dicom_per_slice"]["SOPInstanceUID"])) == 5


def test_positions_that_repeat_become_an_axis_of_their_own(files, tmp_path, read):
    moments = np.random.default_rng(2).integers(0, 999, (2, 4, 3, 3), dtype=np.int16)
    folder = files.slices(tmp_path / "series", moments[0], InstanceNumber=[1, 2, 3, 4])
    files.slices(folder, moments[1], InstanceNumber=[5, 6, 7, 8])
    dataset = read(folder)
    assert dataset["image"].dims == ("frame", "z", "y", "x")
    assert (dataset["image"].values == moments).all()
    assert (dataset["image"][1, 1:3].values == moments[1, 1:3]).all()


def test_slices_without_positions_follow_their_numbers(files, tmp_path, read, volume):
    folder = tmp_path / "series"
    folder.mkdir()
    for index, plane in enumerate(volume):
        files.saved(folder / f"{9 - index}.dcm", files.image(plane, InstanceNumber=index + 1))
    dataset = read(folder)
    assert dataset["image"].dims == ("frame", "y", "x")
    assert (dataset["image"].values == volume).all()


def test_each_series_is_a_group(files, tmp_path, read, volume):
    folder = files.slices(tmp_path / "two", volume, SeriesNumber="3")
    files.slices(folder / "below", volume[:3] + 1, SeriesInstanceUID="1.2.4", SeriesNumber="4")
    tree = read(folder)
    assert (tree["series_3/image"].values == volume).all()
    assert (tree["series_4/image"].values == volume[:3] + 1).all()


def test_rescaling_that_differs_between_slices_is_given_for_each(files, tmp_path, read, volume):
    slopes = [1.0, 2.0, 3.0, 4.0, 5.0]
    dataset = read(files.slices(tmp_path / "series", volume, RescaleSlope=slopes, RescaleIntercept=7))
    assert (dataset["image"].values == volume).all()
    assert not {"scale_factor", "add_offset", "units"} & set(dataset["image"].attrs)
    assert dataset["rescale_slope"].values.tolist() == slopes
    assert dataset["rescale_intercept"].values.tolist() == [7.0] * 5


def test_files_that_are_no_images_are_left_out_with_a_note(files, tmp_path, read, volume):
    folder = files.slices(tmp_path / "series", volume)
    (folder / "README.txt").write_text("a note")
    dataset = read(folder)
    assert dataset["image"].shape == volume.shape
    assert checks_of(dataset) == ["core.reader.not_images"]


def test_a_damaged_slice_is_an_error_or_is_left_out_by_its_name(files, tmp_path, volume):
    folder = files.slices(tmp_path / "series", volume)
    damaged = sorted(folder.iterdir())[2]
    damaged.write_bytes(damaged.read_bytes()[:-20])
    with pytest.raises(ReaderError, match=damaged.name):
        open_series(Source(str(folder)), False)
    damaged.write_bytes(damaged.read_bytes()[:300])
    with pytest.raises(ReaderError, match=damaged.name):
        open_series(Source(str(folder)), False)
    dataset = open_series(Source(str(folder)), True)
    assert dataset["image"].sizes["z"] == 4
    assert checks_of(dataset) == ["core.reader.file_left_out"]


def test_the_same_image_twice_is_refused(files, tmp_path, volume):
    folder = files.slices(tmp_path / "series", volume)
    first = sorted(folder.iterdir())[0]
    (folder / "copy.dcm").write_bytes(first.read_bytes())
    with pytest.raises(ReaderError, match="the same image as"):
        open_series(Source(str(folder)), False)


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "x.txt").write_text("nothing")
    with pytest.raises(ReaderError, match="holds no DICOM image"):
        open_series(Source(str(tmp_path)), False)
