from __future__ import annotations

import numpy as np
import pytest

from cdt_core.model import VariableSpec
from cdt_core.validators.units import decoded_months, is_time, problem_of

READABLE = """
K; m s-1; m s**-1; m/s; kg m**-2; W m-2 sr-1; degrees_north; degrees_east; degree; degree_C; degC; Celsius; deg_C m-1; psu;
PSU; hPa; mb; dbar; %; ppm; ppbv; DU; dBZ; gpm; m**2 s**-2; m of water equivalent; (0 - 1); 1; 1e-3; 0.001; 1000 m3; 10^9/L;
lg(re 1 mW); ln(re 1 Pa); mg/dL; mmHg; cells/uL; bpm; HU; BQML; Gy; um; µm; mV; uV; Hz; counts; count; adu;
electron/s; Jy/beam; erg/s/cm**2; arcsec; mag; MeV; GeV; Da; m/z; dimensionless; umol m-2 s-1; level; sigma_level
"""
UNREADABLE = "furlongs per fnord; none; unitless; -; ~; 2010-01-01; code table 4.2; m/; log(2); 5 degC maybe"
TIMES = """
days since 1850-1-1; hours since 1900-01-01 00:00:0.0; seconds since 1970-01-01 00:00:00 UTC; months since 1900-01;
hours since 2000-01-01T00:00:00Z; nanoseconds since 1970-01-01; common_years since 0001-01-01; d since 2000-01-01 12:00 +1:00
"""
NO_TIMES = "metres since 1970-01-01; days since yesterday; days since 01/02/2003; fortnights since 2000-01-01"


def each(text):
    return [part.strip() for part in text.split(";")]


@pytest.mark.parametrize("units", ["", " ", *each(READABLE), *each(TIMES)])
def test_units_in_use_are_read(units):
    assert problem_of(units) == ""


@pytest.mark.parametrize("units", [*each(UNREADABLE), *each(NO_TIMES)])
def test_what_is_no_unit_has_a_reason(units):
    assert problem_of(units)


@pytest.mark.parametrize("units", each(TIMES))
def test_times_since_a_date_are_times(units):
    assert is_time(units)
    assert not is_time(units.replace(" since ", " after "))


def spec(units, **attributes):
    return VariableSpec("time", ("time",), (3,), "int64", attributes={"units": units, **attributes})


def test_months_are_counted_from_year_zero():
    months = decoded_months(spec("days since 2001-01-01"), np.array([0, 31, 59]))
    assert months.tolist() == [12 * 2001 + 1, 12 * 2001 + 2, 12 * 2001 + 3]


@pytest.mark.parametrize(
    ("units", "values"),
    [
        ("days since 2001-01-01", [0, 1, 2]),
        ("hours since 2001-01-01", [0, 24 * 27, 48 * 27]),
        ("seconds since 2001-01-01", [0, 3600, 7200]),
        ("m", [0, 31, 59]),
        ("days since yesterday", [0, 31, 59]),
        ("days since 2001-01-01", [5]),
        ("days since 2001-01-01", []),
    ],
)
def test_shorter_steps_and_other_units_have_no_months(units, values):
    assert decoded_months(spec(units), np.array(values)) is None


def test_descending_years_have_months():
    months = decoded_months(spec("days since 2001-01-01", calendar="noleap"), np.array([730, 365, 0]))
    assert np.diff(months).tolist() == [-12, -12]


def test_decoded_times_have_months():
    times = np.array(["2001-01-31", "2001-02-28", "2001-03-31"], "datetime64[ns]")
    assert np.diff(decoded_months(spec(""), times)).tolist() == [1, 1]
