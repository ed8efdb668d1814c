"""Pairs of variables with their weights, from whatever holds them: arrays, sparse matrices, dicts and graphs."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import AnnealError
from cdt_core.kernels.anneal.weights import as_array, check_total, magnitude, read_weights

__all__ = ["LARGEST_EDGES", "Terms", "numbered", "read_terms"]

Array = NDArray[Any]
Labels = tuple[Hashable, ...] | None

#: A problem has no more edges, so that each has a number of 31 bits.
LARGEST_EDGES = 2**31 - 1


@attrs.frozen(eq=False)
class Terms:
    """Weights w of pairs (first, second); a pair may come more than once, in both orders, and with itself.

    Parameters
    ----------
    size
        Number of variables n.
    first, second
        (t,) int64, 0 .. n - 1.
    weights
        (t,) int64 or float64.
    labels
        Names of the variables, where they are not 0 .. n - 1.
    matrix
        Whether these are all elements of a matrix, in which an edge may stand once or, symmetric, twice.
    name
        What the user calls them, for errors.
    """

    size: int
    first: Array
    second: Array
    weights: Array
    labels: Labels = None
    matrix: bool = False
    name: str = "J"

    def __attrs_post_init__(self) -> None:
        if not 1 <= self.size <= LARGEST_EDGES:
            raise AnnealError(f"{self.name} has {self.size} variables; a problem has 1 .. {LARGEST_EDGES}")
        times = 2 if self.matrix else 1
        if self.weights.size > times * LARGEST_EDGES + self.size:
            raise AnnealError(f"{self.name} has {self.weights.size} entries; a problem has at most 2**31 - 1 edges")
        check_total(magnitude(self.weights), f"the weights of {self.name}", times)

    def place(self, k: int) -> str:
        """What term k is called."""
        return _place(self.name, self.labels, int(self.first[k]), int(self.second[k]))


def numbered(names: Iterable[Hashable]) -> tuple[dict[Hashable, int], Labels]:
    """Number of each name, and the names in that order: ``None`` where they are 0 .. n - 1 themselves."""
    distinct = list(dict.fromkeys(names))
    plain = all(isinstance(name, int | np.integer) and not isinstance(name, bool) for name in distinct)
    if plain and set(distinct) == set(range(len(distinct))):
        return {k: k for k in range(len(distinct))}, None
    return {name: k for k, name in enumerate(distinct)}, tuple(distinct)


def read_terms(given: Any, name: str, names: Iterable[Hashable] | None = None) -> Terms:
    """Terms of a mapping, a graph of networkx, a sparse or dense matrix, CSR arrays or arrays of coordinates.

    Parameters
    ----------
    given
        A mapping ``{(i, j): w}``; a graph; a matrix of scipy.sparse; ``(start, neighbours, weights)``, CSR arrays of a
        matrix; ``(n, first, second, weights)``; or a dense matrix.
    name
        What to call it in errors.
    names
        The variables of a mapping that come first.
    """
    from scipy import sparse

    if isinstance(given, Mapping):
        return _of_mapping(given, name, () if names is None else names)
    if hasattr(given, "is_directed") and hasattr(given, "nodes"):
        return _of_graph(given, name)
    if sparse.issparse(given):
        return _of_sparse(given, name)
    if isinstance(given, tuple) and len(given) == 3:
        return _of_rows(*given, name)
    if isinstance(given, tuple) and len(given) == 4:
        return _of_coordinates(*given, name)
    return _of_dense(given, name)


def _of_mapping(given: Mapping[Any, Any], name: str, names: Iterable[Hashable]) -> Terms:
    for key in given:
        if not isinstance(key, tuple) or len(key) != 2:
            raise AnnealError(f"{name} has the key {key!r}; its keys must be pairs (i, j) of variables")
    return _of_pairs(list(given), list(given.values()), name, [*names, *(end for pair in given for end in pair)])


def _of_graph(given: Any, name: str) -> Terms:
    if given.is_directed():
        raise AnnealError(f"{name} is a directed graph; edges have no direction here: give {name}.to_undirected()")
    edges = list(given.edges(data="weight", default=1))
    return _of_pairs([edge[:2] for edge in edges], [edge[2] for edge in edges], name, given.nodes)


def _of_pairs(pairs: Sequence[Any], weights: Sequence[Any], name: str, names: Iterable[Hashable]) -> Terms:
    index, labels = numbered(names)
    ends = np.fromiter((index[end] for pair in pairs for end in pair), np.int64, 2 * len(pairs)).reshape(-1, 2)
    numbers = read_weights(weights, lambda k: f"{name}[{pairs[k][0]!r}, {pairs[k][1]!r}]")
    return Terms(len(index), ends[:, 0], ends[:, 1], numbers, labels, name=name)


def _of_sparse(given: Any, name: str) -> Terms:
    size = _order(given.shape, name)
    entries = given.tocoo()
    return _indexed(size, entries.row, entries.col, entries.data, matrix=True, name=name)


def _of_dense(given: Any, name: str) -> Terms:
    if np.ma.is_masked(given):
        i, j = np.argwhere(np.ma.getmaskarray(given))[0][-2:]
        raise AnnealError(f"{name}[{i}, {j}] is masked; fill it with a number, or with 0")
    try:
        matrix = as_array(given)
    except (ValueError, TypeError) as error:
        raise AnnealError(f"{name} is no matrix: {error}") from error
    size = _order(matrix.shape, name)
    first, second = np.nonzero(matrix != 0 if matrix.dtype == object else matrix)  # None is false, and no zero
    return _indexed(size, first, second, matrix[first, second], matrix=True, name=name)


def _of_rows(start: Any, neighbours: Any, weights: Any, name: str) -> Terms:
    bounds = _integers(start, f"start of {name}")
    count = np.size(neighbours)
    if bounds.size < 2 or bounds[0] != 0 or bounds[-1] != count:
        raise AnnealError(f"start of {name} must have n + 1 numbers, from 0 to the {count} neighbours: one row or more")
    lengths = np.diff(bounds)
    if (lengths < 0).any():
        raise AnnealError(f"start of {name} falls at row {int(np.argmax(lengths < 0))}; it must never fall")
    rows = np.repeat(np.arange(bounds.size - 1), lengths)
    return _indexed(bounds.size - 1, rows, neighbours, weights, matrix=True, name=name)


def _of_coordinates(size: Any, first: Any, second: Any, weights: Any, name: str) -> Terms:
    if isinstance(size, bool) or not isinstance(size, int | np.integer):
        raise AnnealError(f"{name} starts with {size!r}; as a tuple of four it is (n, first, second, weights)")
    return _indexed(int(size), first, second, weights, matrix=False, name=name)


def _indexed(size: int, first: Any, second: Any, weights: Any, *, matrix: bool, name: str) -> Terms:
    """Terms of arrays, once their lengths and indices are known to be right."""
    if size < 1:
        raise AnnealError(f"{name} has {size} variables; a problem has at least 1")
    counts = {np.shape(array) for array in (first, second, weights)}
    if len(counts) != 1 or len(next(iter(counts))) != 1:
        raise AnnealError(
            f"{name} has arrays of shapes {sorted(counts)}; they must be one-dimensional and equally long"
        )
    if np.size(weights) > 2 * LARGEST_EDGES + size:  # before anything is made of that size
        raise AnnealError(f"{name} has {np.size(weights)} entries; a problem has at most 2**31 - 1 edges")
    ends = [_integers(array, name) for array in (first, second)]
    for end in ends:
        wrong = (end < 0) | (end >= size)
        if wrong.any():
            k = int(np.argmax(wrong))
            raise AnnealError(f"entry {k} of {name} is at ({first[k]}, {second[k]}); indices are 0 .. {size - 1}")
    numbers = read_weights(weights, lambda k: _place(name, None, int(ends[0][k]), int(ends[1][k])))
    return Terms(size, ends[0], ends[1], numbers, None, matrix, name)


def _integers(values: Any, what: str) -> Array:
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise AnnealError(f"{what} has indices of dtype {array.dtype}, shape {array.shape}; they are a row of integers")
    return array.astype(np.int64, copy=False)


def _order(shape: tuple[int, ...], name: str) -> int:
    if len(shape) != 2 or shape[0] != shape[1]:
        raise AnnealError(f"{name} has shape {tuple(shape)}; it must be a square matrix (n, n)")
    return int(shape[0])


def _place(name: str, labels: Labels, first: int, second: int) -> str:
    ends = (first, second) if labels is None else (labels[first], labels[second])
    return f"{name}[{ends[0]!r}, {ends[1]!r}]"
