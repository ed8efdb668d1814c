"""Newton's method over sites: at each question the gradient and the curvature of all rows at coefficients of now."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import FederatedError
from cdt_federated.statistics.fitted import solved
from cdt_federated.statistics.summary import State, Summary

__all__ = ["Maximum", "kept_finite", "maximised"]

Array = NDArray[np.float64]

#: A step that would gain less log likelihood than this is the last one: what it leaves is its square.
_LAST_GAIN = 1e-9
_MOST_QUESTIONS, _MOST_HALVINGS = 60, 30
#: By this factor a variance grows in the last step where a coefficient runs away; at a maximum it stays (e is usual, and 1).
_GROWTH = 1.5
#: By this part of its size a log likelihood may fall from rounding alone.
_ROUNDING = 1e-12


@attrs.frozen(eq=False)
class Maximum:
    """Where the log likelihood is highest: coefficients, the inverse of its curvature, and the sums there."""

    coefficients: Array
    inverse: Array
    state: State


def maximised(
    ask: Callable[[Array], Summary],
    start: Array,
    names: Sequence[str],
    read: Callable[[State], State] = lambda state: state,
) -> Generator[Summary, State, Maximum]:
    """The highest log likelihood, by steps that are halved while they lower it.

    Parameters
    ----------
    ask
        Makes the question at coefficients.
    start, names
        Coefficients to begin at, and what they are called.
    read
        Makes ``likelihood``, ``gradient`` (k,), ``information`` (k, k) and ``beyond`` (:func:`kept_finite`) of the merged
        state; default: it has them.

    Raises
    ------
    FederatedError
        The coefficients run away (a column separates the outcomes), or cannot be told apart.
    """
    at, reached, step = start, -np.inf, np.zeros_like(start)
    inverse: Array | None = None
    halvings, is_last = 0, False
    for _ in range(_MOST_QUESTIONS):
        state = read((yield ask(at)))
        likelihood = _likelihood(state)
        falls = not likelihood >= reached - max(_LAST_GAIN, _ROUNDING * abs(reached))
        if inverse is not None and falls and halvings < _MOST_HALVINGS:
            step, halvings, is_last = step / 2, halvings + 1, False
            at = at - step
            continue
        if not np.isfinite(likelihood):
            raise FederatedError(
                f"the likelihood of {', '.join(names)} is beyond float64; look at the columns for errors"
            )
        before, inverse = inverse, _inverse(state, names, inverse, at - start)
        if is_last and before is not None:
            _refuse_separation(inverse.diagonal() / before.diagonal(), at - start, names)
            return Maximum(at, inverse, state)
        reached, halvings = likelihood, 0
        step = inverse @ state["gradient"]
        is_last = float(step @ state["gradient"]) / 2 < _LAST_GAIN
        at = at + step
    raise FederatedError(f"no maximum after {_MOST_QUESTIONS} questions; look at the columns for errors")


def kept_finite(sums: Mapping[str, Array]) -> Mapping[str, Array]:
    """Sums as they are sent: of a step too far, where they are not finite, zeros, and ``beyond`` is 1."""
    if all(np.isfinite(each).all() for each in sums.values()):
        return {**sums, "beyond": np.zeros(())}
    return {**{name: np.zeros(np.shape(each)) for name, each in sums.items()}, "beyond": np.ones(())}


def _likelihood(state: State) -> float:
    return -np.inf if state["beyond"] > 0 else float(state["likelihood"])


def _inverse(state: State, names: Sequence[str], before: Array | None, moved: Array) -> Array:
    try:
        return solved(state["information"], names)
    except FederatedError:
        if before is None:
            raise
        _refuse_separation(np.full(len(names), np.inf), moved, names)  # it was not singular where the steps began
        raise


def _refuse_separation(growth: Array, moved: Array, names: Sequence[str]) -> None:
    """A variance that grows by about e in a step of no gain is of a likelihood that rises for ever."""
    if not growth.max() > _GROWTH:
        return
    away = np.where(growth > _GROWTH, np.abs(moved), -1.0)
    if names[0] == "intercept" and (away[1:] >= 0).any():
        away[0] = -1.0
    raise FederatedError(
        f"the coefficient of {names[int(np.argmax(away))]!r} grows without end: that column, alone or with others, "
        "separates the outcomes; leave it out, or join levels"
    )
