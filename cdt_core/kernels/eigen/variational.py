"""Eigenpairs of operators too large for any vector, by the variational principle on tensor trains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import attrs
import numpy as np

from cdt_core.errors import TensorError
from cdt_core.kernels.blas import on_one_blas_thread
from cdt_core.kernels.eigen.sweeps import Sweeper
from cdt_core.kernels.tensor_train import TensorTrain, TensorTrainOperator

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["EigenTrains", "variational"]


@attrs.frozen(eq=False, repr=False)
class EigenTrains:
    """Eigenvalues of an operator with their vectors as tensor trains.

    Attributes
    ----------
    values
        (k,) float64, from the asked end of the spectrum on. Each is the expectation in its train, so the first is an upper
        bound of the lowest eigenvalue (a lower bound of the highest), whatever happened.
    states
        k trains of norm 1, orthogonal to each other within ``residuals``.
    residuals
        (k,) ``||A x - value x||``, measured: some eigenvalue is this near to each value.
    error_bounds
        (k,) the residual, or its square over the distance to the nearest other value *found*, where that is smaller. That no
        eigenvalue was missed is not proven: sweeps can end in a local minimum.
    sweeps
        (k,) how many there and back each state took.
    converged
        (k,) whether the last sweep changed the value by less than the tolerance; else ``max_sweeps`` or ``max_rank`` was too
        small.
    """

    values: NDArray[np.float64]
    states: tuple[TensorTrain, ...]
    residuals: NDArray[np.float64]
    error_bounds: NDArray[np.float64]
    sweeps: NDArray[np.int64]
    converged: NDArray[np.bool_]

    def __repr__(self) -> str:
        rank = max(max(state.ranks) for state in self.states)
        worst = f"{self.residuals.max():.1e}"
        return f"<EigenTrains values={np.array2string(self.values, precision=8)} max_rank={rank} residual<={worst}>"


@on_one_blas_thread
def variational(  # noqa: PLR0913 -- all but two by name only
    operator: TensorTrainOperator,
    k: int = 1,
    *,
    max_rank: int = 64,
    tol: float = 1e-10,
    which: Literal["lowest", "highest"] = "lowest",
    max_sweeps: int = 40,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> EigenTrains:
    """The k lowest (or highest) eigenpairs of a Hermitian tensor-train operator, as tensor trains.

    A classical method that runs on an ordinary computer: no quantum hardware, simulated or real, is part of it. The train is
    optimised two neighbouring cores at a time, sweeping there and back (density-matrix renormalisation group, White, Phys.
    Rev. Lett. 69, 2863, 1992; in this language Schollwoeck, Annals of Physics 326, 96, 2011, section 6). The problem of the
    pair is solved by Lanczos iteration, and the ranks adapt. Each further state is kept orthogonal to those before it by
    projecting them out of every problem of a pair.

    Parameters
    ----------
    operator
        Hermitian, such as :func:`pauli_sum` or :func:`covariance_operator` make.
    k
        Number of pairs, 1 to the size of the space.
    max_rank
        No rank of a state is larger. Ground states of chains with a gap need few ranks whatever their length; where this cuts,
        the residual shows it.
    tol
        Accuracy of the values, relative to the largest of the spectrum that was seen. Problems of pairs are solved to a
        residual of ``0.1 sqrt(tol)`` and the bonds are cut by as much together, since values are right to the square of that.
    which
        ``"highest"`` for principal components.
    max_sweeps
        For each state.
    seed
        Of the random start. The same seed gives the same result.
    progress
        Called with the share done, 0 to 1.

    Raises
    ------
    TensorError
        An operator that is not square or not Hermitian or holds NaN, k or ranks or tolerances that cannot be.

    Notes
    -----
    Cost of a sweep: about ``2 d * steps * 2 n^2 w r^2 (2 r + n w)`` operations for ranks r of the state and w of the operator,
    ``n^3 r^3`` for the cuts, 2 to 24 Lanczos steps for each pair. Memory: ``2 d w r^2`` numbers.

    Examples
    --------
    >>> from cdt_core.kernels.eigen import pauli_sum, variational
    >>> n = 40
    >>> chain = pauli_sum([(0.25, "I" * i + p + p + "I" * (n - 2 - i)) for i in range(n - 1) for p in "XYZ"])
    >>> found = variational(chain, max_rank=20, tol=1e-6)  # of 2^40 numbers
    >>> round(float(found.values[0]) / n, 3)
    -0.439
    """
    _check(operator, k, max_rank, tol, max_sweeps)
    sign = -1.0 if which == "highest" else 1.0
    cores = [core.astype(np.result_type(core.dtype, np.float64)) for core in operator.cores]
    cores[0] = cores[0] * sign
    if len(cores) == 1:
        return _alone(cores[0][0, :, :, 0], k, sign)
    found: list[tuple[list[NDArray[Any]], int, bool]] = []
    for j in range(k):
        sweeper = Sweeper(cores, [state for state, _, _ in found], max_rank, seed + j)
        sweeps, done = _converge(sweeper, tol, max_sweeps, _part(progress, j, k))
        found.append((sweeper.cores, sweeps, done))
    return _measured(operator, found, sign)


def _part(progress: Callable[[float], None] | None, j: int, k: int) -> Callable[[float], None]:
    """What to call with the share done of state j of k."""

    def tell(share: float) -> None:
        if progress is not None:
            progress((j + share) / k)

    return tell


def _converge(sweeper: Sweeper, tol: float, max_sweeps: int, progress: Callable[[float], None]) -> tuple[int, bool]:
    """Sweep until the value stays: how often, and whether it did. Early sweeps, still far away, solve loosely."""
    last, target = np.inf, 0.1 * float(np.sqrt(tol))
    for count in range(1, max_sweeps + 1):
        value = sweeper.sweep(max(target, 10.0 ** (-count - 1)))
        progress(count / max_sweeps)
        exact = 10.0 ** (-count - 1) <= target
        if exact and abs(value - last) <= tol * sweeper.scale:
            progress(1.0)
            return count, True
        last = value
    return max_sweeps, False


def _measured(
    operator: TensorTrainOperator, found: Sequence[tuple[list[NDArray[Any]], int, bool]], sign: float
) -> EigenTrains:
    """Expectations and residuals of the states, in order."""
    states = [TensorTrain(cores) for cores, _, _ in found]
    values = np.array([float(np.real(operator.expectation(state))) for state in states])
    order = np.argsort(sign * values, kind="stable")
    residuals = np.array(
        [float((operator @ state - state * value).norm()) for state, value in zip(states, values, strict=True)]
    )
    values, residuals = values[order], residuals[order]
    return EigenTrains(
        values,
        tuple(states[i] for i in order),
        residuals,
        _bounds(values, residuals),
        np.array([found[i][1] for i in order]),
        np.array([found[i][2] for i in order]),
    )


def _bounds(values: NDArray[np.float64], residuals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Temple's and Kato's bound where the other values leave a gap around one, its residual elsewhere."""
    bounds = residuals.copy()
    for i, value in enumerate(values):
        others = np.delete(values, i)
        if len(others):
            gap = float((np.abs(others - value) - np.delete(residuals, i)).min())
            if gap > residuals[i]:
                bounds[i] = residuals[i] ** 2 / gap
    return bounds


