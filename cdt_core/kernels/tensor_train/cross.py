"""Tensor cross interpolation: a tensor train of a function that can be asked for values, from few of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.errors import TensorError
from cdt_core.kernels.blas import on_one_blas_thread
from cdt_core.kernels.tensor_train.arguments import axis_lengths, whole
from cdt_core.kernels.tensor_train.interpolation import CrossResult, Interpolation, first_points
from cdt_core.kernels.tensor_train.sampling import SMALLEST, Samples
from cdt_core.kernels.tensor_train.train import TensorTrain

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CrossResult", "tt_cross"]

#: Values of a longer axis, all of which are asked for, are gigabytes.
_LONGEST = 1 << 30

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
        outside of the tensor, a value of ``f`` that is no finite number, missing (masked), or above 2^1000 (its index is
        named), or values of which the largest times ``rtol`` is
        below 2^-1000.

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
    if not callable(f):
        raise TensorError(f"a {type(f).__name__} is no function of indices; decompose arrays with tt_svd")
    sizes = _checked_shape(shape)
    goal = _checked_goal(rtol, max_rank)
    points = _checked_start(start, sizes)
    rng = np.random.default_rng(whole(seed, "seed", 0))
    samples = Samples(f, sizes, _checked_most(max_evaluations, 1 + sum(sizes)))
    progress = progress or (lambda _: None)
    if len(sizes) == 1:
        line = samples.block(np.zeros((1, 0), np.int64), np.arange(sizes[0])[:, None])
        progress(1.0)
        return CrossResult(TensorTrain([line.reshape(1, -1, 1)]), 0.0, samples.evaluations, 0, converged=True)
    first, searched = first_points(samples, points, rng)
    if not samples.largest:
        progress(1.0)
        zeros = TensorTrain([np.zeros((1, n, 1)) for n in sizes])
        return CrossResult(zeros, 0.0, samples.evaluations, 0, converged=searched)
    if samples.largest * rtol < SMALLEST:
        raise TensorError(
            f"the largest value that was found is {samples.largest}: rtol {rtol} of it is below what double precision holds; "
            "scale the function, by 2**500 for instance"
        )
    return Interpolation(samples, first, goal, rng, progress).run()


def _checked_shape(shape: Any) -> tuple[int, ...]:
    sizes = axis_lengths(shape)
    if max(sizes) > _LONGEST:
        raise TensorError(
            f"an axis of length {max(sizes)}: every place of each axis is asked for; split its digits into axes (quantics)"
        )
    return sizes


def _checked_goal(rtol: Any, max_rank: Any) -> tuple[float, int]:
    if not isinstance(rtol, Real) or not _SMALLEST_RTOL <= float(rtol) < 1:
        raise TensorError(
            f"rtol {rtol!r} is not in [{_SMALLEST_RTOL}, 1), what double precision can hold; 1e-10 is a tight one"
        )
    return float(rtol), sys.maxsize if max_rank is None else whole(max_rank, "max_rank", 1)


def _checked_most(evaluations: Any, least: int) -> int | None:
    most = None if evaluations is None else whole(evaluations, "max_evaluations", 1)
    if most is not None and most < least:
        raise TensorError(
            f"max_evaluations {most} is less than a value for each place of each axis, and one to begin with; allow {least}"
        )
    return most


def _checked_start(start: Any, shape: tuple[int, ...]) -> NDArray[np.int64]:
    if start is None or len(start) == 0:
        return np.zeros((0, len(shape)), np.int64)
    try:
        points = np.atleast_2d(np.asarray(start))
    except ValueError as error:
        raise TensorError(f"start has to be (p, {len(shape)}) integers: {error}") from error
    if points.dtype.kind not in "iu" or points.ndim != 2 or points.shape[1] != len(shape):
        raise TensorError(f"start has to be (p, {len(shape)}) integers, not {points.dtype} of shape {points.shape}")
    outside = ((points < 0) | (points >= np.array(shape))).any(axis=1)
    if outside.any():
        raise TensorError(f"start index {tuple(map(int, points[outside.argmax()]))} is outside of shape {shape}")
    return points.astype(np.int64)
