"""Flower's own messages under our rules: what a node sends is checked, and one bad node does not end the round."""

from __future__ import annotations

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from grids import LocalGrid, arrays, model

from cdt_core.errors import FederatedError
from cdt_federated.flower import FederatedStrategy
from cdt_federated.flower.strategy import Records
from cdt_federated.rounds import Terms, rule_of
from cdt_federated.strategies import SCAFFOLD, FedAvg, FedAvgM
from cdt_robust import plugin as robust

START = {"weights": np.ones((2, 3), np.float32), "bias": np.zeros(3)}


def _app(node, examples=10):
    """An ordinary ClientApp: it adds its number to each array."""
    app = ClientApp()

    @app.train()
    def train(message, context):
        moved = {name: Array(array.numpy() + array.numpy().dtype.type(node)) for name, array in model(message).items()}
        metrics = MetricRecord({"num-examples": examples, "loss": float(node)})
        return Message(RecordDict({"arrays": ArrayRecord(moved), "metrics": metrics}), reply_to=message)

    @app.evaluate()
    def evaluate(message, context):
        metrics = MetricRecord({"num-examples": examples, "loss": float(node), "accuracy": [0.5]})
        return Message(RecordDict({"metrics": metrics}), reply_to=message)

    return app


def _start(strategy, grid, rounds=1):
    return strategy.start(grid, arrays(**START), num_rounds=rounds)


def test_the_model_moves_by_the_weighted_mean_in_its_own_shapes_and_dtypes():
    strategy = FederatedStrategy()
    result = _start(strategy, LocalGrid([_app(0, 10), _app(4, 30)]))
    assert np.array_equal(result.arrays["weights"].numpy(), np.full((2, 3), 4, np.float32))
    assert np.array_equal(result.arrays["bias"].numpy(), np.full(3, 3.0))
    assert [a.numpy().dtype for a in result.arrays.values()] == [np.float32, np.float64]
    assert result.train_metrics_clientapp[1] == {"sites": 2, "refused": 0}
    assert strategy.history.rounds[0].included == ("100", "101")


def test_any_rule_and_any_server_step():
    median = rule_of(next(offer for offer in robust.cdt_aggregators() if "median" in offer.name))
    strategy = FederatedStrategy(FedAvgM(momentum=0.5), median)
    result = _start(strategy, LocalGrid([_app(1), _app(2), _app(1e6)]), rounds=2)
    assert np.allclose(result.arrays["bias"].numpy(), 2 + 1 + 2)


def _replaced(**records):
    """The reply of node 101 with other records; None takes one away."""

    def spoil(reply):
        if reply.metadata.src_node_id == 101:
            for name, record in records.items():
                reply.content.pop(name)
                if record is not None:
                    reply.content[name] = record
        return [reply]

    return spoil


def _npy(values):
    return Array(np.asarray(values))


def _pickled():
    return Array("float32", (2, 3), "numpy.ndarray", b"\x80\x04K\x01.")


def _lying(shape):
    """A few bytes that say to be a huge array."""
    honest = Array(np.ones((2, 3), np.float32))
    header = honest.data.replace(b"(2, 3), }", shape.ljust(9), 1)
    return Array(dtype="float32", shape=(2, 3), stype=honest.stype, data=header)


@pytest.mark.parametrize(
    "spoil",
    [
        _replaced(arrays=None),
        _replaced(arrays=arrays(weights=START["weights"])),
        _replaced(arrays=arrays(bias=START["bias"], weights=START["weights"])),
        _replaced(arrays=arrays(weights=START["weights"].T.copy(), bias=START["bias"])),
        _replaced(arrays=arrays(weights=START["weights"].astype(float), bias=START["bias"])),
        _replaced(arrays=arrays(weights=START["weights"], bias=np.array([1.0, np.nan, 1]))),
        _replaced(arrays=ArrayRecord({"weights": _lying(b"(9999,9)}"), "bias": _npy(START["bias"])})),
        _replaced(arrays=ArrayRecord({"weights": _pickled(), "bias": _npy(START["bias"])})),
        _replaced(metrics=None),
        _replaced(metrics=MetricRecord({"loss": 1.0})),
        _replaced(metrics=MetricRecord({"num-examples": -1})),
        _replaced(metrics=MetricRecord({"num-examples": float("nan")})),
        _replaced(metrics=MetricRecord({"num-examples": 1e300})),
        _replaced(metrics=MetricRecord({"num-examples": [3, 3]})),
    ],
)  # fmt: skip
def test_a_reply_that_cannot_be_used_is_refused_and_the_others_count(spoil):
    strategy = FederatedStrategy()
    result = _start(strategy, LocalGrid([_app(2), _app(1e9), _app(4)], spoil))
    assert np.array_equal(result.arrays["bias"].numpy(), np.full(3, 3.0))
    assert strategy.history.rounds[0].refused == {"reply": 1}
    assert strategy.history.rounds[0].dropped == ("101",)


