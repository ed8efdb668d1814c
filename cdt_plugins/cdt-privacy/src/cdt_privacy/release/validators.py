"""Checks of tables whose attributes name quasi-identifiers: k, l and t, as findings of a certificate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from cdt_core.errors import PrivacyError
from cdt_core.hooks.contracts import Subject
from cdt_core.model import Finding
from cdt_privacy.release.anonymity import Anonymity, check
from cdt_privacy.release.roles import Roles, roles_of

__all__ = ["anonymity"]

_METHODS = {
    "k": "rows of the smallest class of equal quasi-identifiers (Sweeney 2002); missing values are equal to each other",
    "l": "least number of distinct sensitive values of a class (Machanavajjhala et al. 2007)",
    "entropy_l": "exp of the least entropy of a class's sensitive values (Machanavajjhala et al. 2007)",
    "t": "largest earth mover's distance between the sensitive values of a class and those of the table, ordered for numbers, "
    "equal for others (Li et al. 2007)",
}
_CHECKS = {
    "k": "privacy.k_anonymity",
    "l": "privacy.l_diversity",
    "entropy_l": "privacy.entropy_l_diversity",
    "t": "privacy.t_closeness",
}


def anonymity(subject: Subject) -> Iterable[Finding]:
    """Whether identifiers are gone, and k, l and t of each table that declares quasi-identifiers; nothing of others."""
    for roles in roles_of(subject):
        yield _identifiers(roles)
        yield from _measured(subject, roles)


def _identifiers(roles: Roles) -> Finding:
    return Finding(
        check="privacy.identifiers_absent",
        dimension="validity",
        value=int(not roles.identifiers),
        unit="bool",
        method="no variable has the role of an identifier",
        message=f"identifiers are in the dataset: {', '.join(roles.identifiers)}" if roles.identifiers else "",
        evidence={"identifiers": list(roles.identifiers)} if roles.identifiers else {},
    )


def _measured(subject: Subject, roles: Roles) -> Iterator[Finding]:
    problems = [*roles.problems, *_shape_problems(subject, roles)]
    wanted = ["k", "l", "entropy_l", "t"] if roles.sensitive else ["k"]
    evidence: dict[str, Any] = {
        "group": roles.group,
        "quasi_identifiers": list(roles.quasi_identifiers),
        "sensitive": list(roles.sensitive),
    }
    if problems:
        for name in wanted:
            yield _finding(name, None, "; ".join(problems), evidence)
        return
    try:
        found = check(_frame(subject, roles), roles.quasi_identifiers, roles.sensitive)
    except PrivacyError as error:
        for name in wanted:
            yield _finding(name, None, str(error), evidence)
        return
    for name in wanted:
        yield _of(found, name, evidence)


def _of(found: Anonymity, name: str, evidence: dict[str, Any]) -> Finding:
    """A measure with the size of the class that decides it. What that class holds would tell more than the table may."""
    worst = found.worst[name]
    more: dict[str, Any] = {"rows": found.rows, "classes": found.classes, "rows_of_worst_class": worst.rows}
    if worst.sensitive is not None:
        more["worst_sensitive"] = worst.sensitive
    return _finding(name, getattr(found, name), "", {**evidence, **more})


def _finding(name: str, value: float | int | None, message: str, evidence: dict[str, Any]) -> Finding:
    return Finding(
        check=_CHECKS[name],
        dimension="validity",
        value=value,
        method=_METHODS[name],
        message=message,
        evidence=evidence,
    )


def _shape_problems(subject: Subject, roles: Roles) -> Iterator[str]:
    """Why columns make no table."""
    if not roles.quasi_identifiers:
        yield "no quasi-identifier is declared"
        return
    used = [*roles.quasi_identifiers, *roles.sensitive]
    dims = subject.specs[used[0]].dims
    for name in used:
        spec = subject.specs[name]
        if len(spec.dims) != 1 or spec.dims != dims:
            yield f"{name!r} is over {', '.join(spec.dims) or 'nothing'}; columns of a table are over one dimension, the same"
        elif not spec.size:
            yield f"{name!r} has no row"


def _frame(subject: Subject, roles: Roles) -> pd.DataFrame:
    return pd.DataFrame({name: _column(subject, name) for name in (*roles.quasi_identifiers, *roles.sensitive)})


def _column(subject: Subject, name: str) -> Any:
    """Stored values, whose order is that of what they mean; declared codes for no value are missing."""
    values = np.asarray(subject.variables[name].values)
    attributes = subject.specs[name].attributes
    column = pd.Series(values)
    if "flag_values" in attributes:
        column = column.astype("category")
    gone = column.isna()
    for key in ("_FillValue", "missing_value"):
        if key in attributes:
            gone |= column.isin(np.ravel(np.asarray(attributes[key])))
    if values.dtype.kind == "f":
        infinite = np.isinf(values)
        # Infinities are equal to each other and to nothing else, as texts are; there is no interval to put them in.
        return (
            column.astype(object).where(~infinite, column.astype(str)).mask(gone)
            if infinite.any()
            else column.mask(gone)
        )
    return column.mask(gone) if gone.any() else column
