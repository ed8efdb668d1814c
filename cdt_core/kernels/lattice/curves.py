"""The two laws of noise: their exponents, exactly."""

from __future__ import annotations

from fractions import Fraction

from attrs import frozen

__all__ = ["Curve"]


@frozen
class Curve:
    """``P(x)`` in proportion to ``exp(-(quadratic x^2 + linear |x|))``, of coefficients that are not negative.

    A Gaussian has ``quadratic = 1 / 2 sigma^2`` and no linear one, a Laplace law ``linear = 1 / scale`` and no quadratic one.
    """

    quadratic: Fraction
    linear: Fraction

    def at(self, size: int) -> Fraction:
        """The exponent of integers of that size."""
        return self.quadratic * size * size + self.linear * size

    def slope_at(self, size: int) -> Fraction:
        """Its derivative; the exponent lies above its tangents."""
        return 2 * self.quadratic * size + self.linear
