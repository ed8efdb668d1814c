"""Anonymised release of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cdt_core.errors import PrivacyError
from cdt_privacy.release.anonymity import anonymity_of, columns_named, listed, require_columns
from cdt_privacy.release.asked import Asked, Cut
from cdt_privacy.release.by_levels import by_levels
from cdt_privacy.release.by_mondrian import by_mondrian
from cdt_privacy.release.coding import Coded, coded
from cdt_privacy.release.generalising import as_it_was
from cdt_privacy.release.measures import measures_of
from cdt_privacy.release.release import Release

__all__ = ["anonymise"]


def anonymise(  # noqa: PLR0913 -- all but three by name only
    frame: pd.DataFrame,
    quasi_identifiers: Sequence[str],
    sensitive: str | Sequence[str] | None = None,
    *,
    k: int = 10,
    l: int | None = None,  # noqa: E741 -- the field's own name for it
    entropy_l: float | None = None,
    t: float | None = None,
    method: str = "mondrian",
    hierarchies: Mapping[str, Any] | None = None,
    suppress: float = 0.0,
    identifiers: str | Sequence[str] | None = None,
    relaxed: bool = False,
    refine: str | None = None,
    seed: int = 0,
) -> Release:
    """A table in which every person looks like at least k - 1 others.

    About 30 ms for 32,561 rows and 7 quasi-identifiers by ``"mondrian"``, a second by ``"full_domain"``. The same input gives
    the same release.

    Parameters
    ----------
    frame
        One row per person; numbers, dates, texts, categories, booleans. Missing values are a category of their own.
    quasi_identifiers
        Columns that others may know: they are generalised, numbers and dates to intervals (those with a time zone in UTC),
        others to sets or nodes.
    sensitive
        Columns that nobody may learn of a person; they are kept as they are.
    k
        Rows of each class, at least (Sweeney 2002).
    l, entropy_l, t
        Of each sensitive column: distinct values of each class, exp of their entropy, at least (Machanavajjhala et al. 2007);
        and distance of their shares from those of the table, at most (Li et al. 2007).
    method
        ``"mondrian"``: classes of their own intervals (LeFevre et al. 2006), less lossy. ``"full_domain"``: one level of its
        hierarchy for each column, so that equal values stay equal.
    hierarchies
        For a column ``{value: (node, node above it, ...)}``, a DataFrame of such levels, or of numbers widths of intervals such
        as ``[5, 10, 20]``. Without one, full-domain levels are intervals that double, months and years, or all.
    suppress
        Share of rows that ``"full_domain"`` may leave out; Mondrian cuts leave none out, and refuse to be given one.
    identifiers
        Columns such as names, which are dropped.
    relaxed
        Mondrian classes may share the values at which they are cut, so that they are smaller.
    refine
        ``"anneal"``: rows are then moved between classes by simulated annealing where that lowers the loss.
    seed
        Of the annealing.

    Raises
    ------
    PrivacyError
        What is asked cannot be kept (k above the rows, l above the distinct values) or is not of this method, a column is
        missing, there twice or in two roles, a hierarchy is no tree.

    Notes
    -----
    Rows stay in their order. Where others know the order of the input, shuffle the table before it is shared.

    Examples
    --------
    >>> people = pd.DataFrame({"age": [21, 23, 25, 52, 55, 58], "town": list("aabcbc"), "illness": list("xyzxyx")})
    >>> release = anonymise(people, ["age", "town"], "illness", k=3)
    >>> release.table["age"].tolist()
    ['[21, 25]', '[21, 25]', '[21, 25]', '[52, 58]', '[52, 58]', '[52, 58]']
    >>> release.anonymity.k, round(release.measures.ncp, 3)
    (3, 0.401)
    """
    asked = Asked(k, l, entropy_l, t, method, suppress, relaxed, refine, seed)
    names, secrets = columns_named(frame, quasi_identifiers, sensitive)
    dropped = listed(identifiers)
    given = _by_column(hierarchies)
    _check(frame, [*names, *secrets], dropped, [name for name in given if name not in names])
    asked.check_rows(len(frame))
    quasi, hidden = ([coded(frame[name]) for name in some] for some in (names, secrets))
    cut = (by_mondrian if method == "mondrian" else by_levels)(quasi, hidden, given, asked)
    return _released(frame, cut, hidden, dropped, asked)


def _by_column(hierarchies: Mapping[str, Any] | None) -> dict[str, Any]:
    if hierarchies is not None and not isinstance(hierarchies, Mapping):
        raise PrivacyError(
            f"hierarchies are a dict of column to hierarchy, not a {type(hierarchies).__name__}; name the column of each"
        )
    return dict(hierarchies or {})


def _check(frame: pd.DataFrame, used: Sequence[str], dropped: Sequence[str], strangers: Sequence[str]) -> None:
    require_columns(frame, dropped)
    if not frame.columns.is_unique:
        name = frame.columns[frame.columns.duplicated()][0]
        raise PrivacyError(f"the table has more than one column {name!r}; rename all but one, or drop them")
    both = [name for name in dropped if name in used]
    if both:
        raise PrivacyError(f"column {both[0]!r} is an identifier, which is dropped, and has another role, too")
    if strangers:
        raise PrivacyError(f"there is a hierarchy for {strangers[0]!r}, which is no quasi-identifier")


def _released(frame: pd.DataFrame, cut: Cut, secrets: Sequence[Coded], dropped: Sequence[str], asked: Asked) -> Release:
    kept = cut.classes >= 0
    rows = None if kept.all() else kept
    released = {name: column.series(frame[name], rows) for name, column in cut.columns.items()}
    hidden_names = {one.name for one in secrets}
    columns = {
        name: released[name] if name in released else as_it_was(frame[name], rows, is_scale=name in hidden_names)
        for name in frame.columns
        if name not in dropped
    }
    table = pd.DataFrame(columns)
    groups = cut.classes[kept]
    hidden = [Coded(one.name, one.codes[kept], one.values, one.kind, one.has_missing) for one in secrets]
    losses = {name: column.losses[kept] for name, column in cut.columns.items()}
    others = set(cut.columns) | hidden_names
    return Release(
        table=table,
        groups=groups,
        rows=np.flatnonzero(kept),
        quasi_identifiers=tuple(cut.columns),
        sensitive=tuple(one.name for one in secrets),
        dropped=tuple(dropped),
        kept=tuple(name for name in columns if name not in others),
        asked=asked,
        anonymity=anonymity_of(table[list(cut.columns)], groups, hidden),
        measures=measures_of(losses, np.bincount(groups), len(frame), asked.k),
        levels=cut.levels,
        evidence=cut.evidence or {},
    )