def _alone(matrix: NDArray[Any], k: int, sign: float) -> EigenTrains:
    """An operator of one axis is a matrix."""
    values, vectors = np.linalg.eigh(matrix)
    states = tuple(TensorTrain([vectors[:, i].reshape(1, -1, 1)]) for i in range(k))
    residuals = np.linalg.norm(matrix @ vectors[:, :k] - vectors[:, :k] * values[:k], axis=0)
    counts = np.zeros(k, np.int64)
    return EigenTrains(sign * values[:k], states, residuals, _bounds(values[:k], residuals), counts, counts == 0)


def _check(operator: TensorTrainOperator, k: int, max_rank: int, tol: float, max_sweeps: int) -> None:
    if operator.shape_out != operator.shape_in:
        raise TensorError(f"{operator!r} is not square: eigenpairs are those of operators from a space to itself")
    if not all(np.isfinite(core).all() for core in operator.cores):
        raise TensorError("the operator's cores hold NaN or infinity; nothing can be found before that is gone")
    if not 1 <= k <= operator.shape[0]:
        raise TensorError(f"{k} eigenpairs were asked of a space of {operator.shape[0]} dimensions: ask for 1 to that")
    if max_rank < 1 or max_sweeps < 1 or not tol > 0:
        raise TensorError(f"max_rank {max_rank} and max_sweeps {max_sweeps} must be at least 1, and tol {tol} above 0")
    random = np.random.default_rng(0)
    probes = [_probe(operator.shape_in, random) for _ in range(3)]
    found = np.array([complex(operator.expectation(probe)) for probe in probes])
    if np.abs(found.imag).max() > 1e-8 * np.abs(found).max():
        raise TensorError("the operator is not Hermitian (its expectations are not real): take (a + a.adjoint()) * 0.5")


def _probe(shape: tuple[int, ...], random: np.random.Generator) -> TensorTrain:
    """A random product of complex vectors of norm 1."""
    cores = [random.standard_normal((1, n, 1)) + 1j * random.standard_normal((1, n, 1)) for n in shape]
    return TensorTrain([core / np.linalg.norm(core) for core in cores])
