"""The most frequent values of a column."""

from __future__ import annotations

from typing import Any

import attrs

from cdt_core.errors import FederatedError
from cdt_federated.statistics.rows import Missing, Rows
from cdt_federated.statistics.sketches import SketchSummary, library
from cdt_federated.statistics.small import checked_count
from cdt_federated.statistics.summary import Steps

__all__ = ["Frequent", "TopK", "TopKFound"]

#: 2^LOG_SIZE counters: values of a share above 3.5 / 2^LOG_SIZE of the rows are never missed.
_LOG_SIZE = 12


@attrs.frozen
class Frequent:
    """One value, and between what bounds its number of rows lies."""

    value: str
    rows: int
    least: int
    most: int


@attrs.frozen(eq=False)
class TopKFound:
    """The most frequent values, most rows first; those of one number by name."""

    values: tuple[Frequent, ...]
    rows: int
    left_out: int

    def __str__(self) -> str:
        lines = [f"{each.rows:10d}  {each.value}" for each in self.values]
        return "\n".join([*lines, f"{self.rows} rows, {self.left_out} left out"])


@attrs.frozen(eq=False)
class TopK:
    """The values that most rows have, where nobody knows beforehand which there are.

    By the frequent-items sketch of Anderson et al. (2017, IMC): exact while there are fewer than 3072 different values.
    Values themselves leave the sites, also rare ones: what is held back is settled when the answers are merged.

    Parameters
    ----------
    name
        The column; its values are taken as text, so that 1 and 1.0 are two.
    k
        How many are wanted.
    min_count
        Values of fewer rows are held back.

    Examples
    --------
    >>> from cdt_federated.statistics import TopK, run
    >>> [each.value for each in run(TopK("icd", 1), {"a": {"icd": ["I10", "E11"]}, "b": {"icd": ["I10"]}}).values]
    ['I10']
    """

    name: str
    k: int = attrs.field(default=10, validator=checked_count)
    min_count: int = attrs.field(default=1, kw_only=True, validator=checked_count)
    missing: Missing = attrs.field(default="refuse", kw_only=True)

    def steps(self) -> Steps[TopKFound]:
        """One question."""
        sketches = library()
        kind = sketches.frequent_strings_sketch

        def add(sketch: Any, rows: Rows) -> None:
            column = rows.columns[self.name]
            if column.ndim != 1:
                raise FederatedError(f"column {self.name!r} has several values in a row; frequent ones are of one")
            try:
                for value in column.tolist():
                    sketch.update(str(value))
            except TypeError as error:
                raise FederatedError(f"column {self.name!r} has {str(value)!r}, which is no Unicode text") from error

        summary = SketchSummary(self.name, self.missing, lambda: kind(_LOG_SIZE), kind.deserialize, add)
        state = yield summary
        sketch = summary.read(state)
        items = sketch.get_frequent_items(sketches.frequent_items_error_type.NO_FALSE_NEGATIVES)
        found = [Frequent(value, rows, least, most) for value, rows, least, most in items if rows >= self.min_count]
        found.sort(key=lambda each: (-each.rows, each.value))
        return TopKFound(tuple(found[: self.k]), state["rows"], state["left_out"])
