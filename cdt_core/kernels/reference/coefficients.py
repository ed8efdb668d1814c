"""The coefficients of tensor streams, decoded number by number as FORMAT.md says: the second, slow decoder."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from cdt_core.errors import CorruptStreamError

__all__ = ["decode"]

_FARTHEST = 3072
_INPUTS, _KINDS = 8, 16
_UNARY, _SIGN, _ESCAPE = 14, 14, 15
_MOST_SEEN, _FIRST_SEEN = 500, 2
_LARGEST = 1 << 29
_DECAY = 0.99610136947011749


def _chances() -> list[int]:
    found = [0] * (2 * _FARTHEST + 1)
    power = 1.0
    for x in range(_FARTHEST + 1):
        found[_FARTHEST + x] = min(65535, int(65536.0 / (1.0 + power)))
        found[_FARTHEST - x] = 65536 - found[_FARTHEST + x]
        power *= _DECAY
    return found


_CHANCES = _chances()


def _first_logits() -> list[int]:
    found, x = [], -_FARTHEST
    for chance in range(65536):
        while x < _FARTHEST and _CHANCES[_FARTHEST + x] < chance:
            x += 1
        found.append(x)
    return found


_LOGITS = _first_logits()


def _logit(chance: int) -> int:
    if chance < 4096:
        return _LOGITS[chance]
    return -_LOGITS[65535 - chance] if chance >= 61440 else _LOGITS[chance // 16 * 16 + 8]


def _limited(x: int) -> int:
    return max(-_FARTHEST, min(_FARTHEST, x))


class _Weights:
    """Nine weights, and how often they were changed."""

    def __init__(self) -> None:
        self.weights = [11796] * _INPUTS + [0]
        self.steps = 0

    def mixed(self, inputs: Sequence[int]) -> int:
        return _limited(sum(a * b for a, b in zip(inputs, self.weights, strict=True)) >> 16)

    def learn(self, inputs: Sequence[int], error: int) -> None:
        rate = 3 + 40 * 128 // (128 + self.steps)
        self.steps = min(1 << 24, self.steps + 1)
        for k, x in enumerate(inputs):
            changed = self.weights[k] + ((x * error * rate + (1 << 17)) >> 18)
            self.weights[k] = max(-(1 << 24), min(1 << 24, changed))


class _Source:
    """The arithmetic decoder, with its contexts and weights."""

    def __init__(self, code: bytes) -> None:
        self.code = code
        self.at = 4
        self.least, self.most = 0, 0xFFFFFFFF
        self.seen = int.from_bytes((code + bytes(4))[:4], "big")
        self.contexts: dict[tuple[int, int, int], tuple[int, int]] = {}
        self.weights: dict[tuple[str, int, int], _Weights] = {}
        self.here: Sequence[int] = ()
        self.sets = (0, 0)

    def _narrow(self, chance: int) -> int:
        middle = self.least + ((self.most - self.least) * chance >> 16)
        bit = int(self.seen <= middle)
        self.least, self.most = (self.least, middle) if bit else (middle + 1, self.most)
        while self.least >> 24 == self.most >> 24:
            byte = self.code[self.at] if self.at < len(self.code) else 0
            self.at += 1
            self.seen = (self.seen << 8 | byte) & 0xFFFFFFFF
            self.least, self.most = self.least << 8 & 0xFFFFFFFF, (self.most << 8 | 255) & 0xFFFFFFFF
        return bit

    def plain(self) -> int:
        """One bit of which nothing is known."""
        return self._narrow(32768)

    def decide(self, kind: int) -> int:
        """One decision, from what was seen in eight contexts."""
        keys = [(k, context, kind) for k, context in enumerate(self.here)]
        found = [self.contexts.get(key) for key in keys]
        inputs = [
            0 if one is None else _logit(one[0] >> 6) * (256 * (one[1] + 1) // (one[1] + 3)) >> 8 for one in found
        ]
        inputs.append(256)
        level = self.weights.setdefault(("level", self.sets[0], kind), _Weights())
        place = self.weights.setdefault(("place", self.sets[1], kind), _Weights())
        x, y = level.mixed(inputs), place.mixed(inputs)
        chance = _CHANCES[_FARTHEST + ((x + y) >> 1)]
        bit = self._narrow(chance)
        level.learn(inputs, (bit << 16) - _CHANCES[_FARTHEST + x])
        place.learn(inputs, (bit << 16) - _CHANCES[_FARTHEST + y])
        for key, one in zip(keys, found, strict=True):
            p, n = (chance << 6, _FIRST_SEEN) if one is None else one
            p += ((65535 << 6 if bit else 0) - p) * (655360 // (10 * n + 16)) >> 16
            self.contexts[key] = (p, min(_MOST_SEEN, n + 1))
        return bit

    def size(self) -> int:
        """A magnitude."""
        size = 0
        while size < _UNARY and self.decide(size):
            size += 1
        if size == _UNARY:
            longer = 0
            while longer < 29 and self.decide(_ESCAPE):
                longer += 1
            rest = 1
            for _ in range(longer):
                rest = rest << 1 | self.plain()
            size += rest - 1
        return size


def _class(x: int, most: int) -> int:
    if x < 4:
        return min(x, most)
    bits = x.bit_length() - 1
    return min(2 * bits + (x >> (bits - 1) & 1), most)


class _Surroundings:
    """Magnitudes that are known, by place; zero everywhere else."""

    def __init__(self, dyadic: Sequence[int]) -> None:
        self.dyadic = dyadic
        self.numbers: dict[tuple[int, ...], int] = {}

    def __call__(self, i: Sequence[int], *by: int) -> int:
        return abs(self.numbers.get(tuple(a + b for a, b in zip(i, by, strict=True)), 0))

    def sign(self, i: Sequence[int], *by: int) -> int:
        """0, 1 or 2: below, at or above zero."""
        number = self.numbers.get(tuple(a + b for a, b in zip(i, by, strict=True)), 0)
        return 1 + (number > 0) - (number < 0)

    def parents(self, i: Sequence[int]) -> tuple[int, int]:
        if not any(self.dyadic):
            return 0, 0
        up = [n >> 1 if d else n for n, d in zip(i, self.dyadic, strict=True)]
        if up == list(i):
            return 0, 0
        return self(up, 0, 0, 0, 0), sum(
            self(up, *by) for by in ((0, 0, 0, -1), (0, 0, -1, 0), (0, 0, 0, 1), (0, 0, 1, 0))
        )

    def contexts(self, i: Sequence[int], recent: int) -> tuple[list[int], tuple[int, int]]:
        """The eight contexts, and the two sets of weights."""
        a2, a3, b2, b3 = self(i, 0, 0, -1, 0), self(i, 0, 0, 0, -1), self(i, 0, 0, -2, 0), self(i, 0, 0, 0, -2)
        near2 = self(i, 0, 0, -1, -1) + self(i, 0, 0, -1, 1)
        far2 = sum(self(i, 0, 0, *by) for by in ((-1, -2), (-1, 2), (-2, -1), (-2, 1)))
        beside = ((0, 1), (0, -1), (1, 0), (-1, 0))
        near1 = sum(self(i, 0, -1, *by) for by in beside)
        near0 = sum(self(i, -1, 0, *by) for by in beside) + self(i, -1, -1, 0, 0) + self(i, -1, 1, 0, 0)
        parent, around = self.parents(i)
        plane = 4 * a3 + 4 * a2 + 2 * near2 + b3 + b2
        first = 3 * self(i, 0, -1, 0, 0) + near1 + self(i, 0, -2, 0, 0)
        second = 3 * self(i, -1, 0, 0, 0) + near0 + self(i, -2, 0, 0, 0)
        total = 2 * (plane + first + second + parent)
        bands = min(i[2].bit_length(), 11) * 12 + min(i[3].bit_length(), 11)
        level = _class(total, 23)
        found = [
            _class(total, 63),
            (_class(2 * a3 + b3, 7) * 8 + _class(2 * a2 + b2, 7)) * 8 + _class(near2 + far2, 7),
            (_class(2 * parent + around, 11) * 12 + _class(plane, 11)) * 4 + _class(first + second, 3),
            (bands * 7 + min(i[1].bit_length(), 6)) * 8 + min(i[0].bit_length(), 7),
            (_class(first, 11) * 12 + _class(second, 11)) * 12 + _class(plane, 11),
            (min(i[0], 15) * 16 + min(i[1], 15)) * 24 + level,
            _class(recent, 15) * 24 + _class(2 * plane + 2 * far2 + near1 + near0, 23),
            bands * 24 + level,
        ]
        place = min(i[2].bit_length() + i[3].bit_length(), 20) * 3 + min(i[0], 2)
        return found, (min(_class(total, 63) // 2, 15), place)

    def sign_contexts(self, i: Sequence[int], size: int) -> tuple[list[int], int]:
        """The eight contexts of a sign, and the first set of weights."""
        g0, g1 = self.sign(i, -1, 0, 0, 0), self.sign(i, 0, -1, 0, 0)
        g2, g3 = self.sign(i, 0, 0, -1, 0), self.sign(i, 0, 0, 0, -1)
        bands = min(i[2].bit_length(), 11) * 12 + min(i[3].bit_length(), 11)
        own, planes, rows = _class(size, 3), g0 * 3 + g1, g2 * 3 + g3
        found = [
            planes,
            rows,
            planes * 9 + rows,
            planes * 144 + bands,
            ((g1 * 5 + _class(self(i, 0, -1, 0, 0), 4)) * 4 + own) * 16 + min(i[1], 15),
            ((g0 * 5 + _class(self(i, -1, 0, 0, 0), 4)) * 4 + own) * 16 + min(i[0], 15),
            (self.sign(i, 0, 0, -2, 0) * 3 + self.sign(i, 0, 0, 0, -2)) * 9 + rows,
            rows * 144 + bands,
        ]
        return found, own * 4 + (g0 != 1) * 2 + (g1 != 1)


def decode(code: bytes, lengths: Sequence[int], dyadic: Sequence[int]) -> list[int]:
    """The numbers of a code, in C order of four axes.

    Raises
    ------
    CorruptStreamError
        The code goes on behind its last byte, or has a number beyond the largest.
    """
    source, known, numbers = _Source(code), _Surroundings(dyadic), []
    recent = 0
    for i in product(*map(range, lengths)):
        recent = 0 if not i[3] else recent
        source.here, source.sets = known.contexts(i, recent)
        size = source.size()
        is_negative = 0
        if size:
            source.here, level = known.sign_contexts(i, size)
            source.sets = (level, source.sets[1])
            is_negative = source.decide(_SIGN)
        if size > _LARGEST:
            raise CorruptStreamError(f"a coefficient of magnitude {size} is larger than any")
        known.numbers[i] = -size if is_negative else size
        numbers.append(known.numbers[i])
        recent = recent * 7 // 8 + 8 * size
        if i[3] == lengths[3] - 1 and source.at > len(code) + 4:
            raise CorruptStreamError("a code ends before its numbers do")
    return numbers
