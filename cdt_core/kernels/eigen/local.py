"""The eigenvalue problem of two neighbouring cores, everything else of the train held fixed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Local", "lowest"]

#: Problems of at most so many unknowns are solved as dense matrices.
_DENSE = 160

#: Lanczos vectors before the best of them starts anew.
_LONGEST = 24


@attrs.frozen(eq=False)
class Local:
    """The operator seen by two cores (a, s, t, b) between two environments, less the directions that are to be avoided.

    ``left`` and ``right`` are (bra, operator, ket); ``cores`` are the operator's two (w, out, in, w'); ``avoided`` are
    orthonormal columns.
    """

    left: NDArray[Any]
    cores: tuple[NDArray[Any], NDArray[Any]]
    right: NDArray[Any]
    avoided: NDArray[Any]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(a, s, t, b)."""
        first, second = self.cores
        return self.left.shape[2], first.shape[2], second.shape[2], self.right.shape[2]

    def allowed(self, x: NDArray[Any]) -> NDArray[Any]:
        """What of x (flat, or columns) is in no avoided direction."""
        return np.asarray(x - self.avoided @ (self.avoided.conj().T @ x))

    def apply(self, x: NDArray[Any]) -> NDArray[Any]:
        """The operator times a flat x: ``2 a b n w (a n + n^2 w + b n)`` operations for cores of n."""
        first, second = self.cores
        y = np.tensordot(self.left, x.reshape(self.shape), (2, 0))  # a' w s t b
        y = np.tensordot(y, first, ([1, 2], [0, 2]))  # a' t b s' x
        y = np.tensordot(y, second, ([4, 1], [0, 2]))  # a' b s' t' y
        y = np.tensordot(y, self.right, ([4, 1], [1, 2]))  # a' s' t' b'
        return self.allowed(y.ravel())

    def matrix(self) -> NDArray[Any]:
        """All of it, without the avoided directions."""
        first, second = self.cores
        left = np.tensordot(self.left, first, (1, 0))  # a' a s' s x
        right = np.tensordot(second, self.right, (3, 1))  # x t' t b' b
        both = np.tensordot(left, right, 1)  # a' a s' s t' t b' b
        size = int(np.prod(self.shape))
        dense = both.transpose(0, 2, 4, 6, 1, 3, 5, 7).reshape(size, size)
        dense = self.allowed(self.allowed(dense).conj().T)
        return np.asarray((dense + dense.conj().T) / 2)


def lowest(local: Local, start: NDArray[Any], tol: float) -> tuple[float, NDArray[Any], float]:
    """The lowest eigenvalue, its unit vector, and the largest number seen of the spectrum.

    ``tol`` is the residual relative to that largest number.
    Where the avoided directions leave nothing of the problem, or of ``start`` in a problem solved by iteration, ``start`` is
    what comes back.
    """
    if start.size - local.avoided.shape[1] <= 0:
        return float(np.vdot(start, local.apply(start)).real), start, 0.0
    if start.size <= _DENSE:
        return _dense(local)
    value, scale = 0.0, 0.0
    for _ in range(3):
        value, start, scale, done = _lanczos(local, start, tol)
        if done:
            break
    return value, start, scale


def _dense(local: Local) -> tuple[float, NDArray[Any], float]:
    """Avoided directions are moved to the top of the spectrum, where nobody looks for them."""
    matrix = local.matrix()
    scale = float(np.linalg.norm(matrix, 2))
    shifted = matrix + (2 * scale or 1.0) * (local.avoided @ local.avoided.conj().T)
    values, vectors = np.linalg.eigh(shifted)
    return float(values[0]), vectors[:, 0], scale


def _lanczos(local: Local, start: NDArray[Any], tol: float) -> tuple[float, NDArray[Any], float, bool]:
    """Lanczos with full reorthogonalisation until the residual is small; value, vector, scale, whether it is."""
    length = min(_LONGEST, start.size - local.avoided.shape[1])
    basis = np.zeros((start.size, length), start.dtype, order="F")
    diagonal, beside = np.zeros(length), np.zeros(length)
    basis[:, 0] = _unit(local.allowed(start), local)
    for j in range(length):
        image = local.apply(basis[:, j])
        diagonal[j] = np.vdot(basis[:, j], image).real
        known = basis[:, : j + 1]
        for _ in range(2):
            image = image - known @ (known.conj().T @ image)
        beside[j] = np.linalg.norm(image)
        values, vectors = np.linalg.eigh(np.diag(diagonal[: j + 1]) + np.diag(beside[:j], 1) + np.diag(beside[:j], -1))
        scale = float(np.abs(values).max())
        done = bool(beside[j] * abs(vectors[-1, 0]) <= max(tol, 1e-15) * scale)
        if done or j + 1 == length:
            break
        basis[:, j + 1] = image / beside[j]
    return float(values[0]), _unit(basis[:, : j + 1] @ vectors[:, 0], local), scale, done


def _unit(x: NDArray[Any], local: Local) -> NDArray[Any]:
    """X with norm 1; where x is zero, some direction that is allowed."""
    norm = float(np.linalg.norm(x))
    if norm > 1e-12:
        return x / norm
    candidates = local.allowed(np.random.default_rng(0).standard_normal(x.shape).astype(x.dtype))
    return np.asarray(candidates / np.linalg.norm(candidates))
