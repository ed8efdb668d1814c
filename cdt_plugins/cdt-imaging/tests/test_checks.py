from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from cdt_core.model import Packing
from cdt_imaging.efc import EntropyFocus
from cdt_imaging.empty import EmptySlices
from cdt_imaging.header_checks import pixel_length, spacing
from cdt_imaging.saturation import Saturation
from cdt_imaging.snr import SignalToNoise, otsu

DIMS = ("t", "z", "y", "x")
CHUNKS = [None, (1, 2, 8, 9), (3, 4, 5, 16), (2, 1, 16, 3)]


@pytest.fixture
def scan():
    """Four volumes of a bright ball on dark ground, with noise of standard deviation 3."""
    _, y, x = np.meshgrid(np.arange(4), np.arange(16), np.arange(16), indexing="ij")
    ball = 200.0 * ((y - 8) ** 2 + (x - 8) ** 2 < 30)
    noise = np.random.default_rng(1).normal(0, 3, (3, *ball.shape))
    return np.abs(ball + 20 + noise)


def entropy_focus(volume):
    """The definition, value by value: Atkinson et al. 1997."""
    b = volume.ravel()
    m = np.sqrt((b**2).sum())
    parts = [v / m * np.log(v / m) for v in b if v > 0]
    n = b.size
    return -sum(parts) / (np.sqrt(n) * np.log(np.sqrt(n)))


@pytest.mark.parametrize("chunk", CHUNKS)
def test_efc_is_its_definition_for_any_chunks(measured, scan, chunk):
    scan[0, 0] = 0
    found = measured(EntropyFocus, scan, DIMS, chunk)["imaging.efc"]
    expected = [entropy_focus(volume) for volume in scan]
    np.testing.assert_allclose(found.evidence["first"], expected, rtol=1e-12)
    assert found.value == pytest.approx(np.mean(expected), rel=1e-12)
    assert found.evidence["volumes"] == 3


def test_efc_is_0_for_one_bright_voxel_and_1_for_a_flat_volume(measured):
    flat, point = np.ones((1, 1, 8, 8)), np.zeros((1, 1, 8, 8))
    point[0, 0, 3, 3] = 5
    assert measured(EntropyFocus, flat, DIMS)["imaging.efc"].value == pytest.approx(1, rel=1e-12)
    assert measured(EntropyFocus, point, DIMS)["imaging.efc"].value == 0


def test_efc_tells_what_the_treatment_changed(measured, scan):
    found = measured(EntropyFocus, scan, DIMS, treated=scan + 5)
    change = max(abs(entropy_focus(v) - entropy_focus(v + 5)) for v in scan)
    assert found["imaging.efc_change"].value == pytest.approx(change, rel=1e-9)


def test_efc_of_an_image_with_negative_values_is_not_assessed(measured, scan):
    found = measured(EntropyFocus, scan - 100, DIMS)["imaging.efc"]
    assert (found.value, found.verdict) == (None, "not-assessed")
    assert "negative" in found.message


@pytest.mark.parametrize("chunk", CHUNKS)
def test_empty_planes_are_counted_for_any_chunks(measured, scan, chunk):
    scan[1, 2] = 7
    scan[2, 0] = np.nan
    found = measured(EmptySlices, scan, DIMS, chunk)["imaging.empty_slices"]
    assert found.value == 2 / 12
    assert found.evidence["first"] == [[1, 2], [2, 0]]


def test_colours_of_a_plane_are_looked_at_together(measured):
    image = np.zeros((2, 4, 4, 3), np.uint8)
    image[0, ..., 1] = 9
    assert measured(EmptySlices, image, ("z", "y", "x", "sample"))["imaging.empty_slices"].value == 0.5


@pytest.mark.parametrize(
    ("dtype", "values", "attributes", "ceiling", "share"),
    [
        ("uint8", [0, 1, 255, 255], {}, 255, 0.5),
        ("uint16", [0, 1, 4095, 4095], {}, 4095, 0.5),  # a 12-bit camera
        ("uint16", [0, 1, 4095, 4000], {"bits_stored": 12}, 4095, 0.25),
        ("uint16", [0, 1, 4094, 4094], {}, 65535, 0),
        ("int16", [-5, 0, 32767, 3], {}, 32767, 0.25),
        ("float32", [0.5, 1, 1, 1], {}, 1, 0.75),
    ],
)
def test_saturation_is_the_share_at_the_ceiling(measured, dtype, values, attributes, ceiling, share):
    image = np.array(values, dtype).reshape(2, 2)
    found = measured(Saturation, image, ("y", "x"), (1, 2), attributes=attributes)["imaging.saturation"]
    assert (found.parameters["ceiling"], found.value) == (ceiling, share)


@pytest.mark.parametrize("factor", [0.1, -0.1])
def test_saturation_finds_the_ceiling_behind_a_rescaling(measured, factor):
    stored = np.array([[0, 10, 4095, 4095]], np.int16)
    packing = Packing(factor, -1024.0, dtype="float64")
    physical = stored * np.float64(factor) - 1024.0
    found = measured(Saturation, physical, ("y", "x"), packing=packing, dtype="int16")["imaging.saturation"]
    assert found.value == 0.5


