"""Carries the messages of our rounds over Flower's grid: one stage of an exchange is one message to each node."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from logging import getLogger

from attrs import define, field

from cdt_core.errors import FederatedError, ProtocolError
from cdt_federated.checks import above_zero
from cdt_federated.flower.client import ACTION, NAME
from cdt_federated.flower.library import flwr
from cdt_federated.flower.records import RECORD, message_in, record_of_message
from cdt_federated.rounds.roster import NAME_LIMIT

__all__ = ["GridDelivery"]

_LOG = getLogger("cdt_federated.flower")


@define
class GridDelivery:
    """A ``deliver`` for :func:`~cdt_federated.rounds.run_round` and :func:`~cdt_federated.training.train`.

    Parameters
    ----------
    grid
        Of the ServerApp's main function.
    timeout_seconds
        How long a stage waits for answers, and :meth:`find` for nodes.
    pause_seconds
        Between two looks at what has come.

    Attributes
    ----------
    nodes
        The connected nodes, and the site that each says it is; empty of those that have not said.

    Notes
    -----
    Which node is which site each node says itself, and nothing hangs on it: answers are signed. A request goes to all nodes
    that say they are its site: to the one that was killed and to the one that came for it. Why a site says nothing is logged.
    """

    grid: flwr.serverapp.Grid
    timeout_seconds: float = field(default=300.0, validator=above_zero)
    pause_seconds: float = field(default=0.5, validator=above_zero)
    nodes: dict[int, str] = field(factory=dict, init=False)
    _questions: set[str] = field(factory=set, init=False)
    _waited: set[str] = field(factory=set, init=False)
    _met: bool = field(default=False, init=False)

    def find(self, sites: Iterable[str]) -> tuple[str, ...]:
        """Wait until these sites are connected, or the time is over: the names of those that are.

        Use it as ``among`` of a round.
        """
        wanted, until = tuple(sites), time.monotonic() + self.timeout_seconds
        self._ask_again()
        while True:
            self._meet()
            if set(wanted) <= set(self.nodes.values()) or not self._paused(until):
                break
        self._waited.update(wanted)
        return tuple(site for site in wanted if site in self.nodes.values())

    def __call__(self, requests: Mapping[str, bytes]) -> Iterator[bytes]:
        """Send the requests of a stage; the answers that came before its time was over.

        Sites that were never connected are waited for, once. A node that comes for one that has gone, as after a restart of its
        SuperNode, is sent the request as well; a site whose node has gone or failed without another drops out.

        Raises
        ------
        FederatedError
            None of the sites was ever connected.
        """
        if not set(requests) <= {*self.nodes.values(), *self._waited}:
            self.find(requests)
        elif not set(requests) <= set(self.nodes.values()):
            self._ask_again()
        waiting, until = dict(requests), time.monotonic() + self.timeout_seconds
        sent: dict[str, str] = {}
        told: set[int] = set()
        while waiting:
            self._meet()
            new = [node for node, site in self.nodes.items() if site in waiting and node not in told]
            if not (new or sent or self._questions):
                break
            told.update(new)
            sent |= self._sent({node: waiting[self.nodes[node]] for node in new})
            for answer, site in self._answers(sent):
                waiting.pop(site, None)
                yield answer
            if waiting and not self._paused(until):
                break
        if not self._met:
            raise FederatedError(
                f"none of the {len(requests)} sites is connected, as {next(iter(requests))!r}; start their SuperNodes"
            )

    def _paused(self, until: float) -> bool:
        """After a pause; False, and none, when the time is over."""
        left = until - time.monotonic()
        if left > 0:
            time.sleep(min(left, self.pause_seconds))
        return left > 0

    def _ask_again(self) -> None:
        """Those that did not say who they are: they may have failed then."""
        self.nodes = {node: site for node, site in self.nodes.items() if site}
        self._questions.clear()

    def _meet(self) -> None:
        """Ask new nodes who they are, hear those that say it, and forget those that have gone: a restarted one is new."""
        connected = set(self.grid.get_node_ids())
        self.nodes = {node: site for node, site in self.nodes.items() if node in connected}
        new = sorted(connected - self.nodes.keys())
        self.nodes |= dict.fromkeys(new, "")
        questions = [flwr.app.Message(flwr.app.RecordDict(), node, f"query.{ACTION}") for node in new]
        self._questions.update(filter(None, self._pushed(questions)))
        for reply in self._pulled(self._questions):
            self._questions.discard(reply.metadata.reply_to_message_id)
            record = None if reply.has_error() else reply.content.config_records.get(RECORD)
            name = None if record is None else record.get(NAME)
            node = reply.metadata.src_node_id
            if isinstance(name, str) and len(name.encode()) <= NAME_LIMIT and node in self.nodes:
                self.nodes[node] = name
                self._met = True

    def _sent(self, requests: Mapping[int, bytes]) -> dict[str, str]:
        """Send a request to each node: the site of each message, by its identifier."""
        kind = f"train.{ACTION}"
        messages = [flwr.app.Message(record_of_message(request), node, kind) for node, request in requests.items()]
        sites = [self.nodes[node] for node in requests]
        return {sent: site for sent, site in zip(self._pushed(messages), sites, strict=False) if sent}

    def _answers(self, sent: dict[str, str]) -> Iterator[tuple[bytes, str]]:
        """What has come, which is taken off what was sent: a node that failed, or sends something else, says nothing."""
        for reply in self._pulled(sent):
            site = sent.pop(reply.metadata.reply_to_message_id, "")
            try:
                if reply.has_error():
                    raise ProtocolError(f"its node failed: {str(reply.error.reason)[:500]}")
                yield message_in(reply.content), site
            except ProtocolError as error:
                _LOG.warning("%s says nothing in this stage: %s", site, error)

    def _pushed(self, messages: list[flwr.app.Message]) -> list[str | None]:
        """Identifiers; None in place of one that Flower could not send."""
        return list(self.grid.push_messages(messages)) if messages else []

    def _pulled(self, sent: Iterable[str]) -> list[flwr.app.Message]:
        wanted = list(sent)
        return list(self.grid.pull_messages(wanted)) if wanted else []
