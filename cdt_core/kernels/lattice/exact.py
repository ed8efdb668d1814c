"""Decisions with exactly the probability that a formula gives, by as many bits of a stream as they need.

A uniform real number is compared with a probability that is known between bounds, as tight as asked for. Its first bits leave
the comparison open only where they lie between the bounds; then the bounds are narrowed and the number gets 64 more bits. An
open comparison of n bits stays open with a probability of about 2^-n, so this ends, and what it decides is what a comparison of
the two real numbers would: nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cdt_core.kernels.lattice.stream import Stream

__all__ = ["Bounds", "below", "bernoulli", "bernoulli_exp", "exp_bounds", "geometric"]

#: Of a number of bits: integers that a probability times 2^bits lies between.
Bounds = Callable[[int], tuple[int, int]]

_MORE_BITS = 64


def exp_bounds(exponent: Fraction, bits: int) -> tuple[int, int]:
    """Integers ``low <= 2^bits exp(-exponent) <= high`` that differ by 2 at most; the exponent is not negative.

    With exp(-x) = exp(-x / 2^n)^(2^n): the series of a number below 1/2, its terms in integers rounded down, each step's
    error counted in units of the last place, then squares of both bounds, rounded outwards.
    """
    if exponent >= bits + 2:  # exp(-x) < 2^-x
        return 0, 1
    halvings = max(0, (2 * exponent.numerator // exponent.denominator).bit_length())
    places = bits + halvings + 24
    one = 1 << places
    x = (exponent.numerator << (places - halvings)) // exponent.denominator  # below the true one by less than 1 unit
    term, total, k = one, one, 0
    while term:
        k += 1
        term = (term * x >> places) // k
        total += -term if k % 2 else term
    # A term is off by less than 3 units, what is left out after them is below one, and x by one.
    low, high = max(0, total - 3 * k - 2), total + 3 * k + 2
    for _ in range(halvings):
        low, high = low * low >> places, -(-high * high >> places)
    left = places - bits
    return low >> left, min(-(-high >> left), 1 << bits)


def bernoulli(bounds: Bounds, stream: Stream, known: tuple[int, int] = (0, 0)) -> bool:
    """True with the probability that ``bounds`` narrows down.

    ``known``: first bits of the uniform number that are drawn already, as an integer, and how many these are.
    """
    drawn, bits = known
    while True:
        if bits:
            low, high = bounds(bits)
            if drawn < low:  # then drawn + 1 <= low: whatever bits follow
                return True
            if drawn >= high:
                return False
        drawn = drawn << _MORE_BITS | int.from_bytes(stream.take(_MORE_BITS // 8), "little")
        bits += _MORE_BITS


def bernoulli_exp(exponent: Fraction, stream: Stream) -> bool:
    """True with the probability exp(-exponent); the exponent is not negative."""
    return bernoulli(lambda bits: exp_bounds(exponent, bits), stream)


def below(count: int, stream: Stream) -> int:
    """A uniform integer from 0 to ``count - 1``: of as many bits as ``count - 1`` has, drawn again above it."""
    size = (count - 1).bit_length()
    while True:
        drawn = int.from_bytes(stream.take((size + 7) // 8), "little") & ((1 << size) - 1)
        if drawn < count:
            return drawn


def geometric(exponent: Fraction, stream: Stream) -> int:
    """K = 0, 1, ... with probability in proportion to exp(-k exponent), for a positive exponent.

    A uniform u below t is kept with probability exp(-u / t), to which v whole units are added while draws of exp(-1)
    succeed: u + t v is geometric of exponent 1 / t; its quotient by s is of exponent s / t.

    References
    ----------
    Canonne, Kamath, Steinke: The Discrete Gaussian for Differential Privacy, NeurIPS 2020, Algorithm 2.
    """
    s, t = exponent.numerator, exponent.denominator
    low = below(t, stream)
    while not bernoulli_exp(Fraction(low, t), stream):
        low = below(t, stream)
    high = 0
    while bernoulli_exp(Fraction(1), stream):
        high += 1
    return (low + t * high) // s
