"""Frequency tables, as they are sent."""

from __future__ import annotations

from collections.abc import Sequence

from cdt_core.kernels.reference.reading import Bits, need

__all__ = ["read_table"]

_SLOTS = 4096
_LONGEST = 13
_FIRST_GUESS = 11


def read_table(bits: Bits, symbols: int, before: Sequence[int] | None) -> tuple[list[int], list[int]]:
    """Bit lengths and frequencies of the next table; ``before`` are the bit lengths of the one before it.

    Raises
    ------
    CorruptStreamError
        A length is out of range, or no symbol has a frequency.
    """
    lengths: list[int] = []
    weights = []
    for symbol in range(symbols):
        guess = before[symbol] if before is not None else lengths[-1] if lengths else _FIRST_GUESS
        length = guess + _difference(bits)
        need(0 <= length <= _LONGEST, "length of a frequency")
        lengths.append(length)
        weights.append(_weight(bits, length))
    need(any(weights), "a table without frequencies")
    return lengths, _frequencies(weights)


def _difference(bits: Bits) -> int:
    zeros = 0
    while not bits.take(1):
        zeros += 1
        need(zeros <= 2 * _LONGEST, "length of a frequency")
    return -(zeros + 1) // 2 if zeros % 2 else zeros // 2


def _weight(bits: Bits, length: int) -> int:
    if length == 0:
        return 0
    sent = min(3, length - 1)
    below = length - 1 - sent
    low = ((1 << sent) + bits.take(sent)) << below
    return 2 * low + ((1 << below) - 1 if below else 1)


def _frequencies(weights: Sequence[int]) -> list[int]:
    total, used = sum(weights), sum(weight > 0 for weight in weights)
    found = [max(1, _SLOTS * weight // total) if weight else 0 for weight in weights]
    if sum(found) > _SLOTS:
        found = [1 + weight * (_SLOTS - used) // total if weight else 0 for weight in weights]
    found[weights.index(max(weights))] += _SLOTS - sum(found)
    return found
