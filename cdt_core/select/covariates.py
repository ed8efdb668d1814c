"""Covariates of samples, as columns whose sums over a batch say how far it is from the whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, Literal

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import SelectError
from cdt_core.select.column import Column, read_column

__all__ = ["Covariate", "columns_of", "read_covariates"]

Array = NDArray[Any]
#: What the mean of squares weighs beside the mean: batches should have like spreads, too.
_SQUARES = 0.5
#: What all pairs weigh together beside all covariates.
_PAIRS = 0.5


@attrs.frozen(eq=False)
class Covariate:
    """What is to be alike in all batches.

    ``values`` is (n,) float64 of numbers, NaN where missing, or (n,) codes of categories, whose last one is "missing" where
    any is. ``columns`` (n, p) have mean 0 and total variance 1 (0 where nothing varies): the sum over batches of the squared
    sums of their members, over the batch's size, is in the mean of random assignments the number of batches less 1.
    """

    name: str
    kind: Literal["numbers", "categories"]
    values: Array
    columns: Array
    weight: float = 1.0

    def imbalance(self, batch: Array, count: int) -> float:
        """Of categories Cramer's V with the batches, 0 .. 1; of numbers the largest standardised mean difference of a
        batch from all others.
        """
        if self.kind == "categories":
            return _cramers_v(self.values, batch, count)
        return _largest_difference(self.values, batch, count)


def read_covariates(
    metadata: Any, balance: Sequence[str] | Mapping[str, float], treatment: str | None, categorical: Iterable[str]
) -> list[Covariate]:
    """Covariates of a frame or a mapping of columns; the treatment weighs as much as all others together.

    Raises
    ------
    SelectError
        Names that are not there, columns of several lengths, infinite numbers, weights that are no weights.
    """
    if not hasattr(metadata, "__getitem__") or not hasattr(metadata, "__contains__"):
        raise SelectError(
            f"metadata is {type(metadata).__name__}; it must be a frame, or a mapping of names to columns"
        )
    for option, names in (("balance", balance), ("categorical", categorical)):
        if isinstance(names, str):
            raise SelectError(f"{option} is {names!r}; it must be a list of names, [{names!r}]")
    categorical = set(categorical)
    weights = dict(balance) if isinstance(balance, Mapping) else dict.fromkeys(balance, 1.0)
    for name, weight in weights.items():
        if not (isinstance(weight, int | float | np.number) and 0 < weight < np.inf):
            raise SelectError(f"{name!r} has the weight {weight!r}; weights are finite and above 0")
    if treatment is not None:
        weights[treatment] = sum(weight for name, weight in weights.items() if name != treatment) or 1.0
    if not weights:
        raise SelectError("nothing to balance; name covariates, or a treatment")
    for name in [*weights, *sorted(categorical, key=str)]:
        if name not in metadata:
            raise SelectError(f"metadata has no {name!r}; it has {', '.join(map(str, metadata))}")
    return [_covariate(name, metadata[name], weight, name in categorical) for name, weight in weights.items()]


def columns_of(covariates: Sequence[Covariate], pairs: bool) -> Array:
    """(n, p) columns of all covariates by their weights, and of all pairs of them; their total variance is 1 if all vary."""
    total = sum(covariate.weight for covariate in covariates)
    parts = [np.sqrt(covariate.weight / total) * covariate.columns for covariate in covariates]
    couples = list(combinations(covariates, 2)) if pairs else []
    for left, right in couples:
        products = (left.columns[:, :, None] * right.columns[:, None, :]).reshape(len(left.columns), -1)
        parts.append(np.sqrt(_PAIRS / len(couples)) * _of_variance_one(products))
    columns = np.concatenate(parts, axis=1)
    return np.asarray(columns / np.sqrt(1 + _PAIRS) if couples else columns)


def _covariate(name: str, given: Any, weight: float, as_categories: bool) -> Covariate:
    column = read_column(given)
    if column.values.ndim != 1 or not column.values.size:
        raise SelectError(f"{name!r} has shape {column.values.shape}; a covariate has a value for each sample")
    if column.kind == "names" or as_categories:
        codes = _codes(column)
        return Covariate(name, "categories", codes, _of_codes(codes), weight)
    try:
        values = column.numbers()
    except OverflowError as error:
        raise SelectError(f"{name!r} has numbers beyond float64 ({error})") from error
    if np.isinf(values).any():
        raise SelectError(f"{name!r} is infinite for sample {int(np.argmax(np.isinf(values)))}")
    return Covariate(name, "numbers", values, _of_numbers(values), weight)


def _codes(column: Column) -> Array:
    missing = column.missing
    codes = np.empty(missing.size, np.int64)
    levels, codes[~missing] = np.unique(column.values[~missing].astype(str), return_inverse=True)
    codes[missing] = len(levels)
    return codes


def _of_numbers(values: Array) -> Array:
    """The number, its square, and whether it is missing: each in its standard deviations."""
    missing, values = np.isnan(values), _of_ones(values)
    filled = np.where(missing, values[~missing].mean() if not missing.all() else 0.0, values)
    scale = np.abs(filled - filled.mean()).max() or 1.0
    number = _of_variance_one((filled - filled.mean())[:, None] / scale)
    parts = [number, np.sqrt(_SQUARES) * _of_variance_one(number**2)]
    if missing.any():
        parts.append(_of_variance_one(missing[:, None].astype(np.float64)))
    return _of_variance_one(np.concatenate(parts, axis=1))


def _of_ones(values: Array) -> Array:
    """Values in units of the largest, so that no square overflows or is lost."""
    largest = np.abs(values[~np.isnan(values)]).max(initial=0.0)
    return np.asarray(values / largest if largest else values)


def _of_codes(codes: Array) -> Array:
    """Indicators over the roots of their shares: the squared sums are the terms of chi squared."""
    shares = np.bincount(codes) / len(codes)
    used = np.flatnonzero(shares)
    return _of_variance_one((codes[:, None] == used) / np.sqrt(shares[used]))


def _of_variance_one(columns: Array) -> Array:
    centred = columns - columns.mean(axis=0)
    total = float((centred**2).sum()) / len(centred)
    return np.asarray(centred / np.sqrt(total) if total > 1e-20 else np.zeros_like(centred))


def _cramers_v(codes: Array, batch: Array, count: int) -> float:
    levels = int(codes.max()) + 1
    table = np.bincount(codes * count + batch, minlength=levels * count).reshape(levels, count)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(table.shape) < 2:
        return 0.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / len(codes)
    return float(np.sqrt(((table - expected) ** 2 / expected).sum() / (len(codes) * (min(table.shape) - 1))))


def _largest_difference(values: Array, batch: Array, count: int) -> float:
    known = ~np.isnan(values)
    values, batch = _of_ones(values)[known], batch[known]
    spread = float(values.std()) if values.size else 0.0
    largest = 0.0
    for number in range(count):
        inside = batch == number
        if spread > 0 and inside.any() and not inside.all():
            largest = max(largest, abs(float(values[inside].mean() - values[~inside].mean())) / spread)
    return largest
