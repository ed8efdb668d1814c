"""What the classes of a partition must keep of a sensitive column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from cdt_core.errors import PrivacyError
from cdt_core.kernels import _partition
from cdt_core.kernels.partition.packing import DENSELY, MOST_CODES

__all__ = ["Demand", "check_demands", "check_k"]


def _codes(values: Any) -> NDArray[np.uint32]:
    array = np.asarray(values)
    if array.ndim != 1 or not array.size or array.dtype.kind not in "iu":
        raise PrivacyError(f"sensitive codes are integers in one dimension, not {array.dtype} of shape {array.shape}")
    if int(array.min()) < 0 or int(array.max()) >= 1 << 32:
        raise PrivacyError("sensitive codes are from 0 to below 2**32; give missing values a code of their own")
    if int(array.max()) >= max(MOST_CODES, array.size):
        raise PrivacyError(f"sensitive code {int(array.max())} is too large for {array.size} rows; {DENSELY}")
    return np.array(array, np.uint32, order="C")


@frozen(eq=False)
class Demand:
    """A sensitive column, and what every class must keep of it.

    Parameters
    ----------
    codes
        Integers (rows,) from 0 on, copied. For ``ordered=True`` their order is that of the values, each one step from the next.
    l
        Distinct values in each class, at least (Machanavajjhala et al. 2007, distinct l-diversity).
    entropy_l
        exp of the entropy of each class, at least (entropy l-diversity).
    t
        Earth mover's distance between the class and the whole table, at most (Li, Li & Venkatasubramanian 2007).
    ordered
        Which distance: ordered (equation 2 there, for numbers), or equal (for categories).
    """

    codes: NDArray[np.uint32] = field(converter=_codes)
    l: int | None = None  # noqa: E741 -- the field's own name for it
    entropy_l: float | None = None
    t: float | None = None
    ordered: bool = False

    def __attrs_post_init__(self) -> None:
        for name, value in (("l", self.l), ("entropy l", self.entropy_l), ("t", self.t)):
            if value is not None and (
                isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating)
            ):
                raise PrivacyError(f"{name} is {value!r}, which is no number")
        if self.l is not None and (not math.isfinite(self.l) or int(self.l) != self.l):
            raise PrivacyError(f"l is {self.l!r}; distinct values are counted in whole numbers")
        if self.l is not None and not 1 <= self.l <= len(self.codes):
            raise PrivacyError(f"l is {self.l}; it is at least 1, and at most the number of rows, {len(self.codes)}")
        if self.entropy_l is not None and not (math.isfinite(self.entropy_l) and self.entropy_l >= 1):
            raise PrivacyError(f"entropy l is {self.entropy_l}; it is a finite number, at least 1")
        if self.t is not None and not 0 <= self.t <= 1:
            raise PrivacyError(f"t is {self.t}; it is a distance from 0 to 1")

    @property
    def size(self) -> int:
        """One more than the largest code."""
        return int(self.codes.max()) + 1

    def compiled(self) -> _partition.Sensitive:
        """As the kernels want it."""
        entropy = math.log(self.entropy_l) if self.entropy_l is not None else 0.0
        t = -1.0 if self.t is None else self.t
        return _partition.Sensitive(self.codes, self.size, self.ordered, int(self.l or 0), entropy, t)


def check_k(k: int) -> None:
    """Whether it is a number of rows."""
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise PrivacyError(f"k is {k!r}; it is a whole number of rows, at least 1")


def check_demands(rows: int, demands: Sequence[Demand]) -> None:
    """Whether they are of a table with so many rows, and not too many."""
    if not isinstance(demands, Sequence) or not all(isinstance(one, Demand) for one in demands):
        raise PrivacyError(f"demands are a sequence of Demand, not {demands!r}")
    if len(demands) > _partition.MOST_SENSITIVE:
        raise PrivacyError(f"{len(demands)} sensitive columns are more than {_partition.MOST_SENSITIVE}")
    for number, demand in enumerate(demands):
        if len(demand.codes) != rows:
            raise PrivacyError(f"sensitive column {number} has {len(demand.codes)} rows, the table {rows}")
