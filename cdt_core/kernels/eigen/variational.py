"""Eigenpairs of operators too large for any vector, by the variational principle on tensor trains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal

import attrs
import numpy as np

from cdt_core.errors import TensorError
from cdt_core.kernels.blas import on_one_blas_thread
from cdt_core.kernels.eigen.hermitian import hermitian_cores
from cdt_core.kernels.eigen.sweeps import Sweeper, largest_part
from cdt_core.kernels.tensor_train import TensorTrain, TensorTrainOperator

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["EigenTrains", "variational"]

#: Of an expectation or a residual, for each axis, relative to the largest part of the sum or number seen of the spectrum.
_ROUNDING = 8 * float(np.finfo(np.float64).eps)


@attrs.frozen(eq=False, repr=False)
class EigenTrains:
    """Eigenvalues of an operator with their vectors as tensor trains.

    Attributes
    ----------
    values
        (k,) float64, from the asked end of the spectrum on. Each is the expectation in its train, so the first is an upper
        bound of the lowest eigenvalue (a lower bound of the highest), whatever happened.
    states
        k trains of norm 1, orthogonal to each other as far as ``max_rank`` lets them be: to rounding where it cuts nothing.
    residuals
        (k,) ``||A x - value x||``, measured, rounding included: some eigenvalue is this near to each value.
    error_bounds
        (k,) the residual, or its square over the distance to the nearest other value *found*, where that is smaller, and
        rounding. That no eigenvalue was missed is not proven: sweeps can end in a local minimum, and where ``max_rank`` cuts,
        the values found may be far from those that leave the gap.
    sweeps
        (k,) how many there and back each state took.
    converged
        (k,) whether the last sweep changed the value by less than the tolerance; else ``max_sweeps`` was too small. That
        ``max_rank`` was too small the residual shows.
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
        An operator that is not square or not Hermitian or holds NaN, k or ranks or tolerances that cannot be, eigenvalues
        that float64 cannot hold.

    Notes
    -----
    Cost of a sweep: about ``2 d * steps * 2 n^2 w r^2 (2 r + n w)`` operations for ranks r of the state and w of the operator,
    ``n^3 r^3`` for the cuts, 2 to 24 Lanczos steps for each pair; before, ``8 d n^2 w^3`` to see whether it is Hermitian.
    Memory: ``2 d w r^2`` numbers.

    Examples
    --------
    >>> from cdt_core.kernels.eigen import pauli_sum, variational
    >>> n = 40
    >>> chain = pauli_sum([(0.25, "I" * i + p + p + "I" * (n - 2 - i)) for i in range(n - 1) for p in "XYZ"])
    >>> found = variational(chain, max_rank=20, tol=1e-6)  # of 2^40 numbers
    >>> round(float(found.values[0]) / n, 3)
    -0.439
    """
    _check(k, max_rank, max_sweeps, tol, which, seed)
    cores, exponent = hermitian_cores(operator)
    if k > operator.shape[0]:
        raise TensorError(f"{k} eigenpairs were asked of a space of {operator.shape[0]} dimensions: ask for 1 to that")
    sign = -1.0 if which == "highest" else 1.0
    cores[0] = cores[0] * sign
    if len(cores) == 1:
        found = _alone(cores[0][0, :, :, 0], k)
    else:
        found = _searched(cores, k, (max_rank, tol, max_sweeps, seed), progress)
    if progress is not None:
        progress(1.0)
    return _in_unit(found, sign, exponent)


def _searched(
    cores: list[NDArray[Any]],
    k: int,
    options: tuple[int, float, int, int],
    progress: Callable[[float], None] | None,
) -> EigenTrains:
    """One state after the other, each orthogonal to those before."""
    max_rank, tol, max_sweeps, seed = options
    found: list[tuple[list[NDArray[Any]], int, bool]] = []
    scale = 0.0
    for j in range(k):
        sweeper = Sweeper(cores, [state for state, _, _ in found], max_rank, seed + j)
        sweeps, done = _converge(sweeper, tol, max_sweeps, _part(progress, j, k))
        found.append((sweeper.cores, sweeps, done))
        scale = max(scale, sweeper.scale)
    return _measured(TensorTrainOperator(cores), found, scale)


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
    operator: TensorTrainOperator, found: Sequence[tuple[list[NDArray[Any]], int, bool]], scale: float
) -> EigenTrains:
    """Expectations and residuals of the states, in order."""
    states = [TensorTrain(cores) for cores, _, _ in found]
    values = np.array([float(np.real(operator.expectation(state))) for state in states])
    order = np.argsort(values, kind="stable")
    residuals = np.array(
        [float((operator @ state - state * value).norm()) for state, value in zip(states, values, strict=True)]
    )
    values, residuals = values[order], residuals[order]
    parts = np.array([largest_part(operator.cores, states[i].cores) for i in order])
    rounding = _ROUNDING * operator.ndim * np.maximum(parts, scale)
    return EigenTrains(
        values,
        tuple(states[i] for i in order),
        residuals + rounding,
        _bounds(values, residuals, rounding),
        np.array([found[i][1] for i in order]),
        np.array([found[i][2] for i in order]),
    )


def _bounds(
    values: NDArray[np.float64], residuals: NDArray[np.float64], rounding: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Temple's and Kato's bound where the other values leave a gap around one, its residual elsewhere."""
    bounds = residuals.copy()
    for i, value in enumerate(values):
        others = np.delete(values, i)
        if len(others):
            gap = float((np.abs(others - value) - np.delete(residuals, i)).min())
            if gap > residuals[i]:
                bounds[i] = residuals[i] ** 2 / gap
    return bounds + rounding


def _alone(matrix: NDArray[Any], k: int) -> EigenTrains:
    """An operator of one axis is a matrix."""
    values, vectors = np.linalg.eigh(matrix)
    states = tuple(TensorTrain([vectors[:, i].reshape(1, -1, 1)]) for i in range(k))
    residuals = np.linalg.norm(matrix @ vectors[:, :k] - vectors[:, :k] * values[:k], axis=0)
    rounding = np.full(k, _ROUNDING * len(matrix) * float(np.abs(values).max()))
    counts = np.zeros(k, np.int64)
    bounds = _bounds(values[:k], residuals, rounding)
    return EigenTrains(values[:k], states, residuals + rounding, bounds, counts, counts == 0)


def _in_unit(found: EigenTrains, sign: float, exponent: int) -> EigenTrains:
    """With the power of 2 that was taken out of the operator."""
    with np.errstate(over="ignore", under="ignore"):
        values, residuals, bounds = (
            np.ldexp(numbers, exponent) for numbers in (sign * found.values, found.residuals, found.error_bounds)
        )
    if not np.isfinite(values).all():
        raise TensorError("the operator's eigenvalues are too large for float64: divide it by a large number first")
    return attrs.evolve(found, values=values, residuals=residuals, error_bounds=bounds)


def _check(k: Any, max_rank: Any, max_sweeps: Any, tol: Any, which: Any, seed: Any) -> None:
    for name, count in (("k", k), ("max_rank", max_rank), ("max_sweeps", max_sweeps)):
        if not isinstance(count, Integral) or count < 1:
            raise TensorError(f"{name} {count!r} must be a whole number, at least 1")
    if not isinstance(tol, Real) or not float(tol) > 0:
        raise TensorError(f"tol {tol!r} must be a number above 0")
    if which not in ("lowest", "highest"):
        raise TensorError(f'which is {which!r}: ask for the "lowest" or the "highest" eigenvalues')
    if not isinstance(seed, Integral) or seed < 0:
        raise TensorError(f"seed {seed!r}: seeds are whole numbers from 0 on")
