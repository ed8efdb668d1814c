"""What all sites of a verifiable sum know before it begins, and what its projected norm check finds with which chance."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from attrs import field, frozen

from cdt_core.errors import PrivacyError
from cdt_privacy.verifiable.group import whole

__all__ = ["LIMBS", "VARIANCE", "Terms"]

#: Limbs of 16 bits of a scalar.
LIMBS = 16

#: Of the coefficients of a projection: 16 bits of variance 1/4.
VARIANCE = 4

#: A longer update passes with no greater chance.
_LONGEST = 1e150


def _whole(value: Any) -> int:
    return whole(value, "one of length, projections and square_limit")


@frozen(kw_only=True)
class Terms:
    """The public values of one round. Every site must have the same.

    Parameters
    ----------
    round
        Names the round, and no other one ever: a study and a number.
    length
        Numbers in an update.
    projections
        Random projections whose norm each site proves to be bounded; 0 for the sum check alone.
    square_limit
        What the squares of the projections may add up to. :meth:`with_norm_bound` chooses it.

    Raises
    ------
    PrivacyError
        A value has no meaning.
    """

    round: str
    length: int = field(converter=_whole)
    projections: int = field(default=0, converter=_whole)
    square_limit: int = field(default=0, converter=_whole)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.round, str) or not self.round.strip() or not self.round.isprintable():
            raise PrivacyError(f"the round {self.round!r} has no name that can be printed; each needs one of its own")
        if not 1 <= self.length <= 1 << 30:
            raise PrivacyError(f"length {self.length}: an update has 1 to 2^30 numbers")
        if not 0 <= self.projections <= 256 or (self.projections > 0) != (self.square_limit > 0):
            raise PrivacyError(
                f"{self.projections} projections with a limit of {self.square_limit}: give 1 to 256 of them and a limit "
                "above 0, or neither"
            )
        if self.square_limit >= 1 << 224:
            raise PrivacyError(
                f"square_limit {self.square_limit}: squares could wrap around the group's order; 2^224 is the end"
            )

    @property
    def rows(self) -> int:
        """Numbers in a digest: the form of full width, and the projections."""
        return 1 + self.projections

    @property
    def carried_length(self) -> int:
        """Integers that a site puts into the secure sum: its update, and its blindings in limbs of 16 bits."""
        return self.length + LIMBS * self.rows

    @classmethod
    def with_norm_bound(
        cls,
        round: str,
        length: int,
        norm_bound: float,
        *,
        projections: int = 32,
        honest_failure: float = 1e-9,
    ) -> Terms:
        """Terms under which an update with an L2 norm of at most ``norm_bound`` (in lattice steps) fails hardly ever.

        The limit is ``4 projections (1 + t) norm_bound^2``, with the least t for which ``((1 + t) exp(-t))^(projections / 2)``
        is at most ``honest_failure``: Chernoff's bound, since a projection is a sum of random signs, whose moments are at
        most those of a Gaussian of the same variance (D. Achlioptas, Database-friendly random projections, J. Comput. Syst.
        Sci. 66, 2003, section 4).
        """
        numbers = all(isinstance(value, int | float | np.integer) for value in (norm_bound, honest_failure))
        if (
            not numbers
            or not 1 <= norm_bound < math.inf
            or whole(projections, "projections") < 1
            or not 0 < honest_failure < 1
        ):
            raise PrivacyError(
                f"norm_bound {norm_bound!r}, projections {projections!r}, honest_failure {honest_failure!r}: "
                "wanted are a finite number of at least 1, at least 1, and a chance in (0, 1)"
            )
        bound = Fraction(norm_bound if isinstance(norm_bound, float) else int(norm_bound))
        slack = Fraction(_slack(projections, honest_failure))
        limit = math.ceil(VARIANCE * projections * bound * bound * (1 + slack))
        return cls(round=round, length=length, projections=projections, square_limit=limit)

    def chance_unseen(self, norm: float) -> float:
        """An upper bound of the chance that an update of this L2 norm passes, whoever made it, before signs are drawn.

        It is of one site by itself. When m dishonest sites work together, they may share out the projections of all that
        they brought in as they like: for the norm of that sum, take ``chance_unseen(norm / m)``.

        Examples
        --------
        >>> terms = Terms.with_norm_bound("study/1", 10_000, norm_bound=1000)
        >>> [f"{terms.chance_unseen(times * 1000):.0e}" for times in (1, 3, 5, 10)]
        ['1e+00', '6e-03', '5e-08', '5e-13']

        Notes
        -----
        Markov's inequality for ``exp(-h sum y^2)``, with the best h. For a unit vector x and coefficients of variance 1,
        ``E exp(-h y^2) = E prod cos(sqrt(2 h) g x_k / 4)^16`` over a Gaussian g, and ``cos(u) <= exp(-u^2 / 2)`` up to pi / 2:
        at most ``(1 + 2 h)^(-1/2) + P(|g| > 2 pi / sqrt(2 h))``. The idea to prove bounds of random projections in place of the
        update is that of Y. Zhu et al., Secure and verifiable data collaboration with low-cost zero-knowledge proofs,
        PVLDB 17, 2024 (doi 10.14778/3665844.3665860).
        """
        if not isinstance(norm, int | float | np.integer) or norm != norm:
            raise PrivacyError(f"the norm is {norm!r}; it must be a number")
        length = float(min(norm, _LONGEST))
        if not self.projections or length <= 0:
            return 1.0
        share = self.square_limit / (VARIANCE * self.projections) / length / length
        if share >= 1:
            return 1.0  # the mean of the squares is within the limit, and Markov's bound says nothing
        exponents = (_log_moment(step / 100) + share * step / 100 for step in range(1, 1001))
        return min(1.0, math.exp(self.projections * min(exponents)))


def _log_moment(h: float) -> float:
    """Logarithm of the bound of ``E exp(-h y^2)`` for a projection of variance 1."""
    return math.log((1 + 2 * h) ** -0.5 + math.erfc(math.pi / math.sqrt(h)))


def _slack(projections: int, chance: float) -> float:
    """The least t with ``((1 + t) exp(-t))^(projections / 2) <= chance``, by bisection; rounded up."""
    wanted = 2 * math.log(chance) / projections
    low, high = 0.0, 1.0
    while math.log1p(high) - high > wanted:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if math.log1p(middle) - middle > wanted else (low, middle)
    return high