def test_a_node_that_fails_or_answers_twice_does_not_count_more():
    def spoil(reply):
        return [reply, reply]

    broken = ClientApp()
    strategy = FederatedStrategy()
    result = _start(strategy, LocalGrid([_app(2), _app(4), broken], spoil))
    assert np.array_equal(result.arrays["bias"].numpy(), np.full(3, 3.0))
    assert strategy.history.rounds[0].refused == {"reply": 4}


def test_too_few_replies_leave_the_model_as_it_is_and_say_so():
    strategy = FederatedStrategy(terms=Terms(minimum=2))
    result = _start(strategy, LocalGrid([_app(2), ClientApp()]))
    assert len(result.arrays) == 0
    assert strategy.history.rounds[0].reason == "1 of 2 nodes sent a model, 2 are needed"


def test_too_few_nodes_are_waited_for_and_then_named():
    with pytest.raises(FederatedError, match="round 1 needs 2 sites and 1 can be reached"):
        _start(FederatedStrategy(timeout_seconds=1e-3), LocalGrid([_app(1)]))


def test_nodes_are_drawn_by_the_seed():
    grid = LocalGrid([_app(n) for n in range(6)])
    _start(FederatedStrategy(terms=Terms(minimum=2, share=0.5, seed=4)), grid)
    again = LocalGrid([_app(n) for n in range(6)])
    _start(FederatedStrategy(terms=Terms(minimum=2, share=0.5, seed=4)), again)
    asked = [message.metadata.dst_node_id for message in grid.sent]
    assert len(asked) == 3
    assert asked == [message.metadata.dst_node_id for message in again.sent]


def test_evaluation_takes_the_weighted_median_of_what_nodes_state():
    strategy = FederatedStrategy(evaluates=True)
    result = _start(strategy, LocalGrid([_app(1), _app(2), _app(-1e9)]))
    assert result.evaluate_metrics_clientapp[1] == {"loss": 1.0}


def test_weights_may_be_left_out():
    strategy = FederatedStrategy(records=Records(weight=""))
    result = _start(strategy, LocalGrid([_app(0, 1), _app(4, 1000)]))
    assert np.array_equal(result.arrays["bias"].numpy(), np.full(3, 2.0))


def test_what_it_cannot_do_is_said_at_once():
    with pytest.raises(FederatedError, match="SCAFFOLD sends more than a model"):
        FederatedStrategy(SCAFFOLD())
    with pytest.raises(FederatedError, match="array 'steps' of the model has dtype int64"):
        FederatedStrategy(FedAvg()).start(LocalGrid([_app(1), _app(2)]), arrays(steps=np.array([1])), num_rounds=1)


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_node_that_evaluates_to_no_number_does_not_end_the_run(loss):
    def spoil(reply):
        if reply.metadata.src_node_id == 101 and "arrays" not in reply.content:
            reply.content["metrics"] = MetricRecord({"num-examples": 10, "loss": loss})
        return [reply, reply]

    result = _start(FederatedStrategy(evaluates=True), LocalGrid([_app(1), _app(2), _app(3), _app(9)], spoil))
    assert result.evaluate_metrics_clientapp[1] == {"loss": 3.0}


def test_a_node_that_leaves_a_metric_out_does_not_hide_it():
    def spoil(reply):
        if reply.metadata.src_node_id == 101 and "arrays" not in reply.content:
            reply.content["metrics"] = MetricRecord({"num-examples": 10, "mine": 1.0})
        return [reply]

    result = _start(FederatedStrategy(evaluates=True), LocalGrid([_app(1), _app(2), _app(3)], spoil))
    assert result.evaluate_metrics_clientapp[1] == {"loss": 2.0}


def test_a_second_run_begins_with_the_model_that_it_is_given():
    strategy = FederatedStrategy(FedAvgM(momentum=0.5))
    first = _start(strategy, LocalGrid([_app(0), _app(4)]), rounds=2)
    again = _start(strategy, LocalGrid([_app(0), _app(4)]), rounds=2)
    assert np.array_equal(first.arrays["bias"].numpy(), again.arrays["bias"].numpy())
    assert len(strategy.history) == 2


def test_a_node_that_does_not_move_has_an_update_of_zeros_in_any_dtype():
    seen = []

    def rule(updates, weights):
        seen.append(updates)
        return updates.mean(axis=0) + 1 / 3

    start = arrays(weights=np.ones(3, np.float16))
    FederatedStrategy(rule=rule).start(LocalGrid([_app(0), _app(0)]), start, num_rounds=2)
    assert not np.stack(seen).any()


def test_a_model_that_leaves_its_dtype_is_not_sent():
    strategy = FederatedStrategy(rule=lambda updates, weights: np.full(3, 1e9))
    start = arrays(weights=np.ones(3, np.float16))
    result = strategy.start(LocalGrid([_app(0), _app(0)]), start, num_rounds=1)
    assert len(result.arrays) == 0
    assert strategy.history.rounds[0].reason.startswith("array 'weights' of the model left the range of float16")
