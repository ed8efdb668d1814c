"""Which order of an array's axes, and which digits of them, make the smallest tensor train."""

from __future__ import annotations

import math
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.errors import TensorError
from cdt_core.kernels.blas import on_one_blas_thread
from cdt_core.kernels.tall import energy
from cdt_core.kernels.tensor_train.arguments import tolerance
from cdt_core.kernels.tensor_train.ordering.order import Order, prime_digits
from cdt_core.kernels.tensor_train.ordering.ordered_train import OrderedTrain
from cdt_core.kernels.tensor_train.ordering.splitting import Splitting
from cdt_core.kernels.tensor_train.rounding import finest
from cdt_core.kernels.tensor_train.sources import Tensor, tensor_of
from cdt_core.kernels.tensor_train.spending import spent
from cdt_core.kernels.tensor_train.svd import tt_svd

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cdt_core.kernels.tensor_train.train import TensorTrain

__all__ = ["best_order"]

#: Digits that axes are split into, in all, unless there are more axes.
_MOST_DIGITS = 18
#: Choices for one way of splitting, each with ranks that the trains before corrected, and with the tolerance shared out
#: in two ways.
_ROUNDS, _SHARINGS = 2, (1.0, 0.0)
#: Of the orders that seem best so many are made into trains.
_BEST = 4
#: A train is made where so many times the parameters of the best one so far are expected, or fewer.
_WORTH = 1.2


@on_one_blas_thread
def best_order(
    x: Any,
    rtol: float,
    *,
    fold: bool = True,
    join: bool = True,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> OrderedTrain:
    """The order and grouping of axes, or of their digits, whose tensor train has the fewest parameters that were found.

    A bond's rank depends only on which axes are left of it. It is estimated from sampled blocks for each set of axes; the
    best chains of sets are those of all up to 5 axes or digits, up to 8 by dynamic programming, beyond by annealing; trains
    are made of them, whose ranks correct the estimates, and the choice is made again. The smallest of all trains made is
    returned, that of the own order among them: never a larger one. Each uses the tolerance up, where ``tt_svd``, which gives
    each bond an equal share, leaves some of it.

    Parameters
    ----------
    x
        Array of one axis or more, in memory or memory-mapped (another one is loaded), as for ``tt_svd``.
    rtol
        Relative Frobenius tolerance of the train, certified.
    fold
        Axes may be split into digits (prime factors, at most 18 in all), whose order is free: what is called quantics
        where all digits of all axes alternate.
    join
        Several axes or digits may be one axis of the train.
    seed
        Of samples and of annealing. Equal seeds make equal choices.
    progress
        Called with the share of the work that is done, 0 to 1.

    Returns
    -------
    OrderedTrain

    Raises
    ------
    TensorError
        What ``tt_svd`` refuses; a seed that is no whole number from 0 to 2^63 - 1.

    Notes
    -----
    Ranks of d axes (up to 8) cost 2^(d - 1) times some 20 ms, those of digits or of more axes at most some 1500 times 3 ms.
    Some ten orders are decomposed, as by ``tt_svd``, and with a copy of the array: 2 million numbers of five axes take a
    second, with their digits two seconds more.

    References
    ----------
    Oseledets, "Tensor-Train Decomposition", SIAM J. Sci. Comput. 33(5), 2011, theorem 2.1: ranks are those of unfoldings.
    Held and Karp, "A dynamic programming approach to sequencing problems", J. SIAM 10(1), 1962.

    Examples
    --------
    >>> import numpy as np
    >>> a, b = np.random.default_rng(0).normal(size=(2, 20, 20))
    >>> found = best_order(np.einsum("ik,jl->ijkl", a, b), 1e-6, fold=False)
    >>> found.order, found.train.ranks, found.gain
    (Order(0+2 | 1+3), (1, 1, 1), 401.0)
    """
    _check_seed(seed)
    rtol, told = tolerance(rtol), progress or (lambda share: None)
    tensor = tensor_of(x)
    values = tensor.read((slice(None),) * len(tensor.shape)) if tensor.values is None else tensor.values
    source = x if isinstance(x, np.ndarray) else values  # of integers, or without order, the train may be another one
    own = tt_svd(source, rtol, progress=lambda share: told(0.1 * share))
    norm = math.sqrt(energy(values))
    best = OrderedTrain(Order.own(values.shape), _finished(values, own, norm, rtol), own.parameters)
    whole = tuple((n,) if n > 1 else () for n in values.shape)
    ways = [whole, prime_digits(values.shape, _MOST_DIGITS)] if fold else [whole]
    for number, digits in enumerate(ways):
        if sum(map(len, digits)) > 1 and digits not in ways[:number]:
            splitting = Splitting(values, rtol, digits, joins=join, seed=int(seed))
            splitting.learn_own(own.ranks)
            best = _improved(
                best, splitting, values, norm, _part(told, 0.1 + 0.8 * number / len(ways), 0.8 / len(ways))
            )
    told(1.0)
    return best


def _part(told: Callable[[float], None], start: float, length: float) -> Callable[[float], None]:
    """Tells the share of a part as one of the whole."""
    return lambda share: told(start + length * share)


def _check_seed(seed: Any) -> None:
    if isinstance(seed, bool) or not isinstance(seed, Integral) or not 0 <= int(seed) < 1 << 63:
        raise TensorError(f"seed={seed!r}: give a whole number from 0 to 2^63 - 1")


def _improved(
    best: OrderedTrain, splitting: Splitting, values: NDArray[Any], norm: float, told: Callable[[float], None]
) -> OrderedTrain:
    """The best of some trains of these digits and of the one before."""
    places = best.order.places
    axes = [places[k][0] for group in best.order.groups for k in group]
    tried = [best.order]
    for _ in range(_ROUNDS):
        before = len(tried)
        for sharing in _SHARINGS:
            choices = [one for one in splitting.choices(axes, sharing) if _holds(one[1], values.dtype, splitting.rtol)]
            for expected, order in choices[:_BEST]:
                if order not in tried and expected <= _WORTH * best.train.parameters:
                    tried.append(order)
                    made = _made(order, splitting, values, norm)
                    told(min(1.0, len(tried) / (_ROUNDS * len(_SHARINGS) * _BEST)))
                    if made is not None and made.parameters < best.train.parameters:
                        best = OrderedTrain(order.simplified(), made, best.own)
        if len(tried) == before:
            break
    told(1.0)
    return best


def _holds(order: Order, dtype: np.dtype[Any], rtol: float) -> bool:
    """Whether a train of so many cores holds the tolerance: each of them is rounded."""
    return finest(dtype, len(order.groups)) <= rtol


def _made(order: Order, splitting: Splitting, values: NDArray[Any], norm: float) -> TensorTrain | None:
    """A train of an order, from whose ranks the estimates learn; None where rounding leaves more than the tolerance."""
    moved = order.applied(values)
    try:
        train = tt_svd(moved, splitting.rtol)
    except TensorError:
        return None
    splitting.learn(order, train.ranks)
    return _finished(moved, train, norm, splitting.rtol)


def _finished(values: NDArray[Any], train: TensorTrain, norm: float, rtol: float) -> TensorTrain:
    """A train of values in memory, with all of the tolerance used."""
    return spent(Tensor(values, values.shape, values.dtype), norm, train, rtol)
