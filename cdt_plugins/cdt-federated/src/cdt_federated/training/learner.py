"""A site's part in training: it joins rounds with its gradient, and keeps its memory between them."""

from __future__ import annotations

from cdt_core.errors import FederatedError
from cdt_core.model.exchange import Party
from cdt_core.model.fields import FieldReader, FieldWriter
from cdt_federated.rounds.opening import Opening
from cdt_federated.strategies.base import Gradient, Strategy
from cdt_federated.training.carriers import Carrier, Plain
from cdt_federated.training.task import TrainingTask, terms_of
from cdt_federated.vectors import Vector

__all__ = ["Learner"]

_MAGIC = b"cdt.learner\x02"


class Learner:
    """Joins the rounds of a training: give it to :class:`~cdt_federated.rounds.Site` as ``join``.

    Parameters
    ----------
    strategy
        The same, with the same settings, as the coordinator's; a round of another one is stayed out of.
    gradient
        Of the site's own loss: ``gradient(model, step)``, shape (length,) each.
    length
        Values of the model.
    carrier
        The same as the coordinator's.

    Notes
    -----
    What a strategy keeps at the site (SCAFFOLD's control) moves on only when the coordinator says that the update was
    counted: after a drop-out the site is where it was, as the coordinator is. A new training begins without it, and an earlier
    one, whose memory is gone with that, cannot be gone on with: the coordinator's side would not fit.
    """

    def __init__(self, strategy: Strategy, gradient: Gradient, length: int, carrier: Carrier | None = None) -> None:
        self._strategy = strategy
        self._gradient = gradient
        self._length = length
        self._carrier: Carrier = Plain() if carrier is None else carrier
        self._memory: Vector | None = None
        self._pending: tuple[int, Vector | None] = (0, None)
        self._began = 0
        self._lost = 0

    def __call__(self, opening: Opening) -> Party:
        """The site's side of a round.

        Raises
        ------
        FederatedError
            The round trains by other terms than this site agreed to, or goes on with a training whose memory is gone.
        ProtocolError
            The task is malformed.
        """
        task = TrainingTask.from_bytes(opening.task, self._strategy.downloads * self._length)
        agreed = terms_of(self._strategy, self._carrier)
        if task.terms != agreed:
            raise FederatedError(
                f"{opening.site!r} agreed to {agreed}; round {opening.round} is {task.terms}: settle which"
            )
        self._settle(opening.site, task)
        length = self._strategy.uploads * self._length
        return self._carrier.party(opening, length, lambda: self._update(opening.round, task.received))

    def saved(self) -> bytes:
        """What the site keeps between rounds, for another process of it."""
        writer = FieldWriter().fixed(_MAGIC)
        for number in (self._began, self._lost, self._pending[0]):
            writer.number(number, 8)
        for vector in (self._memory, self._pending[1]):
            writer.number(vector is not None, 1)
            if vector is not None:
                writer.array(vector, "float64")
        return writer.end()

    def restore(self, state: bytes) -> None:
        """Go on from :meth:`saved`.

        Raises
        ------
        ProtocolError
            The bytes are damaged, or of a model of another length.
        """
        reader = FieldReader(state, "saved state of a learner")
        if reader.fixed(len(_MAGIC)) != _MAGIC:
            raise reader.error("it does not begin as one of this version")
        began, lost, round_ = (reader.number(8) for _ in range(3))
        memory, pending = (reader.array("float64", self._length) if reader.number(1) else None for _ in range(2))
        reader.end()
        self._began, self._lost, self._memory, self._pending = began, lost, memory, (round_, pending)

    def _update(self, round_: int, received: Vector) -> Vector:
        """What the carrier takes into the round."""
        update = self._strategy.local(received, self._memory, self._gradient)
        self._pending = (round_, update.memory)
        return update.values

    def _settle(self, site: str, task: TrainingTask) -> None:
        """Keep what the last update left if it was counted; of another training than the task's nothing."""
        if task.began < self._lost:
            raise FederatedError(
                f"{site!r} keeps nothing any more of the training that began after round {task.began}, since a later one "
                "began; train anew, in another folder"
            )
        round_, memory = self._pending
        if task.began != self._began:
            if self._memory is not None or memory is not None:
                self._lost = task.began
            self._memory, self._began = None, task.began
        elif round_ and round_ == task.counted.get(site):
            self._memory = memory
        self._pending = (0, None)
