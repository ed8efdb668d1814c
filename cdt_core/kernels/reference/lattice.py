"""The integer lattice by plain integers and fractions: what the kernels are held to. Slow, and made to be read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction

__all__ = [
    "bernoulli_exp", "discrete_gaussian", "discrete_laplace", "encode", "lagrange_at_zero", "round_at_random",
]  # fmt: skip

#: A uniform integer from 0 to what is given, exclusive.
Below = Callable[[int], int]


def lagrange_at_zero(points: Mapping[int, int], prime: int, where: int = 0) -> int:
    """The value at ``where`` of the polynomial of lowest degree through ``points`` (place -> value), modulo a prime."""
    total = 0
    for x, y in points.items():
        above = math.prod(where - other for other in points if other != x)
        below = math.prod(x - other for other in points if other != x)
        total += y * above * pow(below, -1, prime)
    return total % prime


def encode(
    values: Sequence[float], factor: float, words: Sequence[int], spare: Sequence[int], bits: int
) -> tuple[list[int], int]:
    """Each ``value * factor`` rounded by its word, then by spare ones: numbers of the ring, and how many were spare."""
    left = iter(spare)
    numbers, used = [], 0
    for value, word in zip(values, words, strict=True):
        number, more = round_at_random(Fraction(float(value) * factor), word, left)
        numbers.append(number % 2**bits)
        used += more
    return numbers, used


def round_at_random(exact: Fraction, word: int, spare: Iterator[int]) -> tuple[int, int]:
    """Away from zero if the fraction exceeds the uniform number whose digits are ``65535 - word``, then spare words."""
    whole, fraction = divmod(abs(exact), 1)
    digit, fraction = divmod(fraction * 2**16, 1)
    drawn, used = 65535 - word, 0
    while digit == drawn and fraction:
        digit, fraction = divmod(fraction * 2**64, 1)
        drawn, used = next(spare), used + 1
    size = int(whole) + (drawn < digit)
    return (-size if exact < 0 else size), used


def bernoulli_exp(exponent: Fraction, below: Below) -> bool:
    """True with the probability exp(-exponent): Algorithm 1 of Canonne, Kamath and Steinke, NeurIPS 2020."""
    while exponent > 1:
        if not bernoulli_exp(Fraction(1), below):
            return False
        exponent -= 1
    k = 1
    while below(exponent.denominator * k) < exponent.numerator:
        k += 1
    return k % 2 == 1


def discrete_laplace(scale: Fraction, below: Below) -> int:
    """An integer x with probability in proportion to exp(-|x| / scale): their Algorithm 2."""
    t, s = scale.numerator, scale.denominator
    while True:
        low = below(t)
        if not bernoulli_exp(Fraction(low, t), below):
            continue
        high = 0
        while bernoulli_exp(Fraction(1), below):
            high += 1
        size, negative = (low + t * high) // s, below(2)
        if size or not negative:
            return -size if negative else size


def discrete_gaussian(sigma: Fraction, below: Below) -> int:
    """An integer x with probability in proportion to exp(-x^2 / 2 sigma^2): their Algorithm 3."""
    scale = Fraction(math.floor(sigma) + 1)
    variance = sigma * sigma
    while True:
        x = discrete_laplace(scale, below)
        if bernoulli_exp((abs(x) - variance / scale) ** 2 / (2 * variance), below):
            return x
