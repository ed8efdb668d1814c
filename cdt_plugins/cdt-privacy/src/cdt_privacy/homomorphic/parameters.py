"""CKKS parameters for sums, and what fits into them without an error."""

from __future__ import annotations

import math
from types import MappingProxyType

from attrs import field, frozen

from cdt_core.errors import PrivacyError

__all__ = ["Parameters"]

#: Most bits of all moduli together for 128-bit security against classical attacks with ternary secrets (Albrecht et al.,
#: "Homomorphic Encryption Standard", 2018, Table 1).
MOST_MODULUS_BITS = MappingProxyType({1024: 27, 2048: 54, 4096: 109, 8192: 218, 16384: 438, 32768: 881})

#: Numbers are encoded in float64 by a transform whose rounding grows with them: at 2^40 it is still below 1/100.
_LARGEST = 2.0**40

#: Bits of the lattice whose sums are encrypted, and so the sum that must fit.
RING_BITS = 32

#: Standard deviations of the decryption noise below half a unit. Its law is nearly Laplace's: in each slot it is Gaussian, and
#: its variance follows the secret's value there, which is nearly exponential over slots. Beyond k deviations lies exp(-1.41 k):
#: 1e-20 beyond half a unit, 1e-10 beyond the quarter from which on a number is not answered, 1e-29 beyond three quarters, from
#: which on a wrong whole number could be answered.
_MARGIN = 32


def _bits(values: object) -> tuple[int, ...]:
    if not isinstance(values, tuple | list) or not all(type(one) is int and 20 <= one <= 60 for one in values):
        raise PrivacyError(f"the moduli are {values!r} bits; give at least two whole numbers from 20 to 60")
    return tuple(values)


@frozen
class Parameters:
    """Ring degree, bits of the moduli (the last one serves keys only), and bits by which a whole unit is scaled.

    The default is the smallest that adds 32-bit lattices: 4096 [54, 54], 65.5 kB for 2,048 numbers.

    Examples
    --------
    >>> Parameters().slots, Parameters().largest_sum >= 2**31, Parameters().most_sites
    (2048, True, 2303)
    >>> Parameters(moduli_bits=(60, 60))
    Traceback (most recent call last):
        ...
    cdt_core.errors.PrivacyError: moduli of 120 bits together at degree 4096 are not 128-bit secure; at most 109 are
    """

    degree: int = 4096
    moduli_bits: tuple[int, ...] = field(default=(54, 54), converter=_bits)
    scale_bits: int = 21

    def __attrs_post_init__(self) -> None:
        most = MOST_MODULUS_BITS.get(self.degree) if type(self.degree) is int else None
        if most is None:
            raise PrivacyError(f"the degree is {self.degree!r}; it must be one of {sorted(MOST_MODULUS_BITS)}")
        together = sum(self.moduli_bits)
        if len(self.moduli_bits) < 2:
            raise PrivacyError(
                "give at least two moduli: the last one serves keys only, and takes most of the noise away"
            )
        if together > most:
            raise PrivacyError(
                f"moduli of {together} bits together at degree {self.degree} are not 128-bit secure; at most {most} are"
            )
        if type(self.scale_bits) is not int or self.scale_bits < 1 or self.largest_sum < 1 or self.most_sites < 1:
            raise PrivacyError(f"a scale of {self.scale_bits!r} bits leaves no room for numbers, or for noise")

    @property
    def slots(self) -> int:
        """Numbers in one ciphertext."""
        return self.degree // 2

    @property
    def primes(self) -> int:
        """Moduli that a ciphertext has."""
        return len(self.moduli_bits) - 1

    @property
    def largest_sum(self) -> int:
        """Largest absolute sum that does not wrap: a coefficient is at most the largest number of its ciphertext, scaled."""
        return math.floor(min(0.99 * 2.0 ** (sum(self.moduli_bits[:-1]) - 1 - self.scale_bits), _LARGEST))

    @property
    def noise_deviation(self) -> float:
        """Standard deviation of one fresh ciphertext's noise over all slots, in units of a number; some have three times it.

        Encryption under the moduli with the last one, then division by it, leaves the noise of that rounding: variance
        (1 + 2 degree / 3) / 12 per coefficient for a ternary secret, times degree / 2 in a slot.
        """
        return math.sqrt(self.degree / 2 * (1 + 2 * self.degree / 3) / 12) / 2.0**self.scale_bits

    @property
    def most_sites(self) -> int:
        """Sites whose sum is rounded wrong with a probability below 1e-28 for each number, and refused with one below 1e-9."""
        return math.floor((0.5 / (_MARGIN * self.noise_deviation)) ** 2)

    def require(self, sites: int) -> None:
        """Refuse a round whose sum could wrap, or be rounded wrong.

        Raises
        ------
        PrivacyError
            Too many sites, or too small moduli for sums of 32 bits.
        """
        if sites > self.most_sites:
            raise PrivacyError(
                f"{sites} sites: the noise of more than {self.most_sites} can reach half a unit; more scale_bits help"
            )
        if self.largest_sum < 2 ** (RING_BITS - 1):
            raise PrivacyError(
                f"sums of {RING_BITS} bits do not fit: they are exact up to {self.largest_sum} here; use fewer scale_bits"
            )
