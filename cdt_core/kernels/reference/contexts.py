"""Residuals whose tokens are coded with the tables of their contexts."""

from __future__ import annotations

import bisect
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cdt_core.kernels.reference import rans
from cdt_core.kernels.reference.pyramid import Pyramid, Segment, odd_bits
from cdt_core.kernels.reference.reading import Bits, Bytes, need
from cdt_core.kernels.reference.tables import read_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["field", "residuals"]

#: A series is cut into so many columns; so many more where it is that long.
_SHORT_COLUMNS, _LONG_COLUMNS, _LONG = 64, 256, 1 << 15
_KINDS = 5
_MOST_TABLES = 24
#: Tokens of a group; how many of its activities may be above 0 for each loudness but the last.
_GROUP = 64
_LOUDNESS = (0, 3, 15)


class _Head(NamedTuple):
    above: int
    before: int
    around: int
    shift: int
    is_lagged: bool
    states: int
    firsts: list[list[int]]
    """For each kind, the first activity of each of its tables."""
    frequencies: list[list[int]]
    """Of all tables in turn, and then those of flags of silent groups for each loudness, if there are any."""

    @property
    def flags(self) -> range | None:
        """The tables of flags."""
        tables = sum(map(len, self.firsts))
        return range(tables, tables + len(_LOUDNESS) + 1) if len(self.frequencies) > tables else None


class _Near(NamedTuple):
    """Tokens around a row, None where there are none: rows above, the plane before, sums along the odd axes of its class."""

    above: NDArray[Any] | None
    second: NDArray[Any] | None
    before: NDArray[Any] | None
    around: NDArray[Any] | None
    odd: int


def residuals(data: bytes, pyramid: Pyramid, width: int) -> NDArray[Any]:
    """Residuals of ``width`` bytes at the points of a pyramid, as an array of batch, z, y and x.

    Raises
    ------
    CorruptStreamError
        The bytes are not exactly those of this pyramid.
    """
    source = Bytes(data)
    extra = source.part()
    tokens = _tokens(source.rest(), pyramid, width)
    in_order = [pyramid.points(tokens, segment) for segment in pyramid.segments()]
    found = rans.join(np.concatenate([part.reshape(-1) for part in in_order]).tolist(), extra, width)
    block = np.zeros(pyramid.lengths, found.dtype)
    for segment, part in zip(pyramid.segments(), in_order, strict=True):
        pyramid.points(block, segment)[...] = found[: part.size].reshape(part.shape)
        found = found[part.size :]
    return block


