"""Tensor cross interpolation: a tensor train of a function that can be asked for values, from few of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.errors import TensorError
from cdt_core.kernels.blas import on_one_blas_thread
from cdt_core.kernels.tensor_train.interpolation import CrossResult, Interpolation, first_points
from cdt_core.kernels.tensor_train.sampling import Samples
from cdt_core.kernels.tensor_train.train import TensorTrain

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CrossResult", "tt_cross"]

#: Below this a relative tolerance asks for digits that double precision loses on the way.
_SMALLEST_RTOL = 1e-14


@on_one_blas_thread
def tt_cross(  # noqa: PLR0913 -- all but three by name only
    f: Callable[[NDArray[np.int64]], Any],
    shape: Sequence[int],
    rtol: float,
    *,
    max_rank: int | None = None,
    seed: int = 0,
    start: NDArray[Any] | Sequence[Sequence[int]] | None = None,
    max_evaluations: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> CrossResult:
    """A tensor train of a function of indices, from values at few of them: what cannot be loaded can still be sampled.

    Sweeps over pairs of neighbouring axes; at each bond a partially rank-revealing LU keeps the rows and columns that
    stand for all others. Once the pivots stay, random points and walks uphill look for places where the train is wrong;
    what they find becomes a pivot, and the sweeps go on.

    Parameters
    ----------
    f
        Takes an (m, d) int64 array of indices, gives m finite real or complex numbers.
    shape
        Lengths of the d >= 1 axes.
    rtol
        Tolerated error of any entry, relative to the largest absolute value (maximum norm, not Frobenius); it steers the
        sampling and is not certified.
    max_rank
        Largest rank; without it and ``max_evaluations`` a function that has no low ranks is sampled until it fits.
    seed
        Of the random points; one seed gives one result.
    start
        (p, d) indices that are worth a look first, such as known peaks.
    max_evaluations
        Most values that ``f`` is asked for; the best train so far is returned when they are spent.
    progress
        Called with the share of the digits (or evaluations) that are done, 0..1.

    Raises
    ------
    TensorError
        Empty shape or axes, a rank below 1, ``rtol`` below 1e-14, fewer evaluations than one line along each axis, a start
        outside of the tensor, or a value of ``f`` that is no finite number (its index is named).

    Notes
    -----
    Y. Nunez Fernandez, M. K. Ritter, M. Jeannin, J.-W. Li, T. Kloss, T. Louvet, S. Terasaki, O. Parcollet, J. von Delft,
    H. Shinaoka, X. Waintal, "Learning tensor networks with tensor cross interpolation: new algorithms and libraries",
    arXiv 2407.02454 (2024), its 2-site algorithm with prrLU and global pivots. A bond of ranks r looks at n^2 r^2 values where
    they are few, else at about 6 n r^2 (rook search), and takes 2 n^2 r^3 flops. Values are remembered (up to 4 million, of
    tensors of less than 2^62 elements): no index is asked for twice. ``f`` is asked for at most 4 million / d values at
    once. A peak apart from all else is found when a random point (1000, or a quarter of the evaluations before), or a walk from
    the 5 worst, meets its slopes: of Gaussians over 20^5 points, 30 of 30 with a variance of 1 or 1/2 grid step, 14 with 1/4.
    Single wrong entries among many (steps across all axes) are mostly missed, unless half of the tensor has been asked for:
    then all of it is looked at.

    Examples
    --------
    >>> import numpy as np
    >>> found = tt_cross(lambda i: 1 / (1 + (i**2).sum(axis=1)), (16,) * 5, 1e-8)
    >>> found.converged, found.estimated_error < 1e-8, found.evaluations < 16**5 / 5
    (True, True, True)
    """
    sizes = _checked_shape(shape)
    goal = _checked_goal(rtol, max_rank)
    samples = Samples(f, sizes, max_evaluations)
    if samples.left < 1 + sum(sizes):
        raise TensorError(
            f"max_evaluations {max_evaluations} is less than a value for each place of each axis; allow {1 + sum(sizes)}"
        )
    rng = np.random.default_rng(seed)
    first = first_points(samples, _checked_start(start, sizes), rng)
    if not samples.largest:
        zeros = tuple(np.zeros((1, n, 1)) for n in sizes)
        return CrossResult(TensorTrain(zeros), 0.0, samples.evaluations, 0, converged=True)
    return Interpolation(samples, first, goal, rng, progress or (lambda _: None)).run()


def _checked_shape(shape: Sequence[int]) -> tuple[int, ...]:
    sizes = tuple(int(n) for n in shape)
    if not sizes or min(sizes) < 1:
        raise TensorError(
            f"a function of indices over shape {sizes} has no values; give at least one axis, each of length >= 1"
        )
    return sizes


def _checked_goal(rtol: float, max_rank: int | None) -> tuple[float, int]:
    if not _SMALLEST_RTOL <= rtol < 1:
        raise TensorError(
            f"rtol {rtol} is not in [{_SMALLEST_RTOL}, 1), what double precision can hold; 1e-10 is a tight one"
        )
    if max_rank is not None and max_rank < 1:
        raise TensorError(f"max_rank {max_rank} holds no tensor; give 1 or more, or None")
    return rtol, sys.maxsize if max_rank is None else max_rank


def _checked_start(start: NDArray[Any] | Sequence[Sequence[int]] | None, shape: tuple[int, ...]) -> NDArray[np.int64]:
    if start is None:
        return np.zeros((0, len(shape)), np.int64)
    points = np.atleast_2d(np.asarray(start))
    if points.dtype.kind not in "iu" or points.ndim != 2 or points.shape[1] != len(shape):
        raise TensorError(f"start has to be (p, {len(shape)}) integers, not {points.dtype} of shape {points.shape}")
    outside = ((points < 0) | (points >= np.array(shape))).any(axis=1)
    if outside.any():
        raise TensorError(f"start index {tuple(map(int, points[outside.argmax()]))} is outside of shape {shape}")
    return points.astype(np.int64)
