"""Ciphertexts as their polynomials: the only bytes of one that depend on what is in it.

SEAL's format wraps the polynomials' residues in headers that are the same for every fresh ciphertext of a key. Only the
residues are sent; the receiver checks each against its modulus and puts its own headers around them. So no header, length or
compressed stream of another site reaches the library, and adding ciphertexts is adding residues.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from cdt_core.errors import PrivacyError, ProtocolError
from cdt_privacy.homomorphic.library import tenseal
from cdt_privacy.homomorphic.parameters import Parameters

__all__ = ["Packing", "Residues", "add_into", "ciphertexts_of", "require_residues"]

#: Residues of ciphertexts, uint64 of shape (ciphertexts, 2 polynomials, moduli, degree).
Residues = NDArray[np.uint64]

_HEADER = struct.Struct("<HBBBBHQ")  # magic, header's size, version (2), compression, reserved, size of all
_MAGIC = 0xA15E
_UNKNOWN = "this TenSEAL writes ciphertexts in a way that is not known here; install a version from 0.3.16 to 0.3.x"
_NONE, _ZLIB, _ZSTD = 0, 1, 2


@frozen(eq=False)
class Packing:
    """How one key's ciphertexts are wrapped: by TenSEAL around a SEAL ciphertext, by SEAL around its residues."""

    parameters: Parameters
    primes: NDArray[np.uint64]
    _head: bytes = field(repr=False)
    _tail: bytes = field(repr=False)
    _version: tuple[int, int] = field(repr=False)
    _prefix: bytes = field(repr=False)

    @classmethod
    def of(cls, context: Any, parameters: Parameters) -> Packing:
        """Learn it from an encryption of zeros under ``context``."""
        primes = [
            modulus.value() for modulus in context.seal_context().data.first_context_data().parms().coeff_modulus()
        ]
        sample = tenseal().ckks_vector(context, [0.0] * parameters.slots).serialize()
        head, ciphertext, tail = _split(sample)
        plain, version = _opened(ciphertext)
        size = 2 * len(primes) * parameters.degree * 8
        if len(primes) != parameters.primes or not size < len(plain) < size + 1024:
            raise PrivacyError(_UNKNOWN)
        return cls(parameters, np.array(primes, np.uint64), head, tail, version, plain[:-size])

    def encrypted(self, context: Any, numbers: NDArray[np.float64]) -> Residues:
        """Encrypt at most ``slots`` numbers per ciphertext, the last one filled with zeros."""
        slots = self.parameters.slots
        padded = np.zeros((ciphertexts_of(len(numbers), self.parameters), slots))
        padded.reshape(-1)[: len(numbers)] = numbers
        sealed = np.empty((len(padded), 2, len(self.primes), self.parameters.degree), np.uint64)
        for row, piece in enumerate(padded):
            stored = tenseal().ckks_vector(context, piece.tolist()).serialize()
            plain, _ = _opened(_split(stored)[1])
            if plain[: len(self._prefix)] != self._prefix:
                raise PrivacyError("a ciphertext is not like the others of its key; make a new key")
            sealed[row] = np.frombuffer(plain, "<u8", offset=len(self._prefix)).reshape(sealed.shape[1:])
        return sealed

    def decrypted(self, context: Any, sealed: Residues) -> NDArray[np.float64]:
        """What the ciphertexts hold, noise included: for the key holder only."""
        opened = np.empty((len(sealed), self.parameters.slots))
        for row, residues in enumerate(sealed):
            vector = tenseal().ckks_vector_from(context, self._wrapped(residues))
            opened[row] = vector.decrypt()
        return opened.reshape(-1)

    def _wrapped(self, residues: NDArray[np.uint64]) -> bytes:
        plain = self._prefix + residues.astype("<u8").tobytes()
        header = _HEADER.pack(_MAGIC, _HEADER.size, *self._version, _NONE, 0, _HEADER.size + len(plain))
        ciphertext = header + plain
        return self._head + b"\x12" + _varint(len(ciphertext)) + ciphertext + self._tail


def ciphertexts_of(length: int, parameters: Parameters) -> int:
    """Ciphertexts that a vector needs."""
    return -(-length // parameters.slots)


def require_residues(sealed: Residues, primes: NDArray[np.uint64], what: str) -> None:
    """Refuse numbers that are no residues.

    Raises
    ------
    ProtocolError
        One is not below its modulus; names the ciphertext.
    """
    wrong = (sealed >= primes[:, None]).any(axis=(1, 2, 3))
    if wrong.any():
        raise ProtocolError(
            f"{what}: ciphertext {int(wrong.argmax())} is none of this key (a residue is not below its modulus)"
        )


def add_into(total: Residues, sealed: Residues, primes: NDArray[np.uint64]) -> None:
    """Add ciphertexts: their polynomials, modulo each prime (below 2^60, so that no sum wraps). In place."""
    total += sealed
    limits = np.broadcast_to(primes[:, None], total.shape)
    np.subtract(total, limits, out=total, where=total >= limits)


def _split(stored: bytes) -> tuple[bytes, bytes, bytes]:
    """What TenSEAL writes for one ciphertext, as protobuf: what is before it, the ciphertext (field 2), what is after it."""
    at = stored.find(b"\x12", 2 + stored[1])  # field 1, the sizes, is two bytes and its length
    size, start = _read_varint(stored, at + 1)
    if at < 0 or stored[0] != 0x0A or len(stored) < start + size:
        raise PrivacyError(_UNKNOWN)
    return stored[:at], stored[start : start + size], stored[start + size :]


def _opened(ciphertext: bytes) -> tuple[bytes, tuple[int, int]]:
    """What SEAL writes, without its header and its compression; our own bytes, so that they are trusted."""
    magic, header, major, minor, compression, _, size = _HEADER.unpack_from(ciphertext)
    if magic != _MAGIC or header != _HEADER.size or size != len(ciphertext):
        raise PrivacyError(_UNKNOWN)
    body = ciphertext[header:]
    if compression == _ZSTD:
        import zstandard

        body = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(body)).read()
    elif compression == _ZLIB:
        body = zlib.decompress(body)
    return body, (major, minor)


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _read_varint(stored: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while stored[at] & 128:
        value |= (stored[at] & 127) << shift
        at, shift = at + 1, shift + 7
    return value | stored[at] << shift, at + 1