def field(data: bytes, lengths: tuple[int, ...], width: int, *, is_series: bool) -> NDArray[Any]:
    """Residuals of a block that is not split, flat."""
    n = math.prod(lengths)
    if not is_series:
        return residuals(data, Pyramid(lengths, 0), width).reshape(-1)
    columns = _LONG_COLUMNS if n >= _LONG else _SHORT_COLUMNS
    source = Bytes(data)
    extra = source.part()
    rows = _tokens(source.rest(), Pyramid((1, 1, -(-n // columns), columns), 0), width)[0, 0]
    return rans.join(rows.T.reshape(-1)[:n].tolist(), extra, width)


def _tokens(data: bytes, pyramid: Pyramid, width: int) -> NDArray[np.int64]:
    """The tokens at the points of a pyramid."""
    head, coded = _head(data, 72 if width == 4 else 136)
    decoder = rans.Decoder(coded, np.array(head.frequencies, np.uint16), head.states)
    tokens = np.zeros(pyramid.lengths, np.int64)
    for segment in pyramid.segments():
        _read_segment(tokens, pyramid, segment, head, decoder)
    decoder.close()
    return tokens


def _head(data: bytes, most_symbols: int) -> tuple[_Head, bytes]:
    bits = Bits(data)
    above, before, shift, is_lagged, states, symbols = (bits.take(count) for count in (4, 4, 3, 1, 3, 8))
    need(above + before <= 8 and symbols <= most_symbols, "weights of a context, or number of symbols")
    silence = [bits.take(12) for _ in range(4 * bits.take(1))]
    need(0 not in silence, "frequency of silent groups")
    counts = [bits.take(5) for _ in range(_KINDS)]
    need(max(counts) <= _MOST_TABLES and (sum(counts) > 0 or len(silence) > 0), "number of tables")
    firsts: list[list[int]] = []
    frequencies = []
    lengths = None
    for count in counts:
        firsts.append([])
        for i in range(count):
            firsts[-1].append(bits.take(8) if i else 0)
            need(i == 0 or firsts[-1][-1] > firsts[-1][-2], "activities of tables")
            lengths, found = read_table(bits, symbols, lengths)
            frequencies.append(found)
    end = bits.finish()
    flags = [[silent, rans.SLOTS - silent] for silent in silence]
    frequencies = [table + [0] * (max(2, symbols) - len(table)) for table in (*frequencies, *flags)]
    around = 8 - above - before
    return _Head(above, before, around, shift, bool(is_lagged), 4 << states, firsts, frequencies), data[end:]


def _kind(pyramid: Pyramid, segment: Segment) -> int:
    if segment.level == pyramid.levels:
        return 4 if pyramid.levels else 0
    return (len(odd_bits(segment.c)) - 1, 3)[segment.level] if segment.level < 2 else 4


def _read_segment(tokens: NDArray[Any], pyramid: Pyramid, segment: Segment, head: _Head, decoder: rans.Decoder) -> None:
    """Fill in the tokens of a segment, row by row."""
    kind = _kind(pyramid, segment)
    start = sum(map(len, head.firsts[:kind]))
    points = pyramid.points(tokens, segment)
    around = _around(tokens, pyramid, segment)
    for b, z, y in np.ndindex(points.shape[:3]):
        plane = b * points.shape[1] + z
        above = points[b, z, y - 1] if y else None
        near = _Near(
            above,
            points[b, z, y - 2] if y > 1 else above,
            points[(plane - 1) // points.shape[1], (plane - 1) % points.shape[1], y] if plane else None,
            around[b, z, y] if around is not None else None,
            len(odd_bits(segment.c)),
        )
        activity = np.broadcast_to(_activity(head, near), points.shape[3])
        table = start - 1 + np.searchsorted(head.firsts[kind], activity, "right")
        for places in _loud(activity, head, decoder):
            need(len(head.firsts[kind]) > 0, "a kind of segment without tables")
            points[b, z, y, places] = decoder.row(table[places].tolist())


def _loud(activity: NDArray[Any], head: _Head, decoder: rans.Decoder) -> list[slice]:
    """The groups of a row that are not silent."""
    groups = [slice(at, at + _GROUP) for at in range(0, len(activity), _GROUP)]
    if head.flags is None:
        return groups
    loudness = [bisect.bisect_left(_LOUDNESS, np.count_nonzero(activity[group])) for group in groups]
    flags = decoder.row([head.flags[i] for i in loudness])
    return [group for group, is_loud in zip(groups, flags, strict=True) if is_loud]


def _around(tokens: NDArray[Any], pyramid: Pyramid, segment: Segment) -> NDArray[Any] | None:
    """Sums of the tokens of the two next points along each odd axis."""
    if segment.c == 0:
        return None
    near = [pyramid.around(tokens, segment, {bit: shift}) for bit in odd_bits(segment.c) for shift in (0, 1)]
    total: NDArray[Any] = np.sum(near, axis=0)
    return total


def _weights(head: _Head, has_above: bool, has_before: bool, has_around: bool) -> tuple[int, int, int]:
    above, before, around = head.above, head.before, head.around
    if not has_around:
        if has_above or not has_before:
            above += around
        else:
            before += around
        around = 0
    if not has_before:
        if has_above or not has_around:
            above += before
        else:
            around += before
        before = 0
    if not has_above:
        if has_around:
            around += above
        elif has_before:
            before += above
        above = 0
    return above, before, around


def _activity(head: _Head, near: _Near) -> NDArray[Any]:
    a, b, c = _weights(head, near.above is not None, near.before is not None, near.around is not None)
    total: NDArray[Any] = np.zeros(1, np.int64)
    if near.above is not None and near.second is not None and head.is_lagged:
        total = total + a * (3 * near.above + near.second)
    elif near.above is not None:
        wide = np.pad(near.above, 1, mode="edge")
        total = total + a * (wide[:-2] + 2 * near.above + wide[2:])
    if near.before is not None:
        total = total + 4 * b * near.before
    if near.around is not None:
        total = total + (2 * c * near.around, c * near.around, 43 * c * near.around >> 6)[near.odd - 1]
    shifted: NDArray[Any] = np.minimum(255, total >> head.shift)
    return shifted
