"""What no sum can tell, by sketches of the ``datasketches`` library: bytes that merge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from cdt_core.errors import FederatedError
from cdt_federated.statistics.rows import Missing, Rows, Table
from cdt_federated.statistics.summary import State

__all__ = ["SketchSummary", "library"]

#: Bytes of a sketch that are read at most: KLL with k = 65535 of 2^40 values has fewer.
_MOST_BYTES = 1 << 24


def library() -> Any:
    """The library, when it is needed.

    Raises
    ------
    FederatedError
        It is not installed.
    """
    try:
        import datasketches
    except ImportError as error:
        raise FederatedError("sketches need a library: pip install 'cdt-federated[sketches]'") from error
    return datasketches


@attrs.frozen(eq=False)
class SketchSummary:
    """A sketch of one column. Its state holds the sketch as bytes, which other sites' sketches are merged into."""

    name: str
    missing: Missing
    empty: Callable[[], Any]  #: makes a sketch
    parse: Callable[[bytes], Any]  #: reads one
    add: Callable[[Any, Rows], None]  #: puts rows into one

    def start(self) -> State:
        """The state of no rows."""
        return {"rows": 0, "left_out": 0, "sketch": self.empty().serialize()}

    def update(self, state: State, table: Table) -> State:
        """Add a table's rows."""
        rows = Rows.of(table, (self.name,), self.missing)
        sketch = self.read(state)
        self.add(sketch, rows)
        return {
            "rows": state["rows"] + rows.count,
            "left_out": state["left_out"] + rows.left_out,
            "sketch": sketch.serialize(),
        }

    def merge(self, left: State, right: State) -> State:
        """One sketch of both."""
        sketch = self.read(left)
        sketch.merge(self.read(right))
        return {
            "rows": left["rows"] + right["rows"],
            "left_out": left["left_out"] + right["left_out"],
            "sketch": sketch.serialize(),
        }

    def read(self, state: Mapping[str, Any]) -> Any:
        """The sketch of a state that may come from another site.

        Raises
        ------
        FederatedError
            Its bytes are too many, or no sketch.
        """
        written = state.get("sketch")
        if not isinstance(written, bytes) or len(written) > _MOST_BYTES:
            raise FederatedError(f"a sketch of column {self.name!r} is no bytes, or more than {_MOST_BYTES}")
        try:
            return self.parse(written)
        except Exception as error:  # whatever the library raises on bytes that are no sketch
            raise FederatedError(f"a sketch of column {self.name!r} cannot be read: {error}") from error
