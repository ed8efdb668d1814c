"""The core as a plugin: its readers, validators, codecs, processors and policy are registered as any third party's are."""

from __future__ import annotations

from collections.abc import Sequence

from cdt_core.hooks import CodecOffer, Policy, Processor, Reader, Validator, hookimpl

CDT_API = 1


@hookimpl
def cdt_readers() -> Sequence[Reader]:
    """Zarr, NetCDF, HDF5, NumPy, delimited text, Parquet."""
    from cdt_core.readers.offers import READERS

    return READERS


@hookimpl
def cdt_validators() -> Sequence[Validator]:
    """Format, completeness, consistency, validity, and what the treatment did to the values."""
    from cdt_core.validators.offers import VALIDATORS

    return VALIDATORS


@hookimpl
def cdt_processors() -> Sequence[Processor]:
    """Declared transformations that a user may ask for."""
    return (
        Processor(
            name="mask_values",
            function="cdt_core.processors:mask_values",
            dtype_kinds="f",
            description="turn sentinel values such as -9999 into missing values (NaN)",
        ),
    )


@hookimpl
def cdt_codecs() -> Sequence[CodecOffer]:
    """Zarr's own bytes + zstd, which every Zarr reader decodes, the bounded codec, and the tensor codec."""
    return (
        CodecOffer(
            name="zstd",
            function="cdt_core.codecs.plain:Plain",
            dtype_kinds="iufbc",
            bounds=("lossless",),
            description="little-endian bytes with Zstandard; read by any Zarr v3 reader",
        ),
        CodecOffer(
            name="cdt.bounded",
            function="cdt_core.codecs.bounded:Bounded",
            dtype_kinds="iufbc",
            bounds=("lossless", "abs", "pw_rel"),
            description="quantised integers, the cheapest prediction of each block, range coding; the bound is verified",
        ),
        CodecOffer(
            name="cdt.tensor",
            function="cdt_core.codecs.tensor:Tensor",
            dtype_kinds="iuf",
            bounds=("abs", "rmse"),
            description="a tensor train, or a core in one basis per axis, with a residual; small and slow, for objective size",
        ),
    )


@hookimpl
def cdt_policies() -> Sequence[Policy]:
    """The thresholds and levels of the core."""
    return (
        Policy(
            name="core-1",
            function="cdt_core.certify.policy:core_policy",
            version=1,
            description="what a value must be to pass, and what each level demands",
        ),
    )
