"""What one contribution may be, and what all rounds together may cost."""

from __future__ import annotations

import math
from enum import Enum
from typing import Any

from attrs import Attribute, field, frozen

from cdt_core.errors import PrivacyError
from cdt_privacy.accounting.account import require_delta
from cdt_privacy.accounting.neighbours import Neighbours, require_neighbours

__all__ = ["Contribution", "Law", "Target"]


#: Beyond it a plan is a mistake, and takes long to account.
_LARGEST_EPSILON = 50.0


class Law(Enum):
    """The noise: discrete Gaussian for L2 norms and many numbers, discrete Laplace for L1 norms, few numbers and delta 0."""

    GAUSSIAN = "gaussian"
    LAPLACE = "laplace"

    @property
    def order(self) -> int:
        """Of the norm to which contributions are clipped."""
        return 2 if self is Law.GAUSSIAN else 1


def _count(self: Any, attribute: Attribute[int], value: int) -> None:
    if type(value) is not int or value < 1:
        raise PrivacyError(f"{attribute.name} is {value!r}; it must be a whole number of at least 1")


def _positive(self: Any, attribute: Attribute[float], value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise PrivacyError(f"{attribute.name} is {value!r}; it must be above 0 and finite")


def _neighbours(self: Any, attribute: Attribute[Neighbours], value: Any) -> None:
    require_neighbours(value)


def _law(self: Any, attribute: Attribute[Law], value: Any) -> None:
    if not isinstance(value, Law):
        raise PrivacyError(f"the law is {value!r}; give one of {', '.join(map(str, Law))}")


@frozen(kw_only=True)
class Contribution:
    """One row of numbers: what one unit (a person, or a whole site) gives, and what privacy is stated for.

    Parameters
    ----------
    length
        Numbers in a row.
    clip_norm
        Norm beyond which a row is scaled down: L2 for Gaussian, L1 for Laplace noise.
    rows
        Most rows of one site; 1 where the site is the unit.
    neighbours
        Whether neighbours add or remove a row, or replace one (then the number of rows is no secret).
    """

    length: int = field(validator=_count)
    clip_norm: float = field(validator=_positive)
    rows: int = field(default=1, validator=_count)
    neighbours: Neighbours = field(default=Neighbours.ADD_OR_REMOVE, validator=_neighbours)


@frozen(kw_only=True)
class Target:
    """(``epsilon``, ``delta``) for ``rounds`` sums over the same rows together."""

    epsilon: float = field(validator=_positive)
    delta: float
    rounds: int = field(default=1, validator=_count)
    law: Law = field(default=Law.GAUSSIAN, validator=_law)

    def __attrs_post_init__(self) -> None:
        require_delta(self.delta)
        if self.epsilon > _LARGEST_EPSILON:
            raise PrivacyError(
                f"epsilon {self.epsilon!r} protects nobody; give at most {_LARGEST_EPSILON:g}, better below 1"
            )
        if self.law is Law.GAUSSIAN and self.delta == 0:
            raise PrivacyError("Gaussian noise has no epsilon at delta 0; give a delta, or use Law.LAPLACE")
