"""What the plugin offers, as data: discovery imports neither NumPy nor an imaging library."""

from __future__ import annotations

from cdt_core.hooks import Magic, Policy, Reader, Validator

__all__ = ["POLICIES", "READERS", "VALIDATORS"]

_TIFF = (Magic(0, b"II*\0"), Magic(0, b"MM\0*"), Magic(0, b"II+\0"), Magic(0, b"MM\0+"))

READERS: tuple[Reader, ...] = (
    Reader(
        name="dicom",
        function="cdt_imaging.dicom:open_dicom",
        description="a DICOM image, or the frames of one",
        patterns=("*.dcm", "*.dicom", "*.ima"),
        magic=(Magic(128, b"DICM"),),
    ),
    Reader(
        name="dicom-series",
        function="cdt_imaging.dicom_series:open_series",
        description="a folder of DICOM files, each series as one stack",
        directories=True,
        markers=("DICOMDIR", "*.dcm", "*.DCM", "*.dicom", "*.ima", "*.IMA", "IM[-_0-9]*", "1.[0-3].*"),
    ),
    Reader(
        name="nifti",
        function="cdt_imaging.nifti:open_nifti",
        description="NIfTI-1 and NIfTI-2 images in one file, memory-mapped",
        patterns=("*.nii",),
        magic=(Magic(344, b"n+1\0"), Magic(4, b"n+2\0")),
    ),
    Reader(
        name="nifti-gz",
        function="cdt_imaging.nifti:open_nifti_gz",
        description="gzipped NIfTI-1 and NIfTI-2 images",
        patterns=("*.nii.gz",),
    ),
    Reader(
        name="ome-tiff",
        function="cdt_imaging.tiff:open_ome_tiff",
        description="OME-TIFF images, pyramids and series",
        patterns=("*.ome.tif", "*.ome.tiff", "*.ome.btf", "*.ome.tf8", "*.ome.tf2"),
        magic=_TIFF,
        priority=10,
    ),
    Reader(
        name="tiff",
        function="cdt_imaging.tiff:open_tiff",
        description="TIFF images of any kind; readers of more special kinds go first",
        patterns=("*.tif", "*.tiff", "*.btf", "*.tf8", "*.lsm", "*.stk"),
        magic=_TIFF,
        priority=-10,
    ),
    Reader(
        name="ome-zarr",
        function="cdt_imaging.ome_zarr:open_ome_zarr",
        description="OME-Zarr (NGFF) images: every level of their pyramids, labels, plates",
        patterns=("*.zarr", "*.zarr.zip", "*.ome.zarr", "*.ome.zarr.zip"),
        magic=(Magic(0, b"PK\x03\x04"),),
        directories=True,
        markers=("zarr.json", ".zgroup", ".zmetadata"),
        priority=10,
    ),
)

VALIDATORS: tuple[Validator, ...] = (
    Validator(
        name="imaging.header",
        function="cdt_imaging.header_checks:pixel_length",
        scope="dataset",
        checks=("imaging.pixel_data_length", "imaging.chunks_written"),
        description="length of the pixel data against the header",
    ),
    Validator(
        name="imaging.spacing",
        function="cdt_imaging.header_checks:spacing",
        scope="dataset",
        checks=("imaging.spacing_present", "imaging.spacing_uniform"),
        description="distance between pixels and slices: given, and even",
    ),
    Validator(
        name="imaging.multiscales",
        function="cdt_imaging.ome_zarr_check:multiscales",
        scope="dataset",
        checks=("imaging.multiscales_valid",),
        description="the levels that OME-Zarr metadata lists are there",
    ),
    Validator(
        name="imaging.empty_slices",
        function="cdt_imaging.empty:EmptySlices",
        checks=("imaging.empty_slices",),
        dtype_kinds="iuf",
        min_ndim=3,
        description="planes without contrast",
    ),
    Validator(
        name="imaging.saturation",
        function="cdt_imaging.saturation:Saturation",
        checks=("imaging.saturation",),
        dtype_kinds="iuf",
        min_ndim=2,
        description="pixels at the ceiling of their bits",
    ),
    Validator(
        name="imaging.snr",
        function="cdt_imaging.snr:SignalToNoise",
        checks=("imaging.snr", "imaging.snr_change"),
        dtype_kinds="iuf",
        min_ndim=2,
        description="signal-to-noise ratio, before and after treatment",
    ),
    Validator(
        name="imaging.efc",
        function="cdt_imaging.efc:EntropyFocus",
        checks=("imaging.efc", "imaging.efc_change"),
        dtype_kinds="iuf",
        min_ndim=2,
        description="entropy focus criterion (Atkinson et al. 1997) of each volume, before and after treatment",
    ),
)

POLICIES: tuple[Policy, ...] = (
    Policy(
        name="imaging-1",
        function="cdt_imaging.policy:imaging_policy",
        version=1,
        description="thresholds of the imaging checks",
    ),
)
