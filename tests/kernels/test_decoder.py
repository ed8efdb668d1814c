"""The compiled decoder and one written from FORMAT.md alone read the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import CorruptStreamError
from cdt_core.kernels import compress
from cdt_core.kernels.reference import decoder
from cdt_core.model import Bound
from tests.kernels.arrays import ALL, MISSING, arrays, same_bits

bounds = st.sampled_from([Bound("lossless"), Bound("abs", 0.1), Bound("abs", 30.0), Bound("pw_rel", 1e-3)])
codings = st.tuples(st.sampled_from(["byte", "bit", "auto"]), st.sampled_from([1, 7, 64, 1 << 18]))


@settings(max_examples=250, deadline=None)
@given(arrays(ALL), bounds, codings, st.sampled_from([(), MISSING]))
def test_both_decoders_give_the_same_bits(x, bound, coding, missing):
    stream = compress.encode(x, bound, missing=missing, shuffle=coding[0], block_samples=coding[1]).stream
    assert same_bits(compress.decode(stream), decoder.decode(stream))


def test_more_than_eight_axes():
    x = np.add.outer(np.arange(2.0**5), np.arange(2.0**6)).reshape((2,) * 11)
    stream = compress.encode(x, Bound("abs", 0.1)).stream
    assert same_bits(compress.decode(stream), decoder.decode(stream))
    assert np.abs(compress.decode(stream) - x).max() <= 0.1


@pytest.mark.parametrize("stream", [b"", b"\x93CDT\r\n\x1a\n", bytes(200)])
def test_what_is_no_stream_is_refused(stream):
    for decode in (compress.decode, decoder.decode):
        with pytest.raises(CorruptStreamError):
            decode(stream)


def test_a_limit_is_kept():
    stream = compress.encode(np.zeros(1000), Bound("lossless")).stream
    with pytest.raises(CorruptStreamError, match="limit"):
        decoder.decode(stream, max_bytes=7999)
