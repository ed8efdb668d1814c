"""95 % confidence intervals of sampled values."""

from __future__ import annotations

import math

__all__ = ["student", "wilson"]

_Z = 1.959963984540054


def student(freedom: int) -> float:
    """97.5 % point of Student's t with ``freedom`` degrees, from its expansion about the normal law.

    Abramowitz & Stegun 1964, equation 26.7.5; low by 11 % with 1 degree, by 0.8 % with 2, by less than 0.2 % with more.
    """
    z, f = _Z, float(freedom)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    fourth = (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160
    return z + first / f + second / f**2 + third / f**3 + fourth / f**4


def wilson(share: float, count: int) -> tuple[float, float]:
    """Wilson's score interval of a share of ``count`` values (Wilson 1927)."""
    middle = (share + _Z * _Z / (2 * count)) / (1 + _Z * _Z / count)
    half = _Z * math.sqrt(share * (1 - share) / count + _Z * _Z / (4 * count * count)) / (1 + _Z * _Z / count)
    return max(0.0, middle - half), min(1.0, middle + half)
