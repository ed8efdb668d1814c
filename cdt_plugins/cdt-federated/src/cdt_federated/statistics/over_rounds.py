"""Questions over the round engine: signed messages, drop-outs, an agreement, and any carrier that can add."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
from attrs import define, field, validators
from numpy.typing import NDArray

from cdt_core.errors import AccessError, FederatedError
from cdt_core.model.exchange import Exchange, Party
from cdt_core.model.fields import FieldReader, FieldWriter
from cdt_federated.checks import count
from cdt_federated.rounds.coordinator import Coordinator
from cdt_federated.rounds.opening import Join, Opening, Outcome
from cdt_federated.rounds.running import Deliver, run_round
from cdt_federated.statistics.asking import answer
from cdt_federated.statistics.questions import question_from_bytes, question_to_bytes
from cdt_federated.statistics.rows import Table
from cdt_federated.statistics.summary import State, Summary, Sums
from cdt_federated.training.carriers import Carrier, Plain, SumLimits

__all__ = ["Asking", "answering"]

#: What a carrier's rounding may be beside the largest sum, for sums that are no counts.
_FINE = 1e-10


@define(eq=False)
class Asking:
    """Asks the sites of a federation, for :func:`~cdt_federated.statistics.run`: each question is a round.

    The sites that answer the first question are asked all others, for an analysis is of one set of rows: a site that came
    later could be told from the rest by what a sum grew. :attr:`included` says which they are. Of several analyses they stay
    the same; make it anew to ask all sites again.

    Parameters
    ----------
    coordinator
        Leads the rounds, with its journal and agreement; its terms ask all sites (``share=1``).
    deliver
        Carries messages: :class:`~cdt_federated.rounds.InProcess`, or a network's.
    carrier
        How the sums travel; one that adds, and rounds little, by its ``limits``. Of :class:`~cdt_federated.training.Secure`
        with ``bits=64`` (32 are for counts alone), a roster of weights 1, and a ``clip`` above the largest site's sums: rows
        times the largest square of a value are enough. A site whose sums have a larger norm says nothing, and a column that
        varies too little beside the clip for 8 digits is refused.
    minimum
        Fewest sites of which an analysis may be; None: all that are asked.

    Attributes
    ----------
    included, silent
        Sites of which the analysis is, and those that were asked and are not in it, after the first question.

    Raises
    ------
    FederatedError
        Terms that ask a share of the sites, or a carrier that does not add. When it is called: a question is no sum or is
        rounded too coarsely, a round fails, fewer than ``minimum`` sites answer, or one that answered before does not now.
    AccessError
        The agreement forbids a round.
    """

    coordinator: Coordinator
    deliver: Deliver
    carrier: Carrier = field(factory=Plain)
    minimum: int | None = field(default=None, kw_only=True, validator=validators.optional(count))
    included: tuple[str, ...] = field(default=(), init=False)
    silent: tuple[str, ...] = field(default=(), init=False)

    def __attrs_post_init__(self) -> None:
        if self.coordinator.terms.share != 1:
            raise FederatedError("another share of the sites would be drawn for each question; give Terms(share=1)")
        self.carrier.limits(len(self.coordinator.roster.sites))

    def __call__(self, question: Summary) -> State:
        """The sums of the sites that answer."""
        if not isinstance(question, Sums):
            raise FederatedError(f"{type(question).__name__} is not a vector of sums, which is all that rounds carry")
        task = _task(self.carrier, question)
        limits = SumLimits()

        def open_exchange(opening: Opening) -> Exchange:
            nonlocal limits
            if opening.task != task:
                raise FederatedError(
                    f"round {opening.round} was interrupted, and asks something else; abandon() it first"
                )
            limits = self.carrier.limits(len(opening.sites))
            _require_fine(limits, question, self.carrier.name)
            return self.carrier.exchange(opening, question.length, dict.fromkeys(opening.sites, 1.0))

        outcome = run_round(self.coordinator, self.deliver, open_exchange, task, among=self.included or None)
        values = self._settled(outcome)
        return question.from_vector(values * len(outcome.included)) | {"rounding": limits.rounding}

    def _settled(self, outcome: Outcome) -> NDArray[np.float64]:
        """What a round gave, when it is of the sites of which the analysis is."""
        if outcome.values is None:
            raise FederatedError(f"round {outcome.round} failed: {outcome.reason}")
        gone = [site for site in self.included or outcome.asked if site not in outcome.included]
        if self.included and gone:
            raise FederatedError(
                f"{', '.join(gone)} answered before, and not in round {outcome.round}; make an Asking anew, and run the "
                "analysis again"
            )
        least = len(outcome.asked) if self.minimum is None else self.minimum
        if len(outcome.included) < least:
            raise FederatedError(
                f"{', '.join(gone)} said nothing, and {len(outcome.included)} of {len(outcome.asked)} sites are fewer than the "
                f"{least} of which an analysis may be; wait for more, or agree on a smaller minimum"
            )
        if not self.included:
            self.included, self.silent = outcome.included, tuple(gone)
        return np.asarray(outcome.values, np.float64)


def answering(
    table: Table,
    carrier: Carrier | None = None,
    *,
    min_rows: int = 1,
    columns: Collection[str] | None = None,
    allowed: Callable[[Sums], None] | None = None,
) -> Join:
    """A site's side, for :class:`~cdt_federated.rounds.Site`.

    Parameters
    ----------
    table
        The site's own columns.
    carrier
        As the coordinator's; a question by another one is not answered.
    min_rows
        With fewer rows, but more than none, nothing is said.
    columns
        Those that questions may use; all of the table when None.
    allowed
        Is shown each question; raises ``AccessError`` not to answer it.
    """
    way = Plain() if carrier is None else carrier

    def join(opening: Opening) -> Party:
        question = _question(opening, way)
        hidden = sorted(set(question.columns) - set(question.columns if columns is None else columns))
        if hidden:
            raise AccessError(f"questions may not use the column {hidden[0]!r} of site {opening.site!r}")
        if allowed is not None:
            allowed(question)
        largest = way.limits(len(opening.sites)).largest

        def compute() -> NDArray[np.float64]:
            vector, norm = _vector_and_norm(question, table, min_rows)
            if not norm <= largest:  # a sum that is scaled down is no sum
                raise FederatedError(f"sums of norm {norm:.4g} exceed the clip of {way.name}; agree on a larger one")
            return vector

        return way.party(opening, question.length, compute)

    return join


def _task(way: Carrier, question: Sums) -> bytes:
    return FieldWriter().text(way.name).counted(question_to_bytes(question)).end()


def _question(opening: Opening, way: Carrier) -> Sums:
    reader = FieldReader(opening.task, f"question of round {opening.round}")
    name, question = reader.text(len(opening.task)), reader.counted(len(opening.task))
    reader.end()
    if name != way.name:
        raise FederatedError(f"{opening.site!r} agreed to {way.name}; round {opening.round} is {name}: settle which")
    return question_from_bytes(question)


def _require_fine(limits: SumLimits, question: Sums, way: str) -> None:
    """Counts must be whole numbers again, all else must keep 10 digits of the largest sum."""
    counts = question.whole.issuperset(question.shapes)
    if limits.rounding >= 0.5 or not (counts or limits.rounding <= _FINE * limits.largest):
        what = "counts" if limits.rounding >= 0.5 else "anything but counts"
        raise FederatedError(
            f"{way} rounds sums by up to {limits.rounding:.2g}, too coarsely for {what}; use bits=64, or a smaller clip"
        )


def _vector_and_norm(question: Sums, table: Table, min_rows: int) -> tuple[NDArray[np.float64], float]:
    try:
        with np.errstate(all="ignore"):  # the party refuses to send what is not finite
            vector = question.vector(answer(question, table, min_rows=min_rows))
            return vector, float(np.linalg.norm(vector))
    except (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError) as error:
        raise FederatedError(f"a {type(question).__name__} that makes no sense: {error}") from error
