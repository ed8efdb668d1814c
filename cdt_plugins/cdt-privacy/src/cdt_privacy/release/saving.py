"""Released tables as datasets and files whose attributes say what each column is, so that a treatment checks them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cdt_core.errors import PrivacyError
from cdt_privacy.release.roles import DATASET_KEYS, ROLE, ROLES

if TYPE_CHECKING:
    import xarray as xr

    from cdt_privacy.release.release import Release

__all__ = ["as_dataset", "write"]


def as_dataset(release: Release) -> xr.Dataset:
    """The table over ``row``, each variable with its ``cdt_role``."""
    import xarray as xr

    roles = dict.fromkeys(release.quasi_identifiers, ROLES[0]) | dict.fromkeys(release.sensitive, ROLES[1])
    variables = {}
    for name, column in release.table.items():
        values = column.to_numpy() if isinstance(column.dtype, np.dtype) else column.to_numpy(object)
        if values.dtype.kind == "O":
            values = np.array([None if value is None or value != value else str(value) for value in values], object)
        attributes = {ROLE: roles[str(name)]} if name in roles else {}
        variables[str(name)] = xr.Variable(("row",), values, attributes)
    return xr.Dataset(variables)


def write(release: Release, path: str | os.PathLike[str]) -> None:
    """The table as ``.csv`` or ``.parquet``, with the roles in comments or metadata."""
    roles = dict(zip(DATASET_KEYS, (release.quasi_identifiers, release.sensitive), strict=False))
    suffix = Path(path).suffix.lower()
    if suffix == ".csv":
        # A name a line, and no comma in it: a comment with as many commas as the table would be taken for its header.
        comments = "".join(f"# {key}: {_listed([name])}\n" for key, names in roles.items() for name in names)
        with _named(path):
            Path(path).write_text(comments + release.table.to_csv(index=False), encoding="utf-8")
    elif suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        added = {key: _listed(names) for key, names in roles.items() if names}
        with _named(path):
            table = pa.Table.from_pandas(release.table, preserve_index=False)
            pq.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), **added}), path)
    else:
        raise PrivacyError(f"{path}: a released table is written as .csv or .parquet")


@contextmanager
def _named(path: str | os.PathLike[str]) -> Iterator[None]:
    """What cannot be written is said with the name of the file; errors of Arrow are TypeErrors and ValueErrors."""
    try:
        yield
    except (OSError, TypeError, ValueError) as error:
        raise PrivacyError(f"{path}: the table cannot be written: {error}") from error


def _listed(names: Sequence[str]) -> str:
    """A JSON list; commas of a single name are escaped."""
    if len(names) == 1:
        return json.dumps(names).replace(",", "\\u002c")
    return json.dumps(list(names))
