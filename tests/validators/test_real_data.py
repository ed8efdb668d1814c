"""Real files fail the checks that their real flaws deserve, and no others."""

from __future__ import annotations

import warnings

import pytest

import cdt_core as cdt

FLAWS = {
    "geospatial/A1B_north_america.nc": set(),
    "geospatial/orca2_votemper.nc": set(),
    "geospatial/toa_brightness_stereographic.nc": set(),
    "geospatial/nemo_1m_20150101-20150201_grid-T.nc": set(),
    "geospatial/eraint_uvz.nc": {("core.fill_value_valid", name) for name in "zuv"},  # NaN declared for int16
    "geospatial/co2_mauna_loa.csv": set(),
    "astronomy/sunspots.csv": set(),
    "transcriptomics/pbmc68k_reduced_dev.h5ad": set(),
    "transcriptomics/transcript_data.tabular": set(),
    "metabolomics/int_matrix3.tabular": set(),
    "proteomics/protein_data.tabular": set(),
    "biobank/randhie.csv": set(),
    "biobank/breast_cancer.csv": set(),
    "clinical/CONDITION_ERA.csv": set(),
    "clinical/CONCEPT.csv": {("core.missing_share", "INVALID_REASON")},  # an empty column
    "clinical/OBSERVATION.csv": {
        ("core.missing_share", name)
        for name in ("VALUE_AS_NUMBER", "VALUE_AS_STRING", "UNIT_SOURCE_VALUE", "QUALIFIER_SOURCE_VALUE")
    },
    "hostile/nan_inf_fill.nc": {
        ("core.nonfinite_share", "air_temperature"),
        ("core.undeclared_sentinels", "air_temperature"),
    },
}


@pytest.mark.parametrize("name", FLAWS)
def test_only_real_flaws_are_found(test_data, tmp_path, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # readers tell of the files' oddities
        treatment = cdt.treat(str(test_data / name), str(tmp_path / "out"), bound="lossless")
    judged = [finding for finding in treatment.findings if finding.check.startswith("core.") and finding.threshold]
    assert {(finding.check, finding.variable) for finding in judged if finding.verdict != "pass"} == FLAWS[name]
