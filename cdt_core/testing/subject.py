"""Datasets for validators of a whole dataset, and the check of what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.hooks.contracts import Subject
from cdt_core.hooks.descriptor import Validator
from cdt_core.model import VariableProfile
from cdt_core.testing.comparing import findings_differ
from cdt_core.testing.contract import called, require
from cdt_core.testing.findings import checked_findings
from cdt_core.testing.sample import SampleVariable

if TYPE_CHECKING:
    import xarray as xr

    from cdt_core.readers.stored import StoredDataset

__all__ = ["check_subjects", "sample_subjects", "subject_of"]


def subject_of(dataset: xr.Dataset | xr.DataTree) -> Subject:
    """What a dataset-scope validator is given for an xarray object whose values are as a file stores them."""
    from cdt_core.readers.stored import from_xarray

    stored = from_xarray(dataset)
    profiles = {name: _profile(stored, name) for name in stored.specs}
    return Subject(stored.variables, stored.specs, profiles, stored.attributes, stored.source, stored.notes)


def _profile(stored: StoredDataset, name: str) -> VariableProfile:
    spec = stored.specs[name]
    if spec.dtype == "object":
        return VariableProfile(name, spec.size)
    values = stored.decoded(name, stored.read(name, tuple(slice(0, length) for length in spec.shape)))
    return SampleVariable(values, values, name=name).profile


def sample_subjects() -> Iterator[Subject]:
    """A gridded field, a table with gaps and text, groups, and datasets with odd attributes, lengths and values."""
    import xarray as xr

    time = ("time", np.arange(6.0), {"units": "days since 2001-01-01"})
    field = (("time", "x"), np.arange(24, dtype="float32").reshape(6, 4), {"units": "K", "_FillValue": -9999.0})
    yield subject_of(xr.Dataset({"field": field}, coords={"time": time, "x": ("x", [4, 3, 2, 1])}))
    table = {"weight": ("row", [1.5, np.nan, np.inf]), "name": ("row", np.array(["a", "", "ß"], dtype=object))}
    yield subject_of(xr.Dataset(table))
    yield subject_of(xr.DataTree.from_dict({"/": xr.Dataset({"a": 1}), "/deep/er": xr.Dataset({"b": ("x", [1, 1])})}))
    odd = {"units": 7, "scale_factor": 0.0, "valid_range": "none", "long_name": np.array([1.0, 2.0])}
    yield subject_of(xr.Dataset({"odd": ("x", np.zeros(3, "int16"), odd)}, coords={"x": ("x", [1.0, np.nan, 1.0])}))
    yield subject_of(xr.Dataset({"empty": (("x", "y"), np.zeros((0, 3)))}))
    yield Subject({}, {}, {})


def check_subjects(
    offer: Validator, function: Callable[[Subject], Any], subjects: Iterable[Subject] | None, tolerance: float
) -> None:
    """Run a dataset-scope validator on each subject, twice, and check its findings."""
    for number, subject in enumerate(sample_subjects() if subjects is None else subjects):
        where = f"validator {offer.name!r} on subject {number} ({', '.join(subject) or 'no variable'})"
        first = checked_findings(offer, called(where, function, subject), where, subject)
        again = checked_findings(offer, called(where, function, subject), where, subject)
        differs = findings_differ(first, again, tolerance)
        require(not differs, f"{where}: a second run finds something else: {differs}")
