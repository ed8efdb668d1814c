"""Text in the store is the text that was read, or an error that names it."""

from __future__ import annotations

import numpy as np
import pytest

from cdt_core.errors import TreatmentError
from cdt_core.model import Bound, VariablePlan, VariableSpec
from cdt_core.store.metadata import write_groups
from cdt_core.store.text import write_text


def _written(root, values):
    exact = Bound("lossless")
    plan = VariablePlan("v", "object", (2,), (1,), "zarr.string", {}, exact, exact, exact)
    spec = VariableSpec(name="v", dims=("t",), shape=(2,), dtype="object")
    write_groups(root, {}, {})
    return write_text(root, spec, plan, lambda region: np.array(values, dtype=object)[region], {})


def test_missing_text_is_counted_and_is_not_taken_for_empty_text(tmp_path):
    *_, empty_digest, empty = _written(tmp_path, ["a", ""])
    *_, missing_digest, missing = _written(tmp_path, ["a", None])
    assert (empty, missing) == (0, 1)
    assert empty_digest != missing_digest


def test_text_that_is_no_unicode_is_refused_and_named(tmp_path):
    with pytest.raises(TreatmentError, match=r"variable 'v'.*no Unicode"):
        _written(tmp_path, ["a", "caf\udce9"])
