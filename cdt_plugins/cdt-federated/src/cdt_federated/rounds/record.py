"""What a coordinator remembers of its rounds, in the journal when it has one: written by events, read back as a state."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from cdt_core.errors import FederatedError
from cdt_federated.rounds.journal import Journal
from cdt_federated.rounds.opening import Opening, Outcome

__all__ = ["Record", "Step", "digest_of"]


def digest_of(outcome: Outcome) -> str:
    """SHA-256 of what a round gave; empty when it failed."""
    return "" if outcome.values is None else hashlib.sha256(outcome.values.tobytes()).hexdigest()


@frozen(kw_only=True)
class Step:
    """One thing that happened in a round: requests of a digest went out, a site answered, or a stage was closed."""

    digest: str = ""
    site: str = ""
    payload: bytes = b""
    closes: bool = False


class Record:
    """Numbers of rounds, and how the latest round went.

    Parameters
    ----------
    journal
        Where it is kept; in memory alone when None.
    federation
        Whose rounds they are.

    Raises
    ------
    FederatedError
        The journal is another federation's.
    """

    def __init__(self, journal: Journal | None, federation: str) -> None:
        self._journal = journal
        self._federation = federation
        self.round = 0
        self.unfinished = False
        self.sites: tuple[str, ...] = ()
        self.reason = ""
        self.values = ""
        self.refused: Mapping[str, int] = {}
        self._latest: list[Mapping[str, Any]] = []
        for event in journal.events if journal is not None else ():
            if journal is not None and event.get("federation", federation) != federation:
                raise FederatedError(
                    f"{journal.folder}: the journal is that of {event['federation']!r}, not of {federation!r}; "
                    "give another folder"
                )
            self._follow(event)

    def begin(self, opening: Opening, digest: str) -> None:
        """A round begins, with requests of that digest."""
        event = {"what": "begin", "round": opening.round, "sites": list(opening.sites), "requests": digest}
        if self._journal is not None:
            more = {"federation": self._federation, "sites": event["sites"], "requests": digest}
            event = dict(self._journal.begin(opening.round, opening.task, **more))
        self._follow(event)

    def answer(self, stage: str, site: str, payload: bytes) -> None:
        """An answer was accepted. On disk after :meth:`sync`."""
        if self._journal is not None:
            self._latest.append(self._journal.keep(payload, stage=stage, site=site))

    def closed(self, stage: str, digest: str) -> None:
        """A stage was closed, and requests of that digest are about to go out."""
        if self._journal is not None:
            self._latest.append(self._journal.note("close", stage=stage, requests=digest))
        self.sync()

    def end(self, outcome: Outcome) -> None:
        """The round has ended."""
        event: dict[str, Any] = {"round": outcome.round, "included": list(outcome.included)}
        event["values"] = digest_of(outcome)
        event |= {"reason": outcome.reason, "refused": dict(outcome.refused)}
        self._follow({"what": "end", **event} if self._journal is None else self._journal.note("end", **event))
        self.sync()

    def sync(self) -> None:
        """What was written is on disk."""
        if self._journal is not None:
            self._journal.sync()

    def latest(self, federation: str) -> tuple[Opening, list[Step]]:
        """The latest round and what happened in it.

        Raises
        ------
        FederatedError
            The journal tells of none, or its payloads are damaged.
        """
        if self._journal is None or not self._latest:
            raise FederatedError("no round is in the journal; begin one")
        task, payloads = self._journal.reopen(self._latest)
        opening = Opening(federation=federation, round=self.round, sites=self.sites, task=task)
        return opening, list(self._steps(iter(payloads)))

    def _steps(self, payloads: Iterator[bytes]) -> Iterator[Step]:
        for event in self._latest:
            if event["what"] == "answer":
                yield Step(site=event["site"], payload=next(payloads))
            elif event["what"] == "close":
                yield Step(closes=True)
                yield Step(digest=event["requests"])
            elif event["what"] == "begin":
                yield Step(digest=event["requests"])
            elif event["values"]:
                yield Step(closes=True)

    def _follow(self, event: Mapping[str, Any]) -> None:
        if event["what"] == "begin":
            self.round, self.sites = int(event["round"]), tuple(event["sites"])
            self.unfinished, self._latest = True, []
        self._latest.append(event)
        if event["what"] == "end":
            self.unfinished, self.reason, self.refused = False, event["reason"], event["refused"]
            self.values = event["values"]
