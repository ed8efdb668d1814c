"""Streams of sketches and their random maps, written from FORMAT.md, "Sketches of tensor trains", alone."""

from __future__ import annotations

import math
import zlib
from itertools import product
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.kernels.reference.reading import Bytes, need

__all__ = ["Fields", "read", "sums"]

Array = NDArray[Any]

_WORD = 1 << 64
_DTYPES = {9: "<f4", 10: "<f8", 14: "<c8", 15: "<c16"}


@attrs.frozen
class Fields:
    """What stands before the first checksum."""

    dtype: str
    shape: tuple[int, ...]
    ranks: tuple[int, ...]
    oversampling: int
    seed: int

    def sizes(self) -> tuple[list[int], list[int]]:
        """``l_0 .. l_d`` and ``r_0 .. r_d``."""
        n, d = (1, *self.shape), len(self.shape)
        left, right = [1] * (d + 1), [1] * (d + 1)
        for b in range(d - 1, 0, -1):
            right[b] = min(self.ranks[b - 1] + self.oversampling, right[b + 1] * n[b + 1], math.prod(n[: b + 1]))
        for b in range(1, d):
            left[b] = min(2 * right[b] + 1, left[b - 1] * n[b])
        return left, right


def read(stream: bytes) -> tuple[Fields, Array]:
    """Fields and sums. Raises ``CorruptStreamError`` where a rule is broken."""
    source = Bytes(stream)
    need(source.take(5) == b"\x93CTK\x01", "signature and version")
    code, d = source.byte(), source.number()
    need(code in _DTYPES and 1 <= d <= len(stream), "dtype and axes")
    shape, ranks = (tuple(source.number() for _ in range(count)) for count in (d, d - 1))
    fields = Fields(_DTYPES[code], shape, ranks, source.number(), source.number())
    need(0 not in shape + ranks and fields.oversampling < 1 << 16 and fields.seed < 1 << 63, "fields")
    need(zlib.crc32(stream[: source.at]).to_bytes(4, "little") == source.take(4), "checksum of the fields")
    left, right = fields.sizes()
    count = 258 + sum(left[k] * n * right[k + 1] for k, n in enumerate(shape))
    kind = np.dtype("<c16" if "c" in fields.dtype else "<f8")
    need(len(stream) - source.at == count * kind.itemsize + 4, "length")
    body = source.take(count * kind.itemsize)
    need(zlib.crc32(body).to_bytes(4, "little") == source.take(4), "checksum of the sums")
    return fields, np.frombuffer(body, kind)


def sums(x: Array, fields: Fields) -> Array:
    """The state of a whole tensor, every sum over all of its elements."""
    shape, d = fields.shape, len(fields.shape)
    indices = list(product(*map(range, shape)))
    parts: list[Any] = [float((np.abs(x) ** 2).sum()), x.size]
    middle = min(range(1, d), key=lambda b: max(math.prod(shape[:b]), math.prod(shape[b:])), default=0)
    signs = [np.array([_signs(fields, side, index, middle) for index in indices]) for side in (0, 1)]
    parts.extend((signs[0].T * x.reshape(-1) @ signs[1]).reshape(-1))
    rows, columns = _maps(fields)
    for k in range(d):
        outer = np.einsum("ia,inj,jc->anc", rows[k], x.reshape(math.prod(shape[:k]), shape[k], -1), columns[k + 1])
        parts.extend(outer.reshape(-1))
    return np.array(parts)


def _maps(fields: Fields) -> tuple[list[Array], list[Array]]:
    """``Y_0 .. Y_{d-1}`` and ``Z_0 .. Z_d`` as matrices, a row for each index; ``Z_0`` is not used."""
    shape, d = fields.shape, len(fields.shape)
    left, right = fields.sizes()
    rows, columns = [np.ones((1, 1))], [np.ones((1, 1))]
    for b in range(1, d):
        whole = left[b - 1] == math.prod(shape[: b - 1]), left[b] == math.prod(shape[:b])
        core = _core(fields.seed, 2 * (b - 1), (left[b - 1], shape[b - 1], left[b]), whole, left[b - 1])
        rows.append(np.einsum("ia,anc->inc", rows[-1], core).reshape(-1, left[b]))
    for b in range(d, 1, -1):
        whole = right[b] == math.prod(shape[b:]), right[b - 1] == math.prod(shape[b - 1 :])
        core = _core(fields.seed, 2 * (b - 1) + 1, (right[b - 1], shape[b - 1], right[b]), whole, right[b])
        columns.insert(0, np.einsum("anc,jc->nja", core, columns[0]).reshape(-1, right[b - 1]))
    return rows, [np.zeros((0, 0)), *columns]


def _core(seed: int, matrix: int, size: tuple[int, int, int], whole: tuple[bool, bool], scale: int) -> Array:
    if all(whole):
        return np.eye(max(size[0], size[2])).reshape(size)
    width = size[0] * size[2]
    rows = np.array([_row((seed, matrix), i, width) for i in range(size[1])]).reshape(size[1], size[0], size[2])
    return rows.transpose(1, 0, 2) * (1.0 if whole[0] else scale**-0.5)


def _row(key: tuple[int, int], i: int, width: int) -> list[float]:
    steps = -(-width // 4)
    words = [word for step in range(1, steps + 1) for word in _philox(key, i * steps + step)]
    unit = float((16 * (2.0**32 - 1) / 12) ** -0.5)
    parts = [sum(word >> shift & 0xFFFF for shift in (0, 16, 32, 48)) for word in words[:width]]
    return [(2 * part - 4 * 65535) * unit for part in parts]


def _philox(key: tuple[int, int], counter: int) -> tuple[int, ...]:
    """Ten rounds of Philox 4x64 (Salmon et al., SC 2011)."""
    words, (k, m) = (counter % _WORD, counter >> 64, 0, 0), key
    for _ in range(10):
        first, second = 0xD2E7470EE14C6C93 * words[0], 0xCA5A826395121157 * words[2]
        words = (second >> 64 ^ words[1] ^ k, second % _WORD, first >> 64 ^ words[3] ^ m, first % _WORD)
        k, m = (k + 0x9E3779B97F4A7C15) % _WORD, (m + 0xBB67AE8584CAA73B) % _WORD
    return words


def _signs(fields: Fields, side: int, index: tuple[int, ...], middle: int) -> list[int]:
    at, lengths = (index[middle:], fields.shape[middle:]) if side else (index[:middle], fields.shape[:middle])
    number = 0
    for i, n in zip(at, lengths, strict=True):
        number = (number * n + i) % _WORD
    word = ((number + 1) * 0x9E3779B97F4A7C15 + 2 * fields.seed + side + 0x5851F42D4C957F2D) % _WORD
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 % _WORD
    word = (word ^ word >> 27) * 0x94D049BB133111EB % _WORD
    word ^= word >> 31
    return [1 - 2 * (word >> bit & 1) for bit in range(32 if side else 8)]
