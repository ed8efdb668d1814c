"""Rounds from begin to end: over any carrier of bytes, and in one process for tests and studies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cdt_core.errors import CdtError, FederatedError
from cdt_federated.rounds.coordinator import Coordinator
from cdt_federated.rounds.envelope import Envelope, Sealed
from cdt_federated.rounds.faults import Faults, bit_flipped
from cdt_federated.rounds.kept import KeptSite
from cdt_federated.rounds.opening import OpenExchange, Outcome
from cdt_federated.rounds.site import Site

__all__ = ["Deliver", "InProcess", "run_in_process", "run_round"]

#: Carries one stage: messages by site -> the messages that came back until the stage's deadline, in any order.
Deliver: TypeAlias = Callable[[Mapping[str, bytes]], Iterable[bytes]]


def run_round(
    coordinator: Coordinator,
    deliver: Deliver,
    open_exchange: OpenExchange,
    task: bytes = b"",
    *,
    among: Iterable[str] | None = None,
) -> Outcome:
    """Begin a round, or resume the interrupted one, and drive it to its end.

    Parameters
    ----------
    coordinator
        Leads it.
    deliver
        Sends the messages of a stage and gives what came back until its time was over, one after the other if it can; a clock,
        if any, is in there. When ``enough`` sites of the terms have answered it is not asked for more.
    open_exchange, task, among
        As :meth:`Coordinator.begin` takes them; a resumed round keeps its own task and sites.

    Returns
    -------
    Outcome
        Which may have failed: look at ``outcome.failed``, or call ``coordinator.result()``.
    """
    requests = (
        coordinator.resume(open_exchange)
        if coordinator.interrupted
        else coordinator.begin(open_exchange, task, among=among)
    )
    while coordinator.outcome is None:
        receipts = coordinator.receive_all(_of_stage(coordinator, deliver(requests)))
        following = next((receipt.requests for receipt in receipts if receipt.requests), None)
        if following is None and coordinator.outcome is None:
            following = coordinator.deadline()
        requests = following or {}
    return coordinator.outcome


def _of_stage(coordinator: Coordinator, messages: Iterable[bytes]) -> Iterator[bytes]:
    """The messages of a stage, until enough have answered: stragglers are not waited for."""
    stage = coordinator.stage
    for message in messages:
        yield message
        if coordinator.terms.enough is not None and coordinator.stage != stage:
            return


def _is_site(site: Site | KeptSite) -> Site | KeptSite:
    if not isinstance(site, Site | KeptSite):
        raise FederatedError(f"a {type(site).__name__} is no site of a round; give each Site of the federation")
    return site


class InProcess:
    """Delivers to sites that live in this process; faults can be injected.

    Parameters
    ----------
    sites
        All sites of the federation, kept ones or not.
    faults
        What goes wrong. May be set anew between rounds.

    Attributes
    ----------
    failures
        What sites raised instead of answering in the latest stage (``CdtError`` only; other errors are defects of the
        caller's functions, and pass).
    """

    def __init__(self, sites: Iterable[Site | KeptSite], faults: Faults | None = None) -> None:
        self._sites = {site.name: site for site in map(_is_site, sites)}
        self.faults = Faults() if faults is None else faults
        self.failures: dict[str, CdtError] = {}
        self._late: list[bytes] = []
        self._gone: tuple[int, set[str]] = (0, set())
        self._earlier: dict[str, list[tuple[int, bytes]]] = {}
        self._forger = Ed25519PrivateKey.generate()

    def __call__(self, requests: Mapping[str, bytes]) -> Iterable[bytes]:
        """The answers of one stage, and what was late in the one before."""
        self.failures = {}
        late, self._late = self._late, []
        yield from late
        for site, request in requests.items():
            yield from self._answers(site, request)

    def _answers(self, site: str, request: bytes) -> Iterable[bytes]:
        if self.faults == Faults():
            yield from self._answer(site, request)
            return
        asked = Sealed.read(request, len(request)).envelope
        place = (site, asked.stage)
        if self._gone[0] != asked.round:
            self._gone = (asked.round, set())
        if place in self.faults.dropped:
            self._gone[1].add(site)
        if site in self._gone[1]:
            return
        for answer in self._answer(site, request):
            yield from self._spoilt(place, asked, answer)

    def _answer(self, site: str, request: bytes) -> Iterable[bytes]:
        try:
            if site in self._sites:
                yield self._sites[site].answer(request)
        except CdtError as error:
            self.failures[site] = error

    def _spoilt(self, place: tuple[str, str], asked: Envelope, answer: bytes) -> Iterable[bytes]:
        faults, before = self.faults, self._earlier.setdefault(place[0], [])
        if place in faults.replayed:
            yield from (message for round_, message in before if round_ < asked.round)
        if place in faults.forged:
            yield Sealed.read(answer, len(answer)).envelope.sealed(self._forger)
        arriving = [bit_flipped(answer, asked.round) if place in faults.altered else answer]
        if place in faults.repeated:
            arriving *= 2
        if place in faults.slow:
            self._late += arriving
        else:
            yield from arriving
        before[:] = [*before[-1:], (asked.round, answer)]


def run_in_process(
    coordinator: Coordinator,
    sites: Iterable[Site | KeptSite],
    open_exchange: OpenExchange,
    task: bytes = b"",
    *,
    faults: Faults | None = None,
) -> Outcome:
    """One round with sites in this process; see :func:`run_round` and :class:`InProcess`."""
    return run_round(coordinator, InProcess(sites, faults), open_exchange, task)
