"""SCAFFOLD: control variates take out of every local step what makes the sites drift apart."""

from __future__ import annotations

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from cdt_core.errors import FederatedError
from cdt_federated.checks import above_zero, count
from cdt_federated.strategies.base import (
    Aggregate,
    Gradient,
    LocalUpdate,
    State,
    descend,
    fitting,
    started,
    stepped,
)
from cdt_federated.vectors import Vector, frozen_vector, vector_of

__all__ = ["SCAFFOLD"]


@frozen(kw_only=True)
class SCAFFOLD:
    """Stochastic controlled averaging ([1]_, Algorithm 1 with option II for the controls).

    The server keeps a control ``c``, each site its own ``c_i`` (its memory between rounds). A local step is
    ``y <- y - rate * (g_i(y) - c_i + c)``; afterwards ``c_i' = c_i - c + (x - y) / (steps * rate)``. A site sends
    ``y - x`` and ``c_i' - c_i`` as one vector of twice the model's length; the server moves the model by the first half,
    and ``c`` by the second half times the share of the federation that took part.

    Parameters
    ----------
    steps
        Local steps of a site in a round.
    rate
        Step length of the local descent.
    server_rate
        Step length of the server.

    Notes
    -----
    Converges to the optimum of all the data however the sites' data differ, where averaging stalls. The sites' weights must
    be the same in every round (they are agreed in the roster), for ``c`` has to stay the weighted mean of all ``c_i``. A
    site that loses its memory starts again from zero and slows the others down, it does not mislead them for ever only if
    the server is started anew, too: keep the memory. An update that is left out (drop-outs) must not
    have changed the site's memory either; :class:`~cdt_federated.training.Learner` keeps the new memory only when the next
    round tells it that the update was counted.

    References
    ----------
    .. [1] Karimireddy, Kale, Mohri, Reddi, Stich, Suresh, "SCAFFOLD: Stochastic Controlled Averaging for Federated
       Learning", ICML 2020.

    Examples
    --------
    Two sites whose optima are 0 and 2, with different curvatures: together 1.5.

    >>> slopes = (lambda model, step: model, lambda model, step: 3 * (model - 2))
    >>> strategy = SCAFFOLD(steps=5, rate=0.1)
    >>> state, memories = strategy.start([0.0]), [None, None]
    >>> for _ in range(40):
    ...     sent = [strategy.local(strategy.broadcast(state), m, g) for m, g in zip(memories, slopes)]
    ...     memories = [update.memory for update in sent]
    ...     state = strategy.step(state, Aggregate((sent[0].values + sent[1].values) / 2))
    >>> print(state.model.round(9))
    [1.5]
    """

    steps: int = field(default=1, validator=count)
    rate: float = field(default=0.1, validator=above_zero)
    server_rate: float = field(default=1.0, validator=above_zero)

    downloads = 2
    uploads = 2

    def start(self, model: ArrayLike) -> State:
        """The model, and a control of zeros."""
        return started(model, control=0.0)

    def broadcast(self, state: State) -> Vector:
        """The model, then the server's control."""
        return np.concatenate([state.model, state.memory["control"]])

    def local(self, received: ArrayLike, memory: Vector | None, gradient: Gradient) -> LocalUpdate:
        """Local steps with the drift corrected; the memory is the site's control."""
        both = vector_of(received, "what the coordinator sent")
        if both.size % 2:
            raise FederatedError(
                f"the coordinator sent {both.size} values; SCAFFOLD sends a model and a control of its length"
            )
        model, control = np.split(both, 2)
        own = np.zeros(model.size) if memory is None else vector_of(memory, "the site's control", model.size)
        correction = control - own

        def slope(at: Vector, step: int) -> Vector:
            return vector_of(gradient(at, step), f"the gradient at local step {step}", model.size) + correction

        moved = descend(model, self.steps, self.rate, slope) - model
        change = -control - moved / (self.steps * self.rate)
        return LocalUpdate(np.concatenate([moved, change]), frozen_vector(own + change))

    def step(self, state: State, aggregate: Aggregate) -> State:
        """The model moved by the first half, the control by the second times the share that took part."""
        moved, change = np.split(fitting(state, aggregate, self.uploads), 2)
        control = state.memory["control"] + aggregate.share * change
        return stepped(state, state.model + self.server_rate * moved, {"control": control})
