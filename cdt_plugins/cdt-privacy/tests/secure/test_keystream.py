"""Both ways to the words of a mask give the same words, whichever a machine takes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.kernels.lattice import Stream, add_mask
from cdt_privacy.secure import keystream
from cdt_privacy.secure.keystream import KeyStream
from cdt_privacy.secure.masks import add_masks

WAYS = pytest.mark.parametrize("gcm", [True, False], ids=["GCM", "CTR"])


def plain(key):
    """AES-256-CTR from the counter block that GCM begins with."""
    return Stream(key, bytes(15) + b"\2")


@WAYS
def test_the_words_are_those_of_the_counter_mode(monkeypatch, gcm):
    monkeypatch.setattr(keystream, "_gcm_is_faster", lambda: gcm)
    for key in (bytes(32), bytes(range(32))):
        ours, theirs = KeyStream(key), plain(key)
        for count in (1, 15, 16, 17, 0, 1 << 18, (1 << 18) + 5):
            assert ours.take(count) == theirs.take(count)


def test_the_counter_goes_on_beyond_one_byte_and_two():
    ours, theirs = KeyStream(bytes(32)), plain(bytes(32))
    ours.take(16 * 65_600)
    theirs.take(16 * 65_600)
    assert ours.take(64) == theirs.take(64)


@WAYS
@given(
    length=st.one_of(st.integers(1, 50), st.integers(65_530, 65_545)),
    bits=st.sampled_from([32, 64]),
    signs=st.lists(st.sampled_from([1, -1]), max_size=5),
)
def test_masks_in_tiles_are_the_masks_one_after_another(gcm, length, bits, signs):
    dtype = np.dtype(f"uint{bits}")
    ring = np.arange(length, dtype=dtype)
    expected = ring.copy()
    keys = [bytes([number]) * 32 for number in range(len(signs))]
    for key, sign in zip(keys, signs, strict=True):
        add_mask(expected, plain(key), sign)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keystream, "_gcm_is_faster", lambda: gcm)
        masks = [(KeyStream(key), sign) for key, sign in zip(keys, signs, strict=True)]
    assert add_masks(ring, masks) is ring
    np.testing.assert_array_equal(ring, expected)


def test_more_masks_than_streams_that_are_open_at_once():
    ring = np.zeros(3, np.uint32)
    add_masks(ring, ((KeyStream(number.to_bytes(32, "little")), sign) for number in range(600) for sign in (1, -1)))
    assert not ring.any()
