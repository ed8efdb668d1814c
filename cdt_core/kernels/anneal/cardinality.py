"""Groups of variables of which a fixed number is +1."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cdt_core.errors import AnnealError

__all__ = ["Cardinality", "check_groups", "read_groups", "read_only"]

Array = NDArray[Any]


def read_only(array: ArrayLike) -> Array:
    """A view that cannot be written through; the array itself stays as it is."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def read_groups(indices: Any) -> Array:
    """An array of indices, of one group or in rows of many.

    Raises
    ------
    AnnealError
        Rows of different lengths, masked indices, or what is no number.
    """
    if np.ma.is_masked(indices):
        at = tuple(int(k) for k in np.argwhere(np.ma.getmaskarray(indices))[0])
        raise AnnealError(f"indices[{', '.join(map(str, at))}] is masked; leave out what is in no group")
    try:
        return np.asarray(indices)
    except (ValueError, TypeError) as error:
        raise AnnealError(f"indices are no array: {error}; groups of different sizes are given one by one") from error


def _members(indices: ArrayLike) -> Array:
    return read_only(read_groups(indices))


@attrs.frozen(eq=False)
class Cardinality:
    """A group of variables of which a fixed number is +1 (1 of a binary problem): with ``count`` 1, a one-hot group.

    Parameters
    ----------
    indices
        (g,) int64: the variables, in rising order.
    count
        How many are +1, 0 .. g.

    Raises
    ------
    AnnealError
        No indices, what is no row of integers, one that comes twice, or a count beyond them.
    """

    indices: Array = attrs.field(converter=_members)
    count: int

    def __attrs_post_init__(self) -> None:
        if self.indices.ndim != 1 or self.indices.dtype.kind not in "iu" or not self.indices.size:
            raise AnnealError(
                f"a group has indices of shape {self.indices.shape}; it needs a row of integers, 1 or more"
            )
        if (largest := int(self.indices.max())) > np.iinfo(np.int64).max:
            raise AnnealError(f"a group has the index {largest}, which is beyond int64")
        ordered = np.sort(self.indices.astype(np.int64))
        if (ordered[1:] == ordered[:-1]).any():
            raise AnnealError(f"variable {ordered[np.argmax(ordered[1:] == ordered[:-1])]} is twice in a group")
        if isinstance(self.count, bool) or not isinstance(self.count, int | np.integer):
            raise AnnealError(f"a group's count is {self.count!r}; it must be an integer")
        if not 0 <= self.count <= ordered.size:
            raise AnnealError(f"{self.count} of the {ordered.size} variables of a group cannot be +1")
        object.__setattr__(self, "indices", read_only(ordered))
        object.__setattr__(self, "count", int(self.count))


def check_groups(groups: Iterable[Cardinality], size: int) -> None:
    """Refuse groups that have a variable in common, or one that a problem of that size does not have."""
    owner = np.full(size, -1, np.int64)
    for number, group in enumerate(groups):
        if not isinstance(group, Cardinality):
            raise AnnealError(f"group {number} is of {type(group)}; it must be a Cardinality")
        wrong = (group.indices < 0) | (group.indices >= size)
        if wrong.any():
            raise AnnealError(
                f"group {number} has the index {group.indices[np.argmax(wrong)]}; variables are 0 .. {size - 1}"
            )
        shared = owner[group.indices] >= 0
        if shared.any():
            index = int(group.indices[np.argmax(shared)])
            raise AnnealError(f"variable {index} is in groups {owner[index]} and {number}; groups must be disjoint")
        owner[group.indices] = number
