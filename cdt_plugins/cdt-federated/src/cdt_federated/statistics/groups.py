"""Counts, sums and squares of a column by group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import FederatedError
from cdt_federated.statistics.rows import Rows
from cdt_federated.statistics.summary import Sums

__all__ = ["GroupSums", "levels_of"]


def levels_of(levels: Iterable[Any]) -> tuple[Any, ...]:
    """Levels that all sites agreed on: two or more, each once."""
    try:
        found = (levels,) if isinstance(levels, str) else tuple(levels)
        different = len(set(found))
    except TypeError as error:
        raise FederatedError(f"levels {levels!r} are no values that rows may have: {error}") from error
    if len(found) < 2 or different != len(found):
        raise FederatedError(f"levels {found}: name at least two, and each once")
    return found


@attrs.frozen(eq=False, kw_only=True)
class GroupSums(Sums):
    """Rows of each group, and sums of a column and of its squares as deviations from each group's origin."""

    name: str
    group: str
    levels: tuple[Any, ...]
    origins: NDArray[np.float64]

    whole: ClassVar[frozenset[str]] = frozenset({"counts"})

    @property
    def columns(self) -> tuple[str, ...]:
        """The column and the groups' one."""
        return (self.name, self.group)

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """One number for each group."""
        return dict.fromkeys(("counts", "sums", "squares"), (len(self.levels),))

    def of(self, rows: Rows) -> Mapping[str, NDArray[np.float64]]:
        """Sums over rows."""
        codes, groups = rows.codes(self.group, self.levels), len(self.levels)
        values = rows.numbers(self.name) - self.origins[codes]
        return {
            "counts": np.bincount(codes, minlength=groups).astype(np.float64),
            "sums": np.bincount(codes, values, groups).astype(np.float64),
            "squares": np.bincount(codes, values * values, groups).astype(np.float64),
        }
