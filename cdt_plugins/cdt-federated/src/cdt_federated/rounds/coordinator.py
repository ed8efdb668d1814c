"""The coordinator's side of rounds: a state machine that is given messages and deadlines, and gives messages back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cdt_core.errors import CdtError, FederatedError, ProtocolError
from cdt_federated.rounds.current import CurrentRound
from cdt_federated.rounds.envelope import Sealed
from cdt_federated.rounds.journal import Journal
from cdt_federated.rounds.opening import OpenExchange, Opening, Outcome
from cdt_federated.rounds.receipts import REFUSALS, Receipt, RefusedError, sender_of
from cdt_federated.rounds.record import Record, digest_of
from cdt_federated.rounds.roster import Roster, public_of
from cdt_federated.rounds.sampling import Terms

__all__ = ["Coordinator"]


class Coordinator:
    """Leads a federation from round to round, without I/O (but its journal) and without a clock.

    Parameters
    ----------
    roster, key
        The federation, and the private key of its coordinator.
    terms
        What a round needs.
    journal
        Where to write down what happens, so that another process can resume after a crash, and goes on counting rounds: sites
        answer none twice. Nowhere when None.
    allowed
        Asked before each round with its :class:`Opening`; raises ``AccessError`` when an agreement forbids it.

    Raises
    ------
    FederatedError
        The key is not the coordinator's, or the journal is another federation's.

    Notes
    -----
    :meth:`begin` gives the messages to send; every message that comes in goes to :meth:`receive`, which never raises for
    what somebody sent; when the time that a stage may take is over, call :meth:`deadline`. Both give the next messages to
    send, until :attr:`outcome` says how the round ended. :func:`cdt_federated.rounds.run_round` does all that.

    After a crash: a coordinator on the same journal knows which round was open (:attr:`interrupted`); :meth:`resume`
    brings it to where it was, and gives the messages to be sent again to sites whose answers were not accepted yet.
    """

    def __init__(
        self,
        roster: Roster,
        key: Ed25519PrivateKey,
        terms: Terms | None = None,
        *,
        journal: Journal | None = None,
        allowed: Callable[[Opening], None] | None = None,
    ) -> None:
        if not isinstance(roster, Roster):
            raise FederatedError(f"a {type(roster).__name__} is no federation; give a Roster")
        if not isinstance(terms, Terms | None) or not isinstance(journal, Journal | None):
            raise FederatedError(
                f"terms={terms!r} and journal={journal!r} cannot be used; give a Terms(), a Journal(folder)"
            )
        if public_of(key, roster.coordinator.name) != roster.coordinator.public_key:
            raise FederatedError(
                f"the key is not that of {roster.coordinator.name!r} in the roster; give the coordinator's"
            )
        self.roster = roster
        self.terms = Terms() if terms is None else terms
        self.outcome: Outcome | None = None
        self._key = key
        self._allowed = allowed
        self._record = Record(journal, roster.federation)
        self._open: CurrentRound | None = None

    @property
    def round(self) -> int:
        """Number of the latest round that was begun; 0 before the first."""
        return self._record.round

    @property
    def stage(self) -> str:
        """Name of the stage that is open; empty when no round is."""
        return self._open.stage if self._open else ""

    @property
    def interrupted(self) -> bool:
        """Whether the journal tells of a round that has not ended: :meth:`resume` or :meth:`abandon` it."""
        return self._open is None and self._record.unfinished

    def pending(self) -> Mapping[str, bytes]:
        """The messages of this stage to sites that have not answered, to be sent again."""
        return self._open.pending if self._open else {}

    def begin(
        self, open_exchange: OpenExchange, task: bytes = b"", *, among: Iterable[str] | None = None
    ) -> Mapping[str, bytes]:
        """Begin a round: the message to each site that is asked.

        Parameters
        ----------
        open_exchange
            Makes the exchange for an opening.
        task
            What all sites are told to do.
        among
            Names of the sites that can be reached; all of the roster when None.

        Raises
        ------
        FederatedError
            A round is open or interrupted, a name is not in the roster, or too few sites can be reached.
        AccessError
            The agreement forbids it. Nothing was sent.
        """
        if self._open or self.interrupted:
            raise FederatedError(
                f"round {self.round} is not over; end it by its deadline, resume() it, or abandon() it"
            )
        reached = self.roster.names if among is None else self._known(among)
        number = self.round + 1
        sites = self.terms.sample(reached, number)
        opening = Opening(federation=self.roster.federation, round=number, sites=sites, task=task)
        if self._allowed is not None:
            self._allowed(opening)
        current = self._current(opening, open_exchange)
        self._record.begin(opening, current.digest)
        self._open, self.outcome = current, None
        return dict(current.requests)

    def receive(self, message: bytes) -> Receipt:
        """Take what a site sent; what was accepted is on disk when this returns."""
        return self.receive_all([message])[0]

    def receive_all(self, messages: Iterable[bytes]) -> list[Receipt]:
        """Take several messages, which reach the disk together."""
        receipts = [self._receipt(message) for message in messages]
        self._record.sync()
        return receipts

    def deadline(self) -> Mapping[str, bytes]:
        """The time of this stage is over: the messages of the next one, none when the round has ended.

        Raises
        ------
        FederatedError
            No round is open.
        """
        current = self._opened()
        if len(current.answered) < self.terms.minimum:
            self._end(
                current.failed(
                    f"{len(current.answered)} of {len(current.requests)} sites answered stage {current.stage!r}, "
                    f"{self.terms.minimum} are needed"
                )
            )
            return {}
        return self._close(current)

    def result(self) -> Outcome:
        """The outcome of the latest round, which must have given values.

        Raises
        ------
        FederatedError
            No round has ended, or it failed, and why.
        """
        if self.outcome is None:
            raise FederatedError("no round has ended; drive one to its end first")
        if self.outcome.failed:
            raise FederatedError(f"round {self.outcome.round} failed: {self.outcome.reason}")
        return self.outcome

    def resume(self, open_exchange: OpenExchange) -> Mapping[str, bytes]:
        """Bring the latest round of the journal to where it was: the messages to sites that have not answered.

        A round that had ended gives its outcome again. ``open_exchange`` must make the exchange that it made then: what is
        random in it has to come from the opening's seed.

        Raises
        ------
        FederatedError
            The journal tells of no round, its payloads are damaged, or the exchange is another one: it asks something else,
            or gives other values than those of a round that had ended.
        """
        if self._open:
            raise FederatedError(
                f"round {self.round} is open; a round is resumed in a new coordinator on the same journal"
            )
        opening, steps = self._record.latest(self.roster.federation)
        self._known(opening.sites)
        current = self._current(opening, open_exchange)
        for step in steps:
            if step.digest and current.digest != step.digest:
                raise FederatedError(
                    f"round {opening.round} cannot be resumed: the exchange asks something else than before the crash; "
                    "make the same exchange, or abandon() the round"
                )
            if step.site:
                current.take(step.site, step.payload)
            elif step.closes:
                current.close()
        if not self.interrupted:
            current.refused.update(self._record.refused)
            self.outcome = self._ended(current)
            return {}
        self._open, self.outcome = current, None
        return current.pending or self._close(current)

    def abandon(self, reason: str = "abandoned") -> None:
        """End the open or interrupted round without a result.

        Raises
        ------
        FederatedError
            There is none.
        """
        if self.interrupted:
            asked = self._record.sites
            self._end(Outcome(round=self.round, asked=asked, included=(), dropped=asked, reason=reason))
        else:
            self._end(self._opened().failed(reason))

    # ---- inside

    def _known(self, names: Iterable[str]) -> tuple[str, ...]:
        wanted = set(names)
        unknown = wanted.difference(self.roster.names)
        if unknown:
            raise FederatedError(
                f"{min(unknown)!r} is no site of {self.roster.federation!r}; add it to the roster first"
            )
        return tuple(name for name in self.roster.names if name in wanted)

    def _ended(self, current: CurrentRound) -> Outcome:
        """What a round of the journal gave."""
        if not self._record.values:
            return current.failed(self._record.reason)
        outcome = current.succeeded()
        if digest_of(outcome) != self._record.values:
            raise FederatedError(
                f"round {outcome.round} does not give again what it gave before the crash; "
                "make the same exchange, with the same weights and the same rule"
            )
        return outcome

    def _opened(self) -> CurrentRound:
        if self._open is None:
            raise FederatedError("no round is open; begin or resume one")
        return self._open

    def _current(self, opening: Opening, open_exchange: OpenExchange) -> CurrentRound:
        return CurrentRound(opening, open_exchange(opening), self.roster, self._key)

    def _receipt(self, message: bytes) -> Receipt:
        site = ""
        try:
            sealed = Sealed.read(message, self.terms.largest_message)
            site = sender_of(sealed, self.roster)
            if self._open is None:
                raise RefusedError("round")
            return self._accept(self._open, site, self._open.check(sealed, site))
        except ProtocolError as error:
            reason, details = ("payload" if site else "malformed"), str(error)
        except RefusedError as refused:
            reason, details = refused.reason, REFUSALS[refused.reason]
        if self._open is not None:
            self._open.refused[reason] += 1
        return Receipt(accepted=False, site=site, reason=reason, details=details)

    def _accept(self, current: CurrentRound, site: str, payload: bytes) -> Receipt:
        current.take(site, payload)
        self._record.answer(current.stage, site, payload)
        asked = len(current.requests)
        goal = asked if self.terms.enough is None else min(self.terms.enough, asked)
        requests = self._close(current) if len(current.answered) >= goal else {}
        return Receipt(accepted=True, site=site, requests=requests)

    def _close(self, current: CurrentRound) -> Mapping[str, bytes]:
        stage = current.stage
        try:
            if not current.close():
                self._end(current.succeeded())
                return {}
        except CdtError as error:
            self._end(current.failed(str(error)))
            return {}
        self._record.closed(stage, current.digest)
        return dict(current.requests)

    def _end(self, outcome: Outcome) -> None:
        self._open, self.outcome = None, outcome
        self._record.end(outcome)