@pytest.mark.parametrize("attributes", [{"bits_stored": 1}, {"photometric_interpretation": "PALETTE COLOR"}])
@pytest.mark.parametrize("kind", [Saturation, SignalToNoise, EntropyFocus])
def test_masks_and_palettes_have_no_intensities(measured, kind, attributes):
    mask = np.random.default_rng(2).integers(0, 2, (8, 8), dtype=np.uint8)
    assert measured(kind, mask, ("y", "x"), attributes=attributes) == {}


@pytest.mark.parametrize("kind", [Saturation, SignalToNoise, EntropyFocus, EmptySlices])
@pytest.mark.parametrize("attributes", [{"image_kind": "labels"}, {}])
def test_labels_and_what_is_no_image_are_not_looked_at(measured, scan, kind, attributes):
    dims = DIMS if attributes else ("t", "level", "lat", "lon")
    assert measured(kind, scan, dims, attributes=attributes) == {}


def test_snr_recovers_the_noise_that_was_added(measured):
    noise = np.random.default_rng(3).normal(0, 4, (6, 128, 128))
    bright = np.zeros((6, 128, 128))
    bright[:, :, 64:] = 300
    found = measured(SignalToNoise, bright + noise + 50, ("z", "y", "x"), (2, 128, 128))["imaging.snr"]
    before = found.evidence["original"]
    assert abs(before["signal"] - 350) <= 1
    assert abs(before["noise"] - 4) <= 0.5  # the edge adds a little
    assert found.value == before["signal"] / before["noise"]


def test_snr_tells_what_the_treatment_removed(measured, scan):
    smooth = np.where(scan > 100, 220.0, 20.0)
    treated = smooth + (scan - smooth) / 2
    found = measured(SignalToNoise, scan, DIMS, treated=treated)
    before, after = (found["imaging.snr"].evidence[side]["snr"] for side in ("original", "treated"))
    assert found["imaging.snr_change"].value == abs(after / before - 1)
    assert found["imaging.snr_change"].value > 0


def test_snr_is_the_same_in_any_order_of_whole_planes(measured, scan):
    whole = measured(SignalToNoise, scan, DIMS)["imaging.snr"]
    parts = measured(SignalToNoise, scan, DIMS, (1, 1, 16, 16))["imaging.snr"]
    assert parts.value == pytest.approx(whole.value, rel=1e-12)


def test_missing_values_do_not_enter_the_noise(measured, scan):
    holed = scan.copy()
    holed[:, :, 3, 4] = np.nan
    found = measured(SignalToNoise, holed, DIMS)["imaging.snr"]
    assert np.isfinite(found.value)


def test_a_flat_image_has_no_noise_to_measure(measured):
    ramp = np.add.outer(np.arange(8.0), np.arange(8.0))
    found = measured(SignalToNoise, ramp, ("y", "x"))["imaging.snr"]
    assert found.value is None
    assert "no noise" in found.message


def test_otsu_splits_between_two_peaks():
    histogram = np.zeros(256)
    histogram[[10, 11, 200, 201]] = [50, 40, 20, 30]
    assert 11 < otsu(histogram) <= 200


def image_with(**attributes):
    z = xr.Variable(("z",), np.array([0.0, 2, 4, 6]))
    variable = xr.Variable(("z", "y"), np.zeros((4, 3)), {"image_format": "NIfTI", **attributes})
    return xr.Dataset({"image": variable}, coords=xr.Coordinates({"z": z}, indexes={}))


@pytest.mark.parametrize(("stored", "ratio"), [(100, 1.0), (50, 0.5), (110, 1.1)])
def test_the_length_of_the_pixels_is_a_share_of_what_the_header_asks(subject, stored, ratio):
    (found,) = pixel_length(subject(image_with(pixel_bytes_stored=stored, pixel_bytes_expected=100)))
    assert (found.check, found.value) == ("imaging.pixel_data_length", ratio)


def test_chunks_that_were_written_are_a_share_of_the_grid(subject):
    (found,) = pixel_length(subject(image_with(chunks_stored=3, chunks_expected=4)))
    assert (found.check, found.value) == ("imaging.chunks_written", 0.75)


@pytest.mark.parametrize(
    ("steps", "present"),
    [([2.0, 1.0], 1), ([2.0, None], 0), ([2.0, 0.0], 0), ([2.0, float("nan")], 0), ([-2.0, 1.0], 0), (None, 0)],
)
def test_spacing_must_be_a_positive_number_on_each_axis(subject, steps, present):
    dataset = image_with(spatial_axes=["z", "y"], **({} if steps is None else {"spacing": steps}))
    found = {finding.check: finding for finding in spacing(subject(dataset))}
    assert found["imaging.spacing_present"].value == present


def test_a_missing_slice_shows_as_uneven_spacing(subject):
    dataset = image_with(spatial_axes=["z", "y"])
    even = {finding.check: finding for finding in spacing(subject(dataset))}
    dataset["z"] = ("z", [0.0, 2, 6, 8])
    uneven = {finding.check: finding for finding in spacing(subject(dataset))}
    assert even["imaging.spacing_uniform"].value == 0
    assert uneven["imaging.spacing_uniform"].value == 1


def test_variables_that_are_no_images_have_no_findings(subject):
    dataset = xr.Dataset({"u": ("t", np.zeros(3), {"spatial_axes": ["t"], "pixel_bytes_stored": 1})})
    assert [*pixel_length(subject(dataset)), *spacing(subject(dataset))] == []
