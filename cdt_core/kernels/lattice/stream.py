"""A cryptographic stream: the random bits of roundings, noise, masks and shares."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.errors import PrivacyError
from cdt_core.kernels.lattice import counter
from cdt_core.kernels.lattice.checks import must_be_count

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext
    from numpy.typing import DTypeLike, NDArray

__all__ = ["Stream", "must_be_stream"]

#: Bytes enciphered at once: they stay in the second-level cache until they are used.
_PIECE_BYTES = 1 << 17
_ZEROS = bytes(_PIECE_BYTES)
#: The number in the counter block from which GCM encrypts.
_GCM_BLOCK = 2


class Stream:
    """The key stream of AES-256 in counter mode (NIST SP 800-38A), read from its beginning.

    The bytes are the same however they are divided among calls, so two who share a key can read the same masks. A stream is
    as secret as its key, must not be used for two purposes, and is not safe to share between threads, nor with a process that
    was forked: both would read the same. 5 to 10 GB/s.

    Parameters
    ----------
    key
        32 bytes that nobody can guess; see :meth:`fresh`.
    nonce
        The 16 bytes of the first counter block; different ones give streams that have nothing to do with each other only
        if they are further apart than either is long. Take another key where that is not certain.

    Raises
    ------
    PrivacyError
        A key or nonce of another type or length.

    Examples
    --------
    >>> ours, theirs = Stream(bytes(32)), Stream(bytes(32))
    >>> ours.take(4).hex(), ours.take(2).hex(), theirs.take(6).hex()
    ('dc95c078', 'a240', 'dc95c078a240')
    >>> ours.words(2, np.uint32)
    array([1219332489, 2224166050], dtype=uint32)
    """

    __slots__ = ("_cipher", "_first", "_key", "_left", "_nonce")

    def __init__(self, key: bytes, nonce: bytes = bytes(16)) -> None:
        for what, given, size in (("key", key, 32), ("nonce", nonce, 16)):
            if not isinstance(given, (bytes, bytearray)) or len(given) != size:
                raise PrivacyError(
                    f"the {what} of a stream must be {size} bytes; take os.urandom({size}) or HKDF's output"
                )
        self._key, self._nonce = bytes(key), bytes(nonce)
        # Bytes before those of the cipher, and how many the cipher has, should it end.
        self._first, self._left = b"", sys.maxsize
        before = _GCM_BLOCK - int.from_bytes(nonce[12:], "big")
        if before < 0 or not counter.gcm_is_faster():
            self._cipher = counter.counter_mode(self._key, self._nonce)
            return
        if before:
            self._first = counter.counter_mode(self._key, self._nonce).update(_ZEROS[: before * counter.BLOCK_BYTES])
        self._cipher, self._left = counter.by_gcm(self._key, self._nonce[:12]), counter.MOST_GCM_BYTES

    @classmethod
    def fresh(cls) -> Stream:
        """A stream that nobody else can have: its key comes from the operating system."""
        return cls(os.urandom(32))

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        return self.words(count, np.uint8).tobytes()

    def words(self, count: int, dtype: DTypeLike = np.uint32) -> NDArray[Any]:
        """The next ``count`` unsigned integers, little-endian in the stream, as a vector of ``dtype`` (uint8 to uint64)."""
        try:
            kind = np.dtype(dtype)
        except TypeError as error:
            raise PrivacyError(f"{dtype!r} is no dtype; ask for uint8, uint16, uint32 or uint64") from error
        if kind.kind != "u":
            raise PrivacyError(f"a stream has no words of {kind}; ask for uint8, uint16, uint32 or uint64")
        words = np.empty(must_be_count("count", count), kind.newbyteorder("="))
        self.fill(words)
        return words

    def fill(self, out: NDArray[Any]) -> None:
        """The next words of the stream over the unsigned integers of ``out``, which must be contiguous."""
        if not out.flags.carray:
            raise PrivacyError("words of a stream go to contiguous memory that may be written; give a new array")
        octets = out.view(np.uint8)
        if self._first:
            some = self._first[: octets.size]
            octets[: len(some)] = np.frombuffer(some, np.uint8)
            self._first, octets = self._first[len(some) :], octets[len(some) :]
        if octets.size > self._left:
            last = self._left
            self._encipher(octets[:last])
            self._cipher, octets = self._after_gcm(), octets[last:]
        self._encipher(octets)
        if sys.byteorder == "big":
            out.byteswap(inplace=True)

    def _encipher(self, octets: NDArray[np.uint8]) -> None:
        self._left -= octets.size
        for start in range(0, octets.size, _PIECE_BYTES):
            piece = octets[start : start + _PIECE_BYTES]
            self._cipher.update_into(memoryview(_ZEROS)[: piece.size], piece.data)

    def _after_gcm(self) -> CipherContext:
        """Counter mode from the block at which GCM ends."""
        block = int.from_bytes(self._nonce[:12], "big") << 32
        block += _GCM_BLOCK + counter.MOST_GCM_BYTES // counter.BLOCK_BYTES
        self._left = sys.maxsize
        return counter.counter_mode(self._key, (block % (1 << 128)).to_bytes(16, "big"))


def must_be_stream(stream: Stream) -> Stream:
    """What random bits are taken from.

    Raises
    ------
    PrivacyError
        It is no stream, a generator that is not cryptographic among others.
    """
    if not isinstance(stream, Stream):
        raise PrivacyError(f"bits are drawn from a Stream, not from {type(stream).__name__}; give Stream.fresh()")
    return stream
