"""What is asked of a release, and whether it can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from cdt_core.errors import PrivacyError
from cdt_core.kernels.partition import Demand
from cdt_privacy.release.anonymity import demand_of
from cdt_privacy.release.coding import Coded
from cdt_privacy.release.generalising import Generalised

__all__ = ["METHODS", "REFINEMENTS", "Asked", "Cut"]

METHODS = ("mondrian", "full_domain")
REFINEMENTS = (None, "anneal")


@frozen
class Asked:
    """Demands of a release; the words are those of :func:`cdt_privacy.release.anonymise`."""

    k: int
    l: int | None  # noqa: E741 -- the field's own name for it
    entropy_l: float | None
    t: float | None
    method: str
    suppress: float
    relaxed: bool
    refine: str | None
    seed: int

    def __attrs_post_init__(self) -> None:
        if isinstance(self.k, bool) or not isinstance(self.k, int | np.integer) or self.k < 1:
            raise PrivacyError(f"k is {self.k!r}; it is a whole number of rows, at least 1")
        if not isinstance(self.method, str) or self.method not in METHODS:
            raise PrivacyError(f"method {self.method!r} is none of {', '.join(METHODS)}")
        suppress = self.suppress
        if isinstance(suppress, bool) or not isinstance(suppress, int | float | np.number) or not 0 <= suppress < 1:
            raise PrivacyError(f"suppress is {suppress!r}; it is a share of the rows, from 0 to below 1")
        if self.refine is not None and (not isinstance(self.refine, str) or self.refine not in REFINEMENTS):
            raise PrivacyError(f"refine {self.refine!r} is neither None nor 'anneal'")
        self._check_together()

    def _check_together(self) -> None:
        """What one method has and the other does not is refused, never passed over."""
        if self.method == "mondrian" and self.suppress:
            raise PrivacyError(
                "only method 'full_domain' leaves rows out: Mondrian cuts keep all of them, so leave suppress at 0"
            )
        if self.method != "mondrian" and self.refine:
            raise PrivacyError(
                "only classes of method 'mondrian' can be refined: full-domain levels leave no row to move"
            )
        if self.method != "mondrian" and self.relaxed:
            raise PrivacyError("only cuts of method 'mondrian' can be relaxed: full-domain levels make none")

    def demands(self, secrets: Sequence[Coded]) -> tuple[Demand, ...]:
        """As the kernels want them; none where nothing is asked of sensitive columns."""
        wanted = {"l": self.l, "entropy_l": self.entropy_l, "t": self.t}
        given = {name: value for name, value in wanted.items() if value is not None}
        if given and not secrets:
            raise PrivacyError(
                f"{', '.join(given)} says what classes keep of sensitive columns; name them with sensitive="
            )
        demands = tuple(demand_of(column, **given) for column in secrets) if given else ()
        for column, demand in zip(secrets, demands, strict=False):
            distinct = len(np.unique(demand.codes))
            if demand.l is not None and distinct < demand.l:
                raise PrivacyError(
                    f"l is {self.l}, but sensitive column {column.name!r} has {distinct} distinct values in all"
                )
        return demands

    def check_rows(self, rows: int) -> None:
        """Whether there are enough of them."""
        if self.k > rows:
            raise PrivacyError(f"k is {self.k}, but the table has {rows} rows: no class can be so large")


@frozen(eq=False)
class Cut:
    """What a method made of a table: the class of each row, -1 where it is suppressed, and the released columns."""

    classes: NDArray[np.int64]
    columns: Mapping[str, Generalised]
    levels: Mapping[str, int] | None = None
    evidence: Mapping[str, Any] | None = None
