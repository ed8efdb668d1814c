"""The stream is AES-256 in counter mode, however it is read."""

import numpy as np
import pytest

from cdt_core.errors import PrivacyError
from cdt_core.kernels.lattice import (
    Lattice,
    Stream,
    add_mask,
    counter,
    discrete_gaussian,
    discrete_laplace,
    share,
)

#: NIST SP 800-38A, F.5.5: CTR-AES256.Encrypt.
KEY = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
COUNTER = bytes.fromhex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
PLAIN = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)
CIPHERTEXT = bytes.fromhex(
    "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
    "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6"
)


def test_a_stream_is_the_same_however_it_is_divided():
    length = 3 * (1 << 17) + 40
    whole = Stream(KEY).take(length)
    pieces = Stream(KEY)
    sizes = [0, 1, 7, 16, 1000, (1 << 17) + 3]
    parts = [pieces.take(size) for size in sizes]
    parts.append(pieces.take(length - sum(sizes)))
    assert b"".join(parts) == whole


@pytest.fixture(params=[True, False], ids=["by GCM", "by counter mode"])
def way(request, monkeypatch):
    monkeypatch.setattr(counter, "gcm_is_faster", lambda: request.param)


@pytest.mark.parametrize("number", [0, 1, 2, 3, 2**32 - 1])
@pytest.mark.parametrize("most", [16, 64, 1 << 36])
def test_both_ways_give_the_bytes_of_counter_mode(way, monkeypatch, number, most):
    """Whichever block it begins with, and where GCM ends, which it may do in the middle of a piece."""
    monkeypatch.setattr(counter, "MOST_GCM_BYTES", most)
    nonce = b"\xff" * 12 + number.to_bytes(4, "big")
    expected = counter.counter_mode(KEY, nonce).update(bytes(500))
    for sizes in ([500], [5, 11, 16, 1, 30, 0, 437], [1] * 100 + [400]):
        stream = Stream(KEY, nonce)
        assert b"".join(stream.take(size) for size in sizes) == expected


def test_both_ways_give_the_bytes_of_the_standard(way):
    stream = Stream(KEY, COUNTER).take(64)
    assert bytes(a ^ b for a, b in zip(PLAIN, stream, strict=True)) == CIPHERTEXT


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.uint64])
def test_words_are_little_endian_bytes(dtype):
    words = Stream(KEY).words(1000, dtype)
    assert words.dtype == dtype
    assert words.astype(words.dtype.newbyteorder("<")).tobytes() == Stream(KEY).take(words.nbytes)


def test_fresh_streams_have_nothing_in_common():
    first = [Stream.fresh().take(16) for _ in range(50)]
    assert len(set(first)) == 50


def test_a_nonce_moves_the_counter():
    assert Stream(KEY, (1).to_bytes(16, "big")).take(16) == Stream(KEY).take(32)[16:]


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda: Stream(bytes(16)), "key of a stream must be 32 bytes"),
        (lambda: Stream("x" * 32), "key of a stream must be 32 bytes"),
        (lambda: Stream(KEY, bytes(12)), "nonce of a stream must be 16 bytes"),
        (lambda: Stream(KEY).take(-1), "count is -1"),
        (lambda: Stream(KEY).take("a"), "count is 'a'"),
        (lambda: Stream(KEY).words(4, np.int32), "words of int32"),
        (lambda: Stream(KEY).words(4, np.float64), "words of float64"),
        (lambda: Stream(KEY).words(4, "zz"), "'zz' is no dtype"),
        (lambda: Stream(KEY).take(1 << 80), "count is 1208925819614629174706176; give 0 or more"),
        (lambda: Stream(KEY).take(10**5000), "count is a number of 16610 bits"),
        (lambda: Stream(KEY).fill(np.zeros(6, np.uint32)[::2]), "contiguous memory"),
        (lambda: Stream(KEY).fill(np.frombuffer(bytes(8), np.uint32)), "may be written"),
    ],
)
def test_what_is_no_stream_is_refused(call, what):
    with pytest.raises(PrivacyError, match=what):
        call()


@pytest.mark.parametrize("given", [None, np.random.default_rng(0), 7], ids=["none", "a generator of NumPy", "a seed"])
@pytest.mark.parametrize(
    "take",
    [
        lambda stream: discrete_gaussian(stream, 1, 3),
        lambda stream: discrete_laplace(stream, 1e6, 3),
        lambda stream: add_mask(np.zeros(3, np.uint32), stream, 1),
        lambda stream: share(bytes(32), 2, 3, stream),
        lambda stream: Lattice(1.0).encode([1.5], 2.0, stream),
        lambda stream: Lattice(1.0).encode([1.5], 2.0, stream, norm_bound=4.0),
        lambda stream: Lattice(1.0).encode_masked([1.5], 2.0, Stream(KEY), [(stream, 1)]),
    ],
    ids=["gaussian", "laplace", "add_mask", "share", "encode", "encode with a bound", "encode_masked"],
)
def test_what_takes_bits_takes_them_from_a_stream(take, given):
    with pytest.raises(PrivacyError, match=f"drawn from a Stream, not from {type(given).__name__}"):
        take(given)
