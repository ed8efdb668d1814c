from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from cdt_core.hooks.manager import catalog
from cdt_imaging.offers import POLICIES, READERS, VALIDATORS
from cdt_imaging.policy import imaging_policy


def test_discovery_finds_every_offer():
    (record,) = [plugin for plugin in catalog().plugins if plugin.name == "imaging"]
    assert record.status == "active", record.reason
    assert record.offers == {
        "readers": tuple(reader.name for reader in READERS),
        "validators": tuple(validator.name for validator in VALIDATORS),
        "policies": tuple(policy.name for policy in POLICIES),
    }


def test_discovery_imports_no_imaging_library():
    code = (
        "import sys, cdt_imaging.plugin as p; p.cdt_readers(); p.cdt_validators(); p.cdt_policies()\n"
        "print(sorted({'numpy', 'pydicom', 'nibabel', 'tifffile', 'zarr', 'xarray', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("descriptor", [*READERS, *VALIDATORS, *POLICIES], ids=lambda descriptor: descriptor.name)
def test_each_offer_can_be_loaded_and_says_what_it_is(descriptor):
    assert callable(descriptor.load())
    assert descriptor.description


def test_every_threshold_is_for_a_check_that_a_validator_makes():
    rules = json.loads(imaging_policy())["rules"]
    checks = {check for validator in VALIDATORS for check in validator.checks}
    assert set(rules) <= checks
    assert all(rule["why"] for rule in rules.values())


def test_the_policy_is_one_that_the_core_reads():
    from cdt_core.certify.policy import read_policy

    assert read_policy(imaging_policy(), "imaging-1").name == "imaging-1"


def test_a_treated_image_has_findings_and_keeps_its_bound(tmp_path):
    import nibabel
    import xarray as xr

    import cdt_core as cdt

    z, y, x = np.meshgrid(*(np.arange(24),) * 3, indexing="ij")
    values = (500 * np.exp(-((x - 12) ** 2 + (y - 12) ** 2 + (z - 12) ** 2) / 60)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(values, np.diag([1, 2, 3, 1])), tmp_path / "a.nii.gz")
    treated = cdt.treat(tmp_path / "a.nii.gz", tmp_path / "out", bound="abs:0.25")
    checks = {finding.check: finding for finding in treated.findings if finding.check.startswith("imaging.")}
    assert set(checks) == {
        "imaging.pixel_data_length",
        "imaging.spacing_present",
        "imaging.spacing_uniform",
        "imaging.empty_slices",
        "imaging.saturation",
        "imaging.snr",
        "imaging.snr_change",
        "imaging.efc",
        "imaging.efc_change",
    }
    assert checks["imaging.spacing_present"].verdict == "pass"
    with xr.open_zarr(tmp_path / "out" / "data.zarr") as written:
        image = written["image"]
        assert np.abs(image.values.astype(np.float64) - values.T).max() <= 0.25
        assert image.attrs["affine"][2][2] == 3
        assert written.attrs["nifti_dim"] == [3, 24, 24, 24, 1, 1, 1, 1]


def test_a_treated_image_can_be_exported_with_its_header(files, tmp_path):
    import xarray as xr

    import cdt_core as cdt

    plane = np.random.default_rng(1).integers(0, 999, (16, 16), dtype=np.int16)
    files.saved(tmp_path / "a.dcm", files.image(plane, RescaleSlope="2", RescaleIntercept="-9"))
    cdt.treat(tmp_path / "a.dcm", tmp_path / "out")
    cdt.export(tmp_path / "out", tmp_path / "a.nc")
    with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf") as exported:
        assert (exported["image"].values == plane * 2.0 - 9).all()
        assert exported.attrs["PatientName"] == "Doe^Jane"
