"""States of summaries come back from JSON exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cdt_core.model.state import state_from_json, state_to_json

leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.binary(max_size=20)
)
trees = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))


@given(st.dictionaries(st.text().filter(lambda key: key != "__cdt__"), trees, max_size=4))
def test_trees_come_back(state):
    assert state_from_json(state_to_json(state)) == state


@given(hnp.arrays(hnp.scalar_dtypes().filter(lambda d: d.kind in "biufcmM"), hnp.array_shapes(min_dims=0, max_side=4)))
def test_arrays_come_back_bit_for_bit(array):
    back = state_from_json(state_to_json({"a": array}))["a"]
    assert np.asarray(back).tobytes() == array.astype(array.dtype.newbyteorder("<")).tobytes()
    assert np.asarray(back).shape == array.shape


def test_what_is_not_a_state_is_refused():
    with pytest.raises(TypeError, match="cannot hold"):
        state_to_json({"x": object()})
    with pytest.raises(TypeError, match="arrays of objects"):
        state_to_json({"x": np.array([object()])})
