"""Integer noise whose law is exact: discrete Gaussian and discrete Laplace."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.errors import PrivacyError
from cdt_core.kernels import _lattice
from cdt_core.kernels.lattice.checks import must_be_count
from cdt_core.kernels.lattice.curves import Curve
from cdt_core.kernels.lattice.exact import bernoulli
from cdt_core.kernels.lattice.rare import block_chance, integer_of, one, rare
from cdt_core.kernels.lattice.stream import Stream, must_be_stream
from cdt_core.kernels.lattice.tables import Table, low_bits_of, table_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["discrete_gaussian", "discrete_laplace", "draw"]

#: Below these a law has a flat table, which the second-level cache holds; else so many blocks to its width at most: then what
#: accepts them stays in the nearest cache, and one draw in some hundred is looked at again.
_FLAT_GAUSSIAN, _FLAT_LAPLACE = 1024, 256
_BLOCKS_GAUSSIAN, _BLOCKS_LAPLACE = 512, 256
#: Wider laws leave the integers of 64 bits in the tails that a table has.
_WIDEST = 2**57
#: Draws whose random words are taken at once: they stay in the second-level cache.
_CHUNK = 1 << 15


def discrete_gaussian(stream: Stream, sigma: float | Fraction, size: int) -> NDArray[np.int64]:
    """Independent integers x with exactly the probabilities ``exp(-x^2 / 2 sigma^2) / sum_y exp(-y^2 / 2 sigma^2)``.

    Exactly means: for a uniform stream there is no difference to the law at all, not even a small one. Nearly all draws take
    one 32-bit word to an alias table of whole numbers (below ``sigma = 256``), or that, a uniform place in a block and a
    comparison of 16 bits with a lower bound of the chance to be kept. What these leave open is compared in double precision
    with 80 bits, believed where the two sides are 2^-40 apart; and the rest, in integers with 64 bits more of both sides
    each time until they differ: see :mod:`cdt_core.kernels.lattice.tables` and :mod:`cdt_core.kernels.lattice.exact`.

    The time that a draw takes depends on what is drawn: do not draw where somebody can measure it who must not know it.

    Parameters
    ----------
    stream
        Where the bits come from; nobody who sees the result may know it.
    sigma
        Of the law: the standard deviation, but for narrow ones, which are a little narrower than it. A float is taken as the
        binary fraction that it is. At most 2^57.
    size
        How many.

    Returns
    -------
    ndarray
        (size,) int64. 1 to 5 ns each; a table is made at the first use of a sigma, in some milliseconds.

    Raises
    ------
    PrivacyError
        A sigma that is not positive and finite, or is too large; a size that is negative.

    References
    ----------
    Canonne, Kamath, Steinke: The Discrete Gaussian for Differential Privacy, NeurIPS 2020, Definition 1.

    Examples
    --------
    >>> from cdt_core.kernels.lattice import Stream
    >>> discrete_gaussian(Stream(bytes(32)), 2.5, 8)
    array([-1,  0, -3,  0,  4,  1,  3,  0])
    """
    exact = _positive("sigma", sigma)
    curve = Curve(1 / (2 * exact * exact), Fraction(0))
    return draw(table_of(curve, low_bits_of(exact, _FLAT_GAUSSIAN, _BLOCKS_GAUSSIAN)), stream, size)


def discrete_laplace(stream: Stream, scale: float | Fraction, size: int) -> NDArray[np.int64]:
    """Independent integers x with exactly the probabilities in proportion to ``exp(-|x| / scale)``; else as the Gaussian.

    Also known as the two-sided geometric law. Sensitivity 1 and ``scale = 1 / epsilon`` make a release epsilon-private.

    References
    ----------
    Ghosh, Roughgarden, Sundararajan: Universally Utility-maximizing Privacy Mechanisms, STOC 2009.

    Examples
    --------
    >>> from cdt_core.kernels.lattice import Stream
    >>> discrete_laplace(Stream(bytes(32)), 2.5, 8)
    array([ 4,  0, -3,  0,  5,  1,  4,  0])
    """
    exact = _positive("scale", scale)
    return draw(
        table_of(Curve(Fraction(0), 1 / exact), low_bits_of(exact, _FLAT_LAPLACE, _BLOCKS_LAPLACE)), stream, size
    )


def draw(table: Table, stream: Stream, size: int) -> NDArray[np.int64]:
    """``size`` integers of a table's law."""
    must_be_stream(stream)
    out = np.empty(must_be_count("size", size), np.int64)
    some = _draw_flat if table.blocks is None else _draw_blocks
    for start in range(0, out.size, _CHUNK):
        some(table, stream, out[start : start + _CHUNK])
    return out


def _draw_flat(table: Table, stream: Stream, out: NDArray[np.int64]) -> None:
    words = stream.words(out.size, np.uint32)
    done = 0
    while True:
        more, stop = _lattice.draw(table.entries, len(table.lower), words[done:], -table.cells, out[done:])
        done += more
        if stop == _lattice.DONE:
            return
        out[done] = _kept_or_new(table, stream, rare(table, stream))
        done += 1


def _draw_blocks(table: Table, stream: Stream, out: NDArray[np.int64]) -> None:
    words, places = stream.words(out.size, np.uint32), stream.words(out.size, np.uint64)
    assert table.blocks is not None
    spare = stream.words(out.size // 16 + 16, np.uint64)
    done = 0
    while True:
        more, stop, used, last = table.blocks.draw(words[done:], places[done:], spare, out[done:])
        done, spare = done + more, spare[used:]
        if stop == _lattice.DONE:
            return
        if stop == _lattice.DRY:
            spare = stream.words(out.size // 16 + 16, np.uint64)
            words[done], places[done] = last[:2]
            continue
        found = rare(table, stream) if stop == _lattice.RARE else _decided(table, stream, last)
        out[done] = _kept_or_new(table, stream, found)
        done += 1


def _decided(table: Table, stream: Stream, last: tuple[int, int, int]) -> int | None:
    """A draw of a block of which 80 bits are compared already, compared in full."""
    word, place, fraction = last
    cell, x = integer_of(table, word, place)
    kept = bernoulli(block_chance(table, cell, x), stream, known=(place >> 48 << 64 | fraction, 80))
    return x if kept else None


def _kept_or_new(table: Table, stream: Stream, found: int | None) -> int:
    x = one(table, stream) if found is None else found
    if not -(2**63) <= x < 2**63:
        raise PrivacyError("a draw is no integer of 64 bits; its probability was below 2^-90, take a narrower law")
    return x


def _positive(what: str, value: Any) -> Fraction:
    if isinstance(value, (int, float, Fraction, np.integer, np.floating)) and 0 < value <= _WIDEST:
        return Fraction(*(value.item() if isinstance(value, np.integer) else value).as_integer_ratio())
    raise PrivacyError(f"{what} is {value!r}; give a positive number up to 2^{math.frexp(_WIDEST)[1] - 1}")
