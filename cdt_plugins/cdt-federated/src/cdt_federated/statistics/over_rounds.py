"""Questions over the round engine: signed messages, drop-outs, an agreement, and any carrier that can add."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import AccessError, FederatedError
from cdt_core.kernels.lattice import Lattice
from cdt_core.model.exchange import Exchange, Party
from cdt_federated.rounds.coordinator import Coordinator
from cdt_federated.rounds.opening import Join, Opening
from cdt_federated.rounds.running import Deliver, run_round
from cdt_federated.statistics.asking import Ask, answer
from cdt_federated.statistics.questions import question_from_bytes, question_to_bytes
from cdt_federated.statistics.rows import Table
from cdt_federated.statistics.summary import State, Summary, Sums
from cdt_federated.training.carriers import Carrier, Plain
from cdt_federated.training.secure import Secure

__all__ = ["answering", "asking"]


def asking(coordinator: Coordinator, deliver: Deliver, carrier: Carrier | None = None) -> Ask:
    """What asks the sites of a federation, for :func:`~cdt_federated.statistics.run`: each question is a round.

    The sites that answer the first question are asked all others: an analysis is of one set of rows. Which these are,
    ``coordinator.outcome.included`` says.

    Parameters
    ----------
    coordinator
        Leads the rounds, with its terms, journal and agreement.
    deliver
        Carries messages: :class:`~cdt_federated.rounds.InProcess`, or a network's.
    carrier
        How the sums travel; one whose result is the mean of the sites' vectors, such as plain or secure ones. Default: plain.
        Of :class:`~cdt_federated.training.Secure` with ``bits=64`` (32 are for counts alone), a roster of weights 1, and a
        ``clip`` above the largest site's sums: rows times the largest square of a value are enough. A site whose sums have a
        larger norm says nothing, and a column that varies too little beside the clip for 8 digits is refused.

    Raises
    ------
    FederatedError
        Of the function that is returned: a question is no sum, a round fails, or a site that answered before does not now.
    AccessError
        The agreement forbids a round.
    """
    way = Plain() if carrier is None else carrier
    if isinstance(way, Secure) and any(site.weight != 1 for site in way.roster.sites):
        raise FederatedError(f"{way.name} weighs sites by the roster, and sums count each once; give all the weight 1")
    asked: list[tuple[str, ...]] = []

    def ask(question: Summary) -> State:
        if not isinstance(question, Sums):
            raise FederatedError(f"{type(question).__name__} is not a vector of sums, which is all that rounds carry")
        if isinstance(way, Secure) and way.bits < 64 and not question.whole.issuperset(question.shapes):
            raise FederatedError(f"{way.name} rounds sums too coarsely for anything but counts; use bits=64")

        def open_exchange(opening: Opening) -> Exchange:
            return way.exchange(opening, question.length, dict.fromkeys(opening.sites, 1.0))

        among = asked[0] if asked else None
        outcome = run_round(coordinator, deliver, open_exchange, question_to_bytes(question), among=among)
        if outcome.values is None:
            raise FederatedError(f"round {outcome.round} failed: {outcome.reason}")
        gone = set(asked[0] if asked else ()) - set(outcome.included)
        if gone:
            raise FederatedError(
                f"{', '.join(sorted(gone))} answered before, and not in round {outcome.round}; run the analysis again"
            )
        asked[:] = [outcome.included]
        state = question.from_vector(np.asarray(outcome.values, np.float64) * len(outcome.included))
        return state | {"rounding": _rounding(way, len(outcome.asked))}

    return ask


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
        As the coordinator's.
    min_rows
        With fewer rows, but more than none, nothing is said.
    columns
        Those that questions may use; all of the table when None.
    allowed
        Is shown each question; raises ``AccessError`` not to answer it.
    """
    way = Plain() if carrier is None else carrier

    def join(opening: Opening) -> Party:
        question = question_from_bytes(opening.task)
        hidden = sorted(set(question.columns) - set(question.columns if columns is None else columns))
        if hidden:
            raise AccessError(f"questions may not use the column {hidden[0]!r} of site {opening.site!r}")
        if allowed is not None:
            allowed(question)
        return way.party(opening, question.length, partial(_vector, question, table, min_rows, way))

    return join


def _rounding(way: Carrier, sites: int) -> float:
    """By how much a carrier may change a sum: secure ones round each site's by up to a step of their lattice."""
    return sites * Lattice.for_sum(way.clip, sites, way.bits).step if isinstance(way, Secure) else 0.0


def _vector(question: Sums, table: Table, min_rows: int, way: Carrier) -> NDArray[np.float64]:
    try:
        with np.errstate(all="ignore"):  # the party refuses to send what is not finite
            vector = question.vector(answer(question, table, min_rows=min_rows))
            norm = float(np.linalg.norm(vector))
    except (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError) as error:
        raise FederatedError(f"a {type(question).__name__} that makes no sense: {error}") from error
    if isinstance(way, Secure) and not norm <= way.clip:  # a sum that is scaled down is no sum
        raise FederatedError(f"sums of norm {norm:.4g} exceed the clip of {way.name}; agree on a larger one")
    return vector
