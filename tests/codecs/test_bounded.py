"""The bounded codec as the engine drives it."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.codecs.bounded import Bounded
from cdt_core.codecs.zarr_bounded import BoundedCodec
from cdt_core.errors import CorruptStreamError
from cdt_core.model import Bound
from tests.kernels.arrays import FLOATS, MISSING, arrays, worst_error


@settings(max_examples=60, deadline=None)
@given(
    arrays(FLOATS),
    st.sampled_from(["abs:0.1", "pw_rel:0.01", "lossless"]),
    st.sampled_from(["speed", "balanced", "size"]),
)
def test_every_candidate_keeps_the_bound(x, bound, objective):
    promised = Bound.parse(bound)
    for parameters in Bounded.candidates(None, None, promised, objective):
        codec = Bounded(parameters, promised, MISSING)
        made = codec.encode(x)
        worst_error(x, codec.decode(made.stream, x.shape, x.dtype), promised, MISSING)
        assert made.max_error <= promised.value


@pytest.mark.parametrize(("shape", "dtype"), [((5, 4), "f4"), ((4, 5), "f8"), ((20,), "f4"), ((2**40, 2**20), "f4")])
def test_a_chunk_of_another_shape_or_dtype_is_refused(shape, dtype):
    codec = Bounded({}, Bound("abs", 0.1), ())
    stream = codec.encode(np.zeros((4, 5), "f4")).stream
    assert codec.decode(stream, (4, 5), np.dtype("f4")).shape == (4, 5)
    with pytest.raises(CorruptStreamError, match="not of this array"):
        codec.decode(stream, shape, np.dtype(dtype))


def test_its_metadata_makes_the_same_codec_in_zarr():
    codec = Bounded({"profile": "dense"}, Bound("abs", 0.5), (math.inf, np.int64(2**62 + 1), np.float32(0.5)))
    (written,) = codec.metadata(np.dtype("f4"))
    again = BoundedCodec.from_dict(written)
    assert again == BoundedCodec("abs:0.5", (math.inf, 2**62 + 1, 0.5), "dense")
    assert again.to_dict() == written


def test_it_travels_to_other_processes():
    codec = pickle.loads(pickle.dumps(Bounded({"profile": "fast"}, Bound("abs", 0.5), (1,))))
    assert (codec.profile, codec.bound, codec.missing) == ("fast", Bound("abs", 0.5), (1,))
