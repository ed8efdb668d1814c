"""Carries the messages of our rounds over Flower's grid: one stage of an exchange is one message to each node."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping

from attrs import define, field

from cdt_core.errors import FederatedError, ProtocolError
from cdt_federated.checks import above_zero
from cdt_federated.flower.client import ACTION, NAME
from cdt_federated.flower.library import flwr
from cdt_federated.flower.records import RECORD, message_in, record_of_message
from cdt_federated.rounds.roster import NAME_LIMIT

__all__ = ["GridDelivery"]

_PAUSE_SECONDS = 0.5


@define
class GridDelivery:
    """A ``deliver`` for :func:`~cdt_federated.rounds.run_round` and :func:`~cdt_federated.training.train`.

    Parameters
    ----------
    grid
        Of the ServerApp's main function.
    timeout_seconds
        How long a stage waits for answers, and :meth:`find` for nodes.

    Notes
    -----
    Which node is which site each node says itself, and nothing hangs on it: answers are signed, so that a node that
    claims another's name only keeps that site from being reached.
    """

    grid: flwr.serverapp.Grid
    timeout_seconds: float = field(default=300.0, validator=above_zero)
    nodes: dict[str, int] = field(factory=dict, init=False)
    _waited: set[str] = field(factory=set, init=False)
    _met: bool = field(default=False, init=False)

    def find(self, sites: Iterable[str]) -> tuple[str, ...]:
        """Wait until these sites are connected, or the time is over: the names of those that are.

        Use it as ``among`` of a round.
        """
        wanted, until = list(sites), time.monotonic() + self.timeout_seconds
        asked = self._still_connected()
        while not set(wanted) <= self.nodes.keys():
            new, left = set(self.grid.get_node_ids()) - asked, until - time.monotonic()
            if new:
                asked |= new
                self._ask_names(new, max(1.0, left))
            elif left <= 0:
                break
            else:
                time.sleep(min(left, _PAUSE_SECONDS))
        self._waited.update(wanted)
        return tuple(site for site in wanted if site in self.nodes)

    def __call__(self, requests: Mapping[str, bytes]) -> Iterator[bytes]:
        """Send the requests of a stage; the answers that came before its time was over.

        Sites that were never connected are waited for, once. A node that came for one that has gone, as after a restart of its
        SuperNode, is asked who it is; a site whose node has gone without another drops out.

        Raises
        ------
        FederatedError
            None of the sites was ever connected.
        """
        connected = self._still_connected()
        if not set(requests) <= self.nodes.keys() | self._waited:
            self.find(requests)
        elif not set(requests) <= self.nodes.keys():
            new = set(self.grid.get_node_ids()) - connected
            if new:
                self._ask_names(new, self.timeout_seconds)
        known = {site: request for site, request in requests.items() if site in self.nodes}
        if not known and not self._met:
            raise FederatedError(
                f"none of the {len(requests)} sites is connected, as {next(iter(requests))!r}; start their SuperNodes"
            )
        messages = [
            flwr.app.Message(record_of_message(request), self.nodes[site], f"train.{ACTION}")
            for site, request in known.items()
        ]
        for reply in self.grid.send_and_receive(messages, timeout=self.timeout_seconds):
            if reply.has_error():
                continue  # a site that failed is a site that dropped out
            try:
                yield message_in(reply.content)
            except ProtocolError:
                continue  # as is one that sends something else

    def _still_connected(self) -> set[int]:
        """The nodes whose sites are known; those that have gone are forgotten, for a restarted node has another number."""
        connected = set(self.grid.get_node_ids())
        self.nodes = {site: node for site, node in self.nodes.items() if node in connected}
        return set(self.nodes.values())

    def _ask_names(self, nodes: set[int], timeout: float) -> None:
        questions = [flwr.app.Message(flwr.app.RecordDict(), node, f"query.{ACTION}") for node in sorted(nodes)]
        for reply in self.grid.send_and_receive(questions, timeout=timeout):
            record = None if reply.has_error() else reply.content.config_records.get(RECORD)
            name = None if record is None else record.get(NAME)
            if isinstance(name, str) and len(name.encode()) <= NAME_LIMIT:
                self.nodes.setdefault(name, reply.metadata.src_node_id)
                self._met = True
