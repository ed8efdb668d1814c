"""Shares of a secret: enough of them give it back, fewer say nothing, and what is no share is refused."""

import threading
from hashlib import sha256
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from cdt_core.errors import PrivacyError, ProtocolError
from cdt_core.kernels import _lattice
from cdt_core.kernels.lattice import Stream, combine, share
from cdt_core.kernels.lattice.shamir import MOST_SHARES, PRIME, SHARE_BYTES
from cdt_core.kernels.reference.lattice import lagrange_at_zero
from cdt_core.kernels.stopping import Stopped, stoppable

KEY = bytes(range(32))


def stream():
    return Stream(KEY)


@given(st.binary(min_size=32, max_size=32), st.integers(1, 5), st.integers(0, 3))
@settings(max_examples=20, deadline=None)
def test_every_subset_of_the_threshold_or_more_gives_the_secret(secret, threshold, more):
    count = threshold + more
    shares = share(secret, threshold, count, stream())
    for size in range(threshold, count + 1):
        for some in combinations(range(count), size):
            assert combine({index: shares[index] for index in some}) == secret


@pytest.mark.parametrize("secret", [bytes(32), b"\xff" * 32, KEY])
def test_shares_are_values_of_a_polynomial_by_plain_integers(secret):
    shares = share(secret, 7, 12, stream())
    points = {i + 1: [int(x) for x in np.frombuffer(shares[i], "<u8")] for i in (11, 3, 4, 0, 8, 9, 6)}
    limbs = [lagrange_at_zero({x: values[k] for x, values in points.items()}, PRIME) for k in range(5)]
    whole = sum(limb << (60 * k) for k, limb in enumerate(limbs))
    assert whole.to_bytes(37, "little") == secret + sha256(secret).digest()[:5]


def test_fewer_shares_than_the_threshold_fit_every_secret():
    """The exact argument: for each other secret there is one polynomial through the same t - 1 shares."""
    shares = share(KEY, 4, 6, stream())
    known = {i + 1: int(np.frombuffer(shares[i], "<u8")[0]) for i in (1, 2, 5)}
    for other in (0, 1, 12345, (1 << 60) - 1):
        at = {0: other, **known}
        assert lagrange_at_zero(at, PRIME) == other
        assert all(lagrange_at_zero(at, PRIME, where=x) == y for x, y in known.items())


def test_shares_below_the_threshold_are_uniform_whatever_the_secret():
    draws = stream()
    for secret in (bytes(32), b"\xff" * 32):
        first = [share(secret, 2, 2, draws)[0] for _ in range(4000)]
        limbs = np.frombuffer(b"".join(first), "<u8").reshape(-1, 5)
        for limb in limbs.T:
            counts = np.bincount((limb >> np.uint64(57)).astype(int), minlength=16)
            assert chisquare(counts).pvalue > 1e-6


@pytest.mark.parametrize(("threshold", "count"), [(1, 1), (1, 3), (51, 100), (300, 300)])
def test_thresholds_at_their_ends(threshold, count):
    shares = share(KEY, threshold, count, stream())
    assert {len(each) for each in shares} == {SHARE_BYTES}
    assert combine(dict(list(enumerate(shares))[-threshold:])) == KEY


@pytest.mark.parametrize("given", [(0, 3), (4, 3), (1, MOST_SHARES + 1), (-1, 2), (2.5, 3), (1, None)])
def test_thresholds_that_cannot_be_are_refused(given):
    with pytest.raises(PrivacyError, match=r"threshold|count is None"):
        share(KEY, *given, stream())


@pytest.mark.parametrize("secret", [b"", bytes(31), bytes(33), "x" * 32])
def test_secrets_of_another_length_are_refused(secret):
    with pytest.raises(PrivacyError, match="32 bytes"):
        share(secret, 2, 3, stream())


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda shares: {}, "no shares"),
        (lambda shares: None, "no shares"),
        (lambda shares: shares, "no shares"),
        (lambda shares: {0: shares[0][:-1], 1: shares[1]}, "share 0 is 39 bytes"),
        (lambda shares: {0: shares[0] + b"x", 1: shares[1]}, "share 0 is 41 bytes"),
        (lambda shares: {0: "x" * 40, 1: shares[1]}, "share 0 is str"),
        (lambda shares: {-1: shares[0], 1: shares[1]}, "index -1"),
        (lambda shares: {MOST_SHARES: shares[0], 1: shares[1]}, f"index {MOST_SHARES}"),
        (lambda shares: {"0": shares[0]}, "index '0'"),
        (lambda shares: {5: PRIME.to_bytes(8, "little") * 5, 1: shares[1]}, "share 5 holds"),
        (lambda shares: {5: b"\xff" * 40, 1: shares[1]}, "share 5 holds"),
        (lambda shares: {0: shares[1], 1: shares[0]}, "do not belong"),
        (lambda shares: {0: shares[0]}, "do not belong"),
    ],
)
def test_what_is_no_share_is_refused(change, what):
    shares = share(KEY, 2, 3, stream())
    with pytest.raises(ProtocolError, match=what):
        combine(change(shares))


def test_a_changed_share_never_gives_the_secret():
    shares = share(KEY, 3, 3, stream())
    for at in range(SHARE_BYTES):
        changed = bytearray(shares[1])
        changed[at] ^= 1
        with pytest.raises(ProtocolError):
            combine({0: shares[0], 1: bytes(changed), 2: shares[2]})


def test_long_work_is_done_in_pieces_between_which_an_interrupt_is_heard(monkeypatch):
    heard = []
    monkeypatch.setattr("cdt_core.kernels.lattice.shamir.heed", lambda: heard.append(1))
    share(KEY, 3000, 6000, stream())
    assert len(heard) >= 5 * 3000 * 6000 / 2**24
    whole = share(KEY, 7, 12, stream())
    for most in (1, 50, 100):
        monkeypatch.setattr("cdt_core.kernels.lattice.shamir._PRODUCTS", most)
        heard.clear()
        assert share(KEY, 7, 12, stream()) == whole
        assert combine(dict(enumerate(whole))) == KEY
        assert len(heard) >= 12 / max(1, most // 35) + 12 / max(1, most // 12)


@pytest.mark.parametrize("work", [lambda: share(KEY, 3, 9, stream()), lambda: combine({2: bytes(40)})])
def test_work_that_is_told_to_stop_stops(work):
    stop = threading.Event()
    stop.set()
    with stoppable(stop), pytest.raises(Stopped):
        work()


def test_kernels_refuse_arrays_that_do_not_fit():
    with pytest.raises(ValueError, match="as many"):
        _lattice.share(np.zeros((2, 5), np.uint64), 1, np.zeros((3, 4), np.uint64))
    for first in (0, 2**32 - 3, 2**32, 2**64 - 1):
        with pytest.raises(ValueError, match="places from 1 to below"):
            _lattice.share(np.zeros((2, 5), np.uint64), first, np.zeros((4, 5), np.uint64))
    for first, count in ((0, 4), (3, 1), (4, 1), (2**64 - 1, 1), (1, 0)):
        with pytest.raises(ValueError, match="a place for each weight"):
            _lattice.weights(np.arange(1, 4, dtype=np.uint64), first, np.zeros(count, np.uint64))
    with pytest.raises(ValueError, match="there must be a share"):
        _lattice.combine(np.zeros(0, np.uint64), np.zeros((0, 5), np.uint64), np.zeros(5, np.uint64))
