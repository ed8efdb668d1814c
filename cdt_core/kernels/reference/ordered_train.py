"""Streams of ordered tensor trains, read from FORMAT.md, "Tensor trains" and "Ordered tensor trains", alone."""

from __future__ import annotations

import math
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdt_core.kernels.reference.reading import Bytes, need
from cdt_core.kernels.reference.tensor_train import full

__all__ = ["read"]

_DTYPES = {9: "<f4", 10: "<f8", 14: "<c8", 15: "<c16"}


def read(stream: bytes) -> tuple[NDArray[Any], int]:
    """The array, and the parameters in its own order. Raises ``CorruptStreamError`` where a rule is broken."""
    source = Bytes(stream)
    need(source.take(5) == b"\x93CTO\x01", "signature and version")
    shape = _numbers(source, 1)
    digits = [_numbers(source, 0) for _ in shape]
    lengths = [length for axis in digits for length in axis]
    need(0 not in shape and list(map(math.prod, digits)) == shape and len(lengths) <= 64, "digits")
    modes = [_numbers(source, 1) for _ in range(_count(source, 1))]
    order = [place for mode in modes for place in mode]
    need(sorted(order) == list(range(len(lengths))), "modes")
    own = source.number()
    need(own > 0, "parameters")
    _check(source, 0, "checksum of the order")
    values = _train(source)
    need(values.shape == tuple(math.prod(lengths[k] for k in mode) for mode in modes), "lengths of modes")
    return _undone(values, lengths, order).reshape(shape), own


def _undone(values: NDArray[Any], lengths: list[int], order: list[int]) -> NDArray[Any]:
    """Every place of the array, looked up one by one."""
    found = np.empty(lengths, values.dtype)
    flat = values.reshape(-1)
    for number, place in enumerate(np.ndindex(*(lengths[k] for k in order))):
        found[tuple(place[order.index(k)] for k in range(len(lengths)))] = flat[number]
    return found


def _train(source: Bytes) -> NDArray[Any]:
    start = source.at
    need(source.take(5) == b"\x93CTT\x01", "signature and version of the train")
    code, flags = source.byte(), source.byte()
    need(code in _DTYPES and flags < 2, "dtype and flags")
    error = source.double() if flags else 0.0
    need(0.0 <= error < math.inf, "error")
    d = source.number()
    need(1 <= d <= len(source.data), "axes of the train")
    shape, ranks = ([source.number() for _ in range(count)] for count in (d, d - 1))
    need(0 not in shape + ranks, "lengths and ranks")
    _check(source, start, "checksum of the train's head")
    start, dtype, cores = source.at, np.dtype(_DTYPES[code]), []
    for left, n, right in zip([1, *ranks], shape, [*ranks, 1], strict=True):
        cores.append(np.frombuffer(source.take(left * n * right * dtype.itemsize), dtype).reshape(left, n, right))
    _check(source, start, "checksum of the cores")
    need(source.at == len(source.data), "something follows")
    return full(cores)


def _check(source: Bytes, start: int, what: str) -> None:
    computed = zlib.crc32(source.data[start : source.at])
    need(computed.to_bytes(4, "little") == source.take(4), what)


def _numbers(source: Bytes, least: int) -> list[int]:
    return [source.number() for _ in range(_count(source, least))]


def _count(source: Bytes, least: int) -> int:
    count = source.number()
    need(least <= count <= 64, "how many there are")
    return count
