"""Which two datasets must be hard to tell apart."""

from __future__ import annotations

from enum import Enum
from typing import Any

from cdt_core.errors import PrivacyError

__all__ = ["Neighbours", "require_neighbours"]


class Neighbours(Enum):
    """What one person (or site, whatever the unit is) may have changed.

    Mechanisms state the norm of one contribution. Adding or removing one moves a sum by that norm; replacing one by another
    moves it by twice the norm, which the accounting counts.

    Examples
    --------
    >>> Neighbours("replace-one").reach
    2
    """

    ADD_OR_REMOVE = "add-or-remove"
    REPLACE_ONE = "replace-one"

    @property
    def reach(self) -> int:
        """By how many norms of one contribution neighbours' sums may differ."""
        return 1 if self is Neighbours.ADD_OR_REMOVE else 2


def require_neighbours(value: Any) -> None:
    """Refuse what is no relation."""
    if not isinstance(value, Neighbours):
        raise PrivacyError(f"the neighbours are {value!r}; give one of {', '.join(map(str, Neighbours))}")
