"""What the core checks: descriptors only, so that discovery imports neither NumPy nor a validator."""

from __future__ import annotations

from cdt_core.hooks import Validator

__all__ = ["VALIDATORS"]

_HERE = "cdt_core.validators."

VALIDATORS: tuple[Validator, ...] = (
    Validator(
        name="core.fidelity",
        function=_HERE + "fidelity:Fidelity",
        checks=(
            "core.max_error",
            "core.over_bound",
            "core.nonfinite_kept",
            "core.rmse",
            "core.psnr",
            "core.pearson_r",
            "core.mean_shift",
            "core.std_shift",
            "core.quantile_shift",
        ),
        roles=("data", "coordinate"),
        description="what the treatment did to the values: errors, moments and quantiles, over all values",
    ),
    Validator(
        name="core.ssim",
        function=_HERE + "ssim:StructuralSimilarity",
        checks=("core.ssim",),
        dtype_kinds="iuf",
        min_ndim=2,
        description="mean structural similarity (Wang et al. 2004) on sampled tiles",
    ),
    Validator(
        name="core.spectrum",
        function=_HERE + "spectral:SpectralError",
        checks=("core.spectral_error",),
        dtype_kinds="iuf",
        min_ndim=1,
        description="change of the power spectrum on sampled tiles",
    ),
    Validator(
        name="core.missing",
        function=_HERE + "missing:Missing",
        checks=("core.missing_share", "core.nonfinite_share"),
        roles=("data",),
        description="declared missing values; undeclared NaN and infinities",
    ),
    Validator(
        name="core.sentinels",
        function=_HERE + "sentinels:Sentinels",
        checks=("core.undeclared_sentinels",),
        dtype_kinds="iuf",
        description="codes for 'no value' such as -9999 that no attribute declares",
    ),
    Validator(
        name="core.slices",
        function=_HERE + "slices:Slices",
        checks=("core.constant_slices", "core.duplicate_slices"),
        dtype_kinds="iuf",
        min_ndim=3,
        description="slices along the leading axis that are constant or occur twice",
    ),
    Validator(
        name="core.outliers",
        function=_HERE + "outliers:Outliers",
        checks=("core.outlier_share",),
        dtype_kinds="iuf",
        description="values far from the median in units of the median absolute deviation",
    ),
    Validator(
        name="core.valid_range",
        function=_HERE + "valid_range:ValidRange",
        checks=("core.valid_range",),
        dtype_kinds="iuf",
        roles=("data", "coordinate"),
        description="values outside valid_min, valid_max or valid_range",
    ),
    Validator(
        name="core.coordinates",
        function=_HERE + "coordinates:coordinates",
        scope="dataset",
        checks=(
            "core.coordinate_monotone",
            "core.coordinate_duplicates",
            "core.coordinate_gaps",
            "core.coordinate_missing",
        ),
        description="order, repetition and gaps of index coordinates",
    ),
    Validator(
        name="core.conformance",
        function=_HERE + "conformance:conformance",
        scope="dataset",
        checks=(
            "core.units_present",
            "core.units_parseable",
            "core.packing_valid",
            "core.fill_value_valid",
            "core.dimensions_consistent",
            "core.names_valid",
            "core.dtype_supported",
            "core.readable",
        ),
        description="units, packing attributes, names, dimensions, data types, and the reader's own notes",
    ),
)
