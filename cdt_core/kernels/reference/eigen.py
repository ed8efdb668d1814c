"""Eigenpairs by dense matrices: what the iterations of :mod:`cdt_core.kernels.eigen` are held to."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["covariance", "leading", "lowest", "normal_product", "pauli_matrix"]

_PAULI = {"I": np.eye(2), "X": np.array([[0, 1], [1, 0]]), "Y": np.array([[0, -1j], [1j, 0]]), "Z": np.diag([1, -1])}


def normal_product(x: NDArray[Any], v: NDArray[Any], mean: NDArray[Any] | None = None) -> NDArray[Any]:
    """``(x - mean)^H ((x - mean) v)`` with a copy of ``x``."""
    wide = x.astype(np.result_type(x.dtype, np.float64))
    centred = wide if mean is None else wide - mean
    return np.asarray(centred.conj().T @ (centred @ v))


def leading(x: ArrayLike, k: int, centre: bool = True) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """The k largest eigenvalues of ``x^H x`` and their vectors, from the singular values of a (centred) copy of ``x``."""
    wide = np.asarray(x)
    wide = wide.astype(np.result_type(wide.dtype, np.float64))
    if centre:
        wide = wide - wide.mean(axis=0)
    singular, right = np.linalg.svd(wide, full_matrices=wide.shape[0] < wide.shape[1])[1:]
    values = np.zeros(wide.shape[1])
    values[: len(singular)] = singular**2
    return values[:k], right[:k].conj().T


def lowest(matrix: ArrayLike, k: int) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """The k lowest eigenvalues of a Hermitian matrix and their vectors."""
    values, vectors = np.linalg.eigh(np.asarray(matrix))
    return values[:k], vectors[:, :k]


def pauli_matrix(terms: Sequence[tuple[complex, str]]) -> NDArray[np.complex128]:
    """The (2^d, 2^d) matrix of a sum of Pauli strings."""
    products = (value * reduce(np.kron, [_PAULI[letter] for letter in letters]) for value, letters in terms)
    return np.asarray(sum(products), np.complex128)


def covariance(samples: ArrayLike, centre: bool = True) -> NDArray[Any]:
    """The covariance matrix of (m, n_1, .., n_d) samples with all axes but the first as one."""
    flat = np.asarray(samples).reshape(len(np.asarray(samples)), -1)
    if not centre:
        return np.asarray(flat.conj().T @ flat / len(flat))
    centred = flat - flat.mean(axis=0)
    return np.asarray(centred.conj().T @ centred / (len(flat) - 1))
