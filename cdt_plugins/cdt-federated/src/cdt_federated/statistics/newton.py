"""Newton's method over sites: at each question the gradient and the curvature of all rows at coefficients of now."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import FederatedError
from cdt_federated.statistics.fitted import solved
from cdt_federated.statistics.summary import State, Summary

__all__ = ["Maximum", "maximised"]

Array = NDArray[np.float64]

#: A step that would gain less log likelihood than this is the last one: what it leaves is its square.
_LAST_GAIN = 1e-9
_MOST_QUESTIONS, _MOST_HALVINGS = 60, 30
#: A scaled coefficient that is larger than this runs away: chances of e^-30 are none.
_AWAY = 30.0
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
        Makes ``likelihood``, ``gradient`` (k,) and ``information`` (k, k) of the merged state; default: it has them.

    Raises
    ------
    FederatedError
        The coefficients run away (a column separates the outcomes), or cannot be told apart.
    """
    at, reached, step = start, -np.inf, np.zeros_like(start)
    halvings, is_last = 0, False
    for _ in range(_MOST_QUESTIONS):
        state = read((yield ask(at)))
        likelihood = float(state["likelihood"])
        if not likelihood >= reached - _ROUNDING * abs(reached) and halvings < _MOST_HALVINGS:
            step, halvings, is_last = step / 2, halvings + 1, False
            at = at - step
            continue
        _refuse_separation(at, names)
        inverse = solved(state["information"], names)
        if is_last:
            return Maximum(at, inverse, state)
        reached, halvings = likelihood, 0
        step = inverse @ state["gradient"]
        is_last = float(step @ state["gradient"]) / 2 < _LAST_GAIN
        at = at + step
    _refuse_separation(at, names, least=1.0)
    raise FederatedError(f"no maximum after {_MOST_QUESTIONS} questions; look at the columns for errors")


def _refuse_separation(at: Array, names: Sequence[str], least: float = _AWAY) -> None:
    away = int(np.argmax(np.abs(at)))
    if abs(at[away]) > least:
        raise FederatedError(
            f"the coefficient of {names[away]!r} grows without end: that column, alone or with others, separates the "
            "outcomes; leave it out, or join levels"
        )
