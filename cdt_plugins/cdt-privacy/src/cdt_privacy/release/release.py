"""A released table, and what was measured of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from attrs import field, frozen
from numpy.typing import NDArray

from cdt_privacy.release.anonymity import Anonymity
from cdt_privacy.release.asked import Asked
from cdt_privacy.release.measures import Measures
from cdt_privacy.release.saving import as_dataset, write

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Release"]


@frozen(eq=False)
class Release:
    """What :func:`cdt_privacy.release.anonymise` made.

    Parameters
    ----------
    table
        The released table: quasi-identifiers generalised, identifiers and suppressed rows gone, rows numbered anew.
    groups
        Class of each of its rows.
    rows
        Row of the input that each of its rows was. Not for release, and neither is ``groups`` where the order of rows is known.
    quasi_identifiers, sensitive, dropped, kept
        Columns by their roles; ``kept`` are those that were named in none, and are as they were.
    asked, anonymity, measures
        What was asked, what the table keeps, and what that cost.
    levels
        Of a full-domain release, the level of each column.
    evidence
        How it was found: nodes of the lattice that were looked at, losses before and after refinement.
    """

    table: pd.DataFrame
    groups: NDArray[np.int64]
    rows: NDArray[np.int64]
    quasi_identifiers: tuple[str, ...]
    sensitive: tuple[str, ...]
    dropped: tuple[str, ...]
    kept: tuple[str, ...]
    asked: Asked
    anonymity: Anonymity
    measures: Measures
    levels: Mapping[str, int] | None = None
    evidence: Mapping[str, Any] = field(factory=dict)

    def dataset(self) -> xr.Dataset:
        """The table over ``row``; the attribute ``cdt_role`` of its variables lets a treatment check k, l and t."""
        return as_dataset(self)

    def write(self, path: str | os.PathLike[str]) -> None:
        """The table as ``.csv`` or ``.parquet``; comments or metadata tell a treatment the roles of its columns.

        Raises
        ------
        PrivacyError
            The name ends in neither.
        """
        write(self, path)

    def report(self) -> str:
        """What was released, what it keeps, and what it cost, in some lines of text."""
        measures, rows = self.measures, len(self.table)
        lines = [
            f"{rows} rows in {self.anonymity.classes} classes by {self.asked.method}: {self._asked()}",
            f"  keeps    {self.anonymity}",
            f"  smallest {self.anonymity.worst['k']}",
            f"  loss     NCP {measures.ncp:.4f}, C_avg {measures.c_avg:.3f}, discernibility {measures.discernibility}, "
            f"suppressed {measures.suppressed:.2%}",
            "  columns  " + ", ".join(f"{name} {loss:.3f}" for name, loss in measures.columns.items()),
        ]
        if self.levels is not None:
            lines.append("  levels   " + ", ".join(f"{name} {level}" for name, level in self.levels.items()))
        if "ncp_before" in self.evidence:
            before = self.evidence["ncp_before"]
            lines.append(
                f"  annealed NCP {before:.4f} before, {1 - measures.ncp / before if before else 0:.1%} lower now"
            )
        if self.dropped:
            lines.append(f"  dropped  {', '.join(self.dropped)}")
        if self.kept:
            lines.append(f"  as they were, in no role: {', '.join(self.kept)}")
        return "\n".join(lines)

    def _asked(self) -> str:
        asked = self.asked
        demands = {"k": asked.k, "l": asked.l, "entropy l": asked.entropy_l, "t": asked.t}
        return "asked " + ", ".join(f"{name}={value}" for name, value in demands.items() if value is not None)
