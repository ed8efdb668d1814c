"""Real files, against the libraries that know their formats; skipped without CDT_TEST_DATA."""

from __future__ import annotations

import json
import warnings

import nibabel
import numpy as np
import pydicom
import pytest
import tifffile
import xarray as xr

import cdt_core as cdt
from cdt_core.errors import ReaderError
from cdt_imaging.efc import EntropyFocus

DICOM = ["CT_small", "MR_small", "rtdose", "liver_1frame", "examples_palette", "examples_ybr_color"]
NIFTI = ["functional.nii", "example4d.nii.gz"]
TIFF = ["imaging_microscopy/cell.ome.tif", "imaging_microscopy/retina.ome.tif", "geospatial/eraint_u_msl.tif"]


def is_json(dataset):
    for attributes in (dataset.attrs, *(variable.attrs for variable in dataset.variables.values())):
        json.dumps(attributes, allow_nan=False)
    return True


@pytest.mark.parametrize("name", DICOM)
def test_dicom_holds_what_pydicom_reads(test_data, read, name):
    path = test_data / "imaging_medical" / f"{name}.dcm"
    dataset = read(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = pydicom.pixels.pixel_array(pydicom.dcmread(path), raw=True)
    assert dataset["image"].dtype == expected.dtype
    assert (dataset["image"].values == expected).all()
    assert is_json(dataset)


@pytest.mark.parametrize("name", NIFTI)
def test_nifti_holds_what_nibabel_reads(test_data, read, name):
    path = test_data / "imaging_medical" / name
    dataset = read(path)
    image = dataset["image"]
    decoded = image.values * image.attrs.get("scale_factor", 1.0) + image.attrs.get("add_offset", 0.0)
    np.testing.assert_array_equal(decoded, nibabel.load(path).get_fdata().T)
    np.testing.assert_allclose(image.attrs["affine"], nibabel.load(path).affine)
    assert is_json(dataset)


@pytest.mark.parametrize("name", TIFF)
def test_tiff_holds_what_tifffile_reads(test_data, read, name):
    dataset = read(test_data / name)
    assert (dataset["image"].values == tifffile.imread(test_data / name)).all()
    assert is_json(dataset)


def test_ome_zarr_levels_are_in_place(test_data, read):
    tree = read(test_data / "imaging_microscopy" / "cell_f32.ome.zarr.zip")
    assert [tree[f"{level}/image"].shape for level in range(3)] == [(1, 660, 550), (1, 330, 275), (1, 165, 138)]
    assert [float(tree[f"{level}/x"][1]) for level in range(3)] == [1.0, 2.0, 4.0]
    assert tree["0/image"].attrs["spacing_units"] == "micrometer"


@pytest.mark.parametrize(("name", "expected"), [("functional.nii", 0.98918), ("example4d.nii.gz", 0.54035)])
def test_efc_of_the_first_volume_is_as_published_formulas_give_it(test_data, measured, name, expected):
    values = nibabel.load(test_data / "imaging_medical" / name).get_fdata().T
    found = measured(EntropyFocus, np.ascontiguousarray(values), ("t", "z", "y", "x"), (1, 2, *values.shape[2:]))
    assert round(found["imaging.efc"].evidence["first"][0], 5) == expected


@pytest.mark.parametrize("name", ["missing_pixeldata.dcm", "short_pixeldata.dcm", "truncated.nii.gz"])
def test_hostile_files_are_refused_by_name(test_data, read, name):
    with pytest.raises(ReaderError, match=name):
        read(test_data / "hostile" / name)


def test_a_bomb_under_an_image_s_name_is_refused(test_data, tmp_path, read):
    path = tmp_path / "bomb.nii.gz"
    path.write_bytes((test_data / "hostile" / "bomb_512MiB.gz").read_bytes())
    with pytest.raises(ReaderError, match=r"bomb\.nii\.gz"):
        read(path)


@pytest.mark.parametrize("name", ["imaging_medical/functional.nii", "imaging_medical/rtdose.dcm", TIFF[0]])
def test_a_treated_image_keeps_its_bound(test_data, tmp_path, name):
    before = cdt.open(test_data / name)["image"]
    treated = cdt.treat(test_data / name, tmp_path / "out", bound="rel:1e-3")
    with xr.open_zarr(tmp_path / "out" / "data.zarr") as written:
        error = np.abs(written["image"].values.astype(np.float64) - before.values.astype(np.float64)).max()
    assert error <= 1e-3 * float(before.max() - before.min())
    assert "imaging.pixel_data_length" in {finding.check for finding in treated.findings}
