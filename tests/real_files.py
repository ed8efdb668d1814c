"""Real files that the core should read, by their names in the folder of the test data."""

from __future__ import annotations

from pathlib import Path

import pytest

NETCDF = [
    "geospatial/A1B_north_america.nc",
    "geospatial/eraint_uvz.nc",
    "geospatial/nemo_1m_20150101-20150201_grid-T.nc",
    "geospatial/orca2_votemper.nc",
    "geospatial/toa_brightness_stereographic.nc",
    "hostile/nan_inf_fill.nc",
]
TABLES = [
    "astronomy/sunspots.csv",
    "biobank/breast_cancer.csv",
    "biobank/randhie.csv",
    "clinical/CONCEPT.csv",
    "clinical/CONDITION_ERA.csv",
    "clinical/OBSERVATION.csv",
    "clinical/PERSON.csv",
    "genomics/pine_snps_100_500.csv",
    "geospatial/co2_mauna_loa.csv",
    "metabolomics/int_matrix3.tabular",
    "proteomics/proteinGroups.txt",
    "proteomics/protein_data.tabular",
    "proteomics/test_MQ_evidence.tabular",
    "transcriptomics/T4T7_func.tsv",
    "transcriptomics/transcript_data.tabular",
]


def real_file(folder: Path, name: str) -> Path:
    """The path of a file of the test data; the test is skipped when it is not there."""
    if not (folder / name).is_file():
        pytest.skip(f"the test data has no {name}")
    return folder / name
