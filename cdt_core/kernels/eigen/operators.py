"""Operators as tensor trains: sums of Pauli strings, and the covariance of a variable that is itself an array of many axes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from cdt_core.errors import TensorError
from cdt_core.kernels.eigen.cover import vertex_cover
from cdt_core.kernels.eigen.rows import loaded
from cdt_core.kernels.tensor_train import TensorTrain, TensorTrainOperator
from cdt_core.kernels.tensor_train.parts import is_scalar
from cdt_core.kernels.tensor_train.sources import tensor_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["covariance_operator", "pauli_sum"]

#: What the cores of an operator may take.
_LARGEST_BYTES = 2 << 30

_REAL = {
    "I": np.eye(2),
    "X": np.array([[0.0, 1.0], [1.0, 0.0]]),
    "Y": np.array([[0.0, -1.0], [1.0, 0.0]]),  # times i
    "Z": np.array([[1.0, 0.0], [0.0, -1.0]]),
}


@attrs.frozen
class _Term:
    """A coefficient times what a left part has become times the letters that are left."""

    coefficient: complex
    left: int
    letters: str


def pauli_sum(terms: Sequence[tuple[complex, str]]) -> TensorTrainOperator:
    """``sum of coefficient * (P_1 x P_2 x .. x P_d)`` as an operator: exact, of the smallest ranks its strings allow.

    Parameters
    ----------
    terms
        Pairs such as ``(0.5, "XIZ")``: a finite coefficient and one letter of I, X, Y, Z for each of the d sites, the same d in
        all. Equal strings are added up.

    Returns
    -------
    TensorTrainOperator
        On ``(2, .., 2)``; float64 where that is possible (real coefficients, an even number of Y in each string), else
        complex128. Hermitian where all coefficients are real.

    Raises
    ------
    TensorError
        No terms, letters that are none, strings of different lengths, NaN or Inf.

    Notes
    -----
    The parts of the strings left and right of a bond are the two sides of a bipartite graph with an edge for each term; the
    smallest set of parts that touches every edge is the bond's rank (Ren, Li, Jiang and Shuai, J. Chem. Phys. 153, 084118,
    2020). It is the smallest that serves whatever the coefficients are; where theirs make a sum a product, as in
    ``(X + Z) x (X + Z)``, :meth:`TensorTrainOperator.round` finds it. No number is rounded on the way. Cost: about
    ``d * terms^1.5`` steps at worst.

    Examples
    --------
    >>> from cdt_core.kernels.eigen import pauli_sum
    >>> n = 6
    >>> bonds = [(1.0, "I" * i + p + p + "I" * (n - 2 - i)) for i in range(n - 1) for p in "XYZ"]
    >>> pauli_sum(bonds).ranks
    (1, 4, 5, 5, 5, 4, 1)
    """
    merged = _merged(terms)
    odd = any(letters.count("Y") % 2 for letters in merged)
    real = not odd and all(value.imag == 0 for value in merged.values())
    matrices = _REAL if real else {letter: 1j * p if letter == "Y" else p + 0j for letter, p in _REAL.items()}
    if real:
        merged = {letters: value * (-1.0) ** (letters.count("Y") // 2) for letters, value in merged.items()}
    live = [_Term(value, 0, letters) for letters, value in merged.items()]
    cores, rank, d = [], 1, len(live[0].letters)
    for site in range(d):
        entries, live, width = _split(live, last=site == d - 1)
        core = np.zeros((rank, 2, 2, width), float if real else complex)
        for (left, letter, right), value in entries.items():
            core[left, :, :, right] += (value.real if real else value) * matrices[letter]
        cores.append(core)
        rank = width
    return TensorTrainOperator(cores)


def _merged(terms: Sequence[tuple[complex, str]]) -> dict[str, complex]:
    """Coefficients of different strings; of those that cancel one is left where there is no other."""
    merged: dict[str, complex] = defaultdict(complex)
    for value, letters in _pairs(terms):
        if not isinstance(letters, str) or not letters or set(letters) - set("IXYZ"):
            raise TensorError(f"{letters!r} is no Pauli string: give one letter of I, X, Y, Z for each site")
        if not is_scalar(value):
            raise TensorError(f"the coefficient of {letters!r} is {value!r}: give a finite number")
        merged[letters] += complex(value)
        if not np.isfinite(merged[letters]):
            raise TensorError(f"the coefficient of {letters!r} is {merged[letters]}: give a finite number")
    if not merged:
        raise TensorError("a sum of no Pauli strings: give at least one term")
    lengths = sorted({len(letters) for letters in merged})
    if len(lengths) > 1:
        raise TensorError(f"Pauli strings of lengths {lengths}: all must have one letter for each of the same sites")
    left = {letters: value for letters, value in merged.items() if value != 0}
    return left or {next(iter(merged)): 0j}


def _pairs(terms: Any) -> list[tuple[Any, Any]]:
    try:
        return [(value, letters) for value, letters in terms]
    except (TypeError, ValueError) as error:
        raise TensorError('a Pauli sum is made of pairs of a coefficient and a string, such as (0.5, "XIZ")') from error


def _split(live: list[_Term], last: bool) -> tuple[dict[tuple[int, str, int], complex], list[_Term], int]:
    """One site: the entries (left, letter, right) of its core, the terms that go on, and the rank to its right."""
    rows = {key: i for i, key in enumerate(dict.fromkeys((term.left, term.letters[0]) for term in live))}
    columns = {key: i for i, key in enumerate(dict.fromkeys(term.letters[1:] for term in live))}
    edges = [(rows[term.left, term.letters[0]], columns[term.letters[1:]]) for term in live]
    kept_rows, kept_columns = (set(), {0}) if last else vertex_cover(edges, len(rows), len(columns))
    number = {("row", i): at for at, i in enumerate(sorted(kept_rows))}
    number |= {("column", i): at + len(kept_rows) for at, i in enumerate(sorted(kept_columns))}
    entries: dict[tuple[int, str, int], complex] = defaultdict(complex)
    following: dict[tuple[int, str], complex] = {}
    for term, (row, column) in zip(live, edges, strict=True):
        rest = term.letters[1:]
        if row in kept_rows:
            right = number["row", row]
            entries[term.left, term.letters[0], right] = 1.0
            following[right, rest] = term.coefficient
        else:
            right = number["column", column]
            entries[term.left, term.letters[0], right] += term.coefficient
            following[right, rest] = 1.0
    return entries, [_Term(value, right, rest) for (right, rest), value in following.items()], len(number)


def covariance_operator(
    samples: TensorTrain | ArrayLike, *, centre: bool = True, rtol: float = 1e-10, max_rank: int | None = None
) -> TensorTrainOperator:
    """The covariance of a variable that has several axes, as an operator on arrays of the variable's shape.

    ``C = (x - mean)^H (x - mean) / (m - 1)`` for samples x along the first axis: its eigenvectors are the principal components,
    and :func:`~cdt_core.kernels.eigen.variational` with ``which="highest"`` gives them as tensor trains.

    Parameters
    ----------
    samples
        (m, n_1, .., n_d): a :class:`TensorTrain`, which may stand for an array that no memory holds, or an array, which is
        loaded and copied in double precision.
    centre
        Subtract the mean sample: exactly, in the first core. Without it, divided by m, the second moment.
    rtol
        Relative Frobenius tolerance to which the (centred) samples are rounded first. The operator's relative error in the
        nuclear norm is at most ``2 rtol + rtol^2``, and so is that of each eigenvalue relative to the sum of all.
    max_rank
        Of the samples' train.

    Raises
    ------
    TensorError
        Fewer than two axes, one sample to be centred, NaN, Inf or masked values, or cores of more than 2 GiB.

    Notes
    -----
    Ranks are the squares of the samples' ranks: cores of ``n^2 r^4`` numbers. Round the samples where that is too much.

    Examples
    --------
    >>> import numpy as np
    >>> from cdt_core.kernels.eigen import covariance_operator
    >>> from cdt_core.kernels.tensor_train import TensorTrain
    >>> samples = TensorTrain([np.array([[[1.0], [2.0], [6.0]]]), np.array([[[1.0], [2.0]]]), np.ones((1, 2, 1))])
    >>> covariance_operator(samples).full()[0]
    array([ 7.,  7., 14., 14.])
    """
    x = samples if isinstance(samples, TensorTrain) else tensor_of(samples).source
    if len(x.shape) < 2:
        raise TensorError("samples have one axis for the samples and at least one for the variable")
    m = x.shape[0]
    if centre and m < 2:
        raise TensorError("one sample has no covariance: give at least two, or centre=False")
    train = (
        _rounded(x, rtol, max_rank, centre) if isinstance(x, TensorTrain) else _decomposed(x, rtol, max_rank, centre)
    )
    first, *others = train.cores
    if centre:  # what rounding made of a mean of zero
        first = _less_mean(first)
    needed = sum((core.size * core.shape[1] * core.shape[0] * core.shape[2]) for core in others) * train.dtype.itemsize
    if needed > _LARGEST_BYTES:
        ranks = train.ranks
        raise TensorError(
            f"the covariance of samples of ranks {ranks} takes {needed / 2**30:.3g} GiB: raise rtol or set max_rank"
        )
    moments = np.tensordot(first[0].conj(), first[0], (0, 0)) / (m - 1 if centre else m)
    cores = [_doubled(core) for core in others]
    cores[0] = np.tensordot(moments.reshape(1, -1), cores[0], 1)
    return TensorTrainOperator(cores)


def _less_mean(first: NDArray[Any]) -> NDArray[Any]:
    """The first core of samples less the mean sample."""
    return np.asarray(first - first.mean(axis=1, keepdims=True))


def _rounded(train: TensorTrain, rtol: float, max_rank: int | None, centre: bool) -> TensorTrain:
    """Centred first, as the tolerance is one of what is left, in double precision."""
    first, *others = (core.astype(np.result_type(core.dtype, np.float64)) for core in train.cores)
    return TensorTrain([_less_mean(first) if centre else first, *others]).round(rtol, max_rank)


def _decomposed(x: Any, rtol: float, max_rank: int | None, centre: bool) -> TensorTrain:
    """The same of an array."""
    from cdt_core.kernels.tensor_train.svd import tt_svd

    array = loaded(x)
    wide = np.result_type(array.dtype, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # tt_svd refuses what comes of it
        array = array - array.mean(axis=0, dtype=wide) if centre else array.astype(wide, copy=False)
    return tt_svd(array, rtol, max_rank)


def _doubled(core: NDArray[Any]) -> NDArray[Any]:
    """(a, i, b) to (a' a, i', i, b' b): the conjugate for the row, the core itself for the column."""
    a, n, b = core.shape
    pairs = np.multiply.outer(core.conj(), core).transpose(0, 3, 1, 4, 2, 5)
    return np.ascontiguousarray(pairs).reshape(a * a, n, n, b * b)
