"""Our rules, strategies and checks as a Flower ServerApp strategy, for any ClientApp."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from logging import INFO, WARNING, getLogger

import numpy as np
from attrs import field, frozen

from cdt_core.errors import CdtError, FederatedError, ProtocolError
from cdt_federated.checks import above_zero
from cdt_federated.consensus import consensus
from cdt_federated.flower.library import flwr
from cdt_federated.flower.records import Layout
from cdt_federated.rounds.plain import Rule, callable_rule, mean
from cdt_federated.rounds.sampling import Terms
from cdt_federated.strategies import Aggregate, FedAvg, State, Strategy
from cdt_federated.training.history import History, RoundRecord
from cdt_federated.vectors import Vector, vector_of

__all__ = ["FederatedStrategy", "Records"]

_LOG = getLogger("cdt_federated.flower")
_PAUSE_SECONDS = 0.5


@frozen(kw_only=True)
class Records:
    """Names in Flower's messages; the defaults are those of Flower's own strategies.

    ``weight`` is the metric that weighs an update (1 for each when it is empty), ``largest_weight`` the most that a node may
    claim: a weight that is stated in every round is influence that can be claimed.
    """

    arrays: str = "arrays"
    config: str = "config"
    weight: str = "num-examples"
    largest_weight: float = field(default=1e9, validator=above_zero)


class FederatedStrategy(flwr.serverapp.strategy.Strategy):
    """A Flower strategy that aggregates by any rule of ``cdt_aggregators``, and steps by any strategy of ours.

    Nodes are sent the model and send theirs back, as with Flower's own strategies. Each reply is checked by itself: one that
    has other arrays, shapes or dtypes, values that are not finite, or no proper weight is refused, and the round goes on with
    the others (Flower's strategies give the whole round up). The rule sees updates, the sent model taken off, so that
    distances between them keep their digits.

    Parameters
    ----------
    strategy
        Steps the model at the server: ``FedAvg``, ``FedAvgM``, ``FedAdam``, ``FedYogi``, ``FedAdagrad``; SCAFFOLD needs our own
        rounds (:class:`~cdt_federated.flower.GridDelivery`).
    rule
        See :func:`cdt_federated.rounds.rule_of`.
    terms
        Fewest replies, share of the nodes that is asked, and the seed by which they are drawn.
    records
        Names in the messages.
    evaluates
        Whether nodes evaluate each model, too. Their metrics are combined by weighted medians, for what a node states of its
        own loss could be anything.
    timeout_seconds
        How long to wait for enough nodes.

    Attributes
    ----------
    history
        What happened in each round, nodes by their number.

    Raises
    ------
    FederatedError
        A strategy that sends more than a model.
    """

    def __init__(
        self,
        strategy: Strategy | None = None,
        rule: Rule = mean,
        terms: Terms | None = None,
        *,
        records: Records | None = None,
        evaluates: bool = False,
        timeout_seconds: float = 300.0,
    ) -> None:
        self.strategy: Strategy = FedAvg() if strategy is None else strategy
        if (self.strategy.downloads, self.strategy.uploads) != (1, 1):
            raise FederatedError(
                f"{type(self.strategy).__name__} sends more than a model, which a plain ClientApp cannot; use GridDelivery"
            )
        self.rule = callable_rule(rule)
        self.terms = Terms(minimum=2) if terms is None else terms
        self.records = Records() if records is None else records
        self.evaluates = evaluates
        self.timeout_seconds = timeout_seconds
        self.history = History()
        self._layout: Layout | None = None
        self._state: State | None = None
        self._sent: Vector | None = None
        self._asked: tuple[str, ...] = ()

    def summary(self) -> None:
        """Log what is run."""
        _LOG.log(INFO, "%r, rule %r, %r", self.strategy, self.rule, self.terms)

    def configure_train(
        self,
        server_round: int,
        arrays: flwr.app.ArrayRecord,
        config: flwr.app.ConfigRecord,
        grid: flwr.serverapp.Grid,
    ) -> Iterable[flwr.app.Message]:
        """The model to each node that is drawn; the first round begins anew, whatever was run before."""
        if server_round == 1 or self._layout is None or self._state is None:
            self._layout, self.history = Layout.of(arrays), History()
            self._state = self.strategy.start(self._layout.vector(arrays, "the coordinator"))
        self._sent = self._layout.vector(arrays, "the coordinator")
        self._asked = self.terms.sample(self._nodes(grid), server_round)
        return self._messages(arrays, config, server_round, "train")

    def aggregate_train(
        self, server_round: int, replies: Iterable[flwr.app.Message]
    ) -> tuple[flwr.app.ArrayRecord | None, flwr.app.MetricRecord | None]:
        """The next model; None, and why in :attr:`history`, when too few replies can be used or the rule refuses them."""
        if self._layout is None or self._state is None or self._sent is None:
            raise FederatedError("aggregate_train comes before configure_train; let start() call both")
        updates: dict[str, tuple[Vector, float]] = {}
        refused = 0
        for reply in replies:
            try:
                node, update, weight = self._update(reply, self._sent, updates)
            except ProtocolError as error:
                refused += 1
                _LOG.log(WARNING, "round %d: %s", server_round, error)
            else:
                updates[node] = (update, weight)
        record = RoundRecord(
            round=server_round,
            included=tuple(updates),
            dropped=tuple(node for node in self._asked if node not in updates),
            refused={"reply": refused} if refused else {},
        )
        try:
            state = self._stepped(self._state, updates)
            arrays = self._layout.record(state.model)
        except CdtError as error:
            _LOG.log(WARNING, "round %d gave nothing: %s", server_round, error)
            self.history = self.history.then(RoundRecord(round=server_round, dropped=self._asked, reason=str(error)))
            return None, None
        self._state, self.history = state, self.history.then(record)
        metrics = flwr.app.MetricRecord({"sites": len(updates), "refused": refused})
        return arrays, metrics

    def configure_evaluate(
        self,
        server_round: int,
        arrays: flwr.app.ArrayRecord,
        config: flwr.app.ConfigRecord,
        grid: flwr.serverapp.Grid,
    ) -> Iterable[flwr.app.Message]:
        """The model to each node that is drawn, when this strategy ``evaluates``."""
        if not self.evaluates:
            return []
        self._asked = self.terms.sample(self._nodes(grid), server_round)
        return self._messages(arrays, config, server_round, "evaluate")

    def aggregate_evaluate(
        self, server_round: int, replies: Iterable[flwr.app.Message]
    ) -> flwr.app.MetricRecord | None:
        """The weighted median of each metric that more than half of the usable replies have; None when there is none.

        What a node states twice, without being asked, or as NaN or infinity does not count.
        """
        stated: dict[str, dict[str, tuple[float, float]]] = {}
        answered: set[str] = set()
        for reply in replies:
            node = str(reply.metadata.src_node_id)
            try:
                if node not in self._asked or node in answered:
                    raise ProtocolError(f"node {node} was not asked to evaluate, or has answered; its reply is refused")
                metrics, weight = self._metrics(reply, f"node {node}")
            except ProtocolError as error:
                _LOG.log(WARNING, "evaluation %d: %s", server_round, error)
                continue
            answered.add(node)
            for name, value in metrics.items():
                if name != self.records.weight and isinstance(value, int | float) and math.isfinite(value):
                    stated.setdefault(name, {})[node] = (float(value), weight)
        agreed: dict[str, int | float | list[int] | list[float]] = {
            name: float(consensus(*zip(*values.values(), strict=True)).estimate[0])
            for name, values in sorted(stated.items())
            if 2 * len(values) > len(answered)
        }
        return flwr.app.MetricRecord(agreed) if agreed else None

    def _nodes(self, grid: flwr.serverapp.Grid) -> tuple[str, ...]:
        """The nodes that are connected, when they are enough; waits for them."""
        until = time.monotonic() + self.timeout_seconds
        while True:
            nodes, left = sorted(grid.get_node_ids()), until - time.monotonic()
            if len(nodes) >= max(self.terms.minimum, self.terms.enough or 0) or left <= 0:
                return tuple(map(str, nodes))
            time.sleep(min(left, _PAUSE_SECONDS))

    def _messages(
        self, arrays: flwr.app.ArrayRecord, config: flwr.app.ConfigRecord, server_round: int, kind: str
    ) -> list[flwr.app.Message]:
        config["server-round"] = server_round
        content = flwr.app.RecordDict({self.records.arrays: arrays, self.records.config: config})
        return [flwr.app.Message(content, int(node), kind) for node in self._asked]

    def _update(
        self, reply: flwr.app.Message, sent: Vector, taken: Mapping[str, tuple[Vector, float]]
    ) -> tuple[str, Vector, float]:
        """Which node it is of, what its model moved by, and its weight."""
        node = str(reply.metadata.src_node_id)
        whose = f"node {node}"
        if node not in self._asked or node in taken:
            raise ProtocolError(f"{whose} was not asked in this round, or has answered; its reply is refused")
        _, weight = self._metrics(reply, whose)
        arrays = reply.content.array_records.get(self.records.arrays)
        if arrays is None or self._layout is None:
            raise ProtocolError(
                f"the reply of {whose} has no record {self.records.arrays!r}; name it as the strategy does"
            )
        return node, self._layout.vector(arrays, whose) - sent, weight

    def _metrics(self, reply: flwr.app.Message, whose: str) -> tuple[flwr.app.MetricRecord, float]:
        """The reply's only record of metrics, and its weight."""
        if reply.has_error():
            raise ProtocolError(f"{whose} failed: {str(reply.error.reason)[:200]}")
        records = list(reply.content.metric_records.values())
        metrics = records[0] if len(records) == 1 else flwr.app.MetricRecord()
        weight = metrics.get(self.records.weight) if self.records.weight else 1.0
        if not isinstance(weight, int | float) or not 0 < weight <= self.records.largest_weight:
            raise ProtocolError(
                f"{whose} states {self.records.weight}={weight!r} in {len(records)} records of metrics; one is expected, with "
                f"a number above 0 and at most {self.records.largest_weight:g}"
            )
        return metrics, float(weight)

    def _stepped(self, before: State, updates: Mapping[str, tuple[Vector, float]]) -> State:
        if len(updates) < self.terms.minimum:
            raise FederatedError(
                f"{len(updates)} of {len(self._asked)} nodes sent a model, {self.terms.minimum} are needed"
            )
        matrix = np.stack([update for update, _ in updates.values()])
        weights = np.array([weight for _, weight in updates.values()])
        result = vector_of(self.rule(matrix, weights), "the rule's result", before.model.size)
        return self.strategy.step(before, Aggregate(result, len(updates) / len(self._asked)))
