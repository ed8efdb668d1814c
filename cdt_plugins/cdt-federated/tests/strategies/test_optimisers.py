"""The server's optimisers give, round for round, what the formulas of Reddi et al. 2021 and Hsu et al. 2019 say."""

from __future__ import annotations

import numpy as np
import pytest

from cdt_core.errors import FederatedError
from cdt_federated.strategies import (
    SCAFFOLD,
    Aggregate,
    FedAdagrad,
    FedAdam,
    FedAvg,
    FedAvgM,
    FedProx,
    FedYogi,
    Strategy,
)
from cdt_federated.strategies.adaptive import Adaptive

ALL = (FedAvg, FedProx, SCAFFOLD, FedAdam, FedYogi, FedAdagrad, FedAvgM)
MOVES = np.random.default_rng(5).normal(0, [1e-4, 1.0, 50.0], (12, 3))


def _run(strategy):
    state = strategy.start([1.0, -2.0, 3.0])
    for move in MOVES:
        state = strategy.step(state, Aggregate(move))
    return state.model


def _plain(beta1, eta, tau, scale):
    """Algorithm 2 of Reddi et al., one number after another."""
    model = [1.0, -2.0, 3.0]
    for at in range(3):
        m, v = 0.0, tau**2
        for move in MOVES[:, at]:
            m = beta1 * m + (1 - beta1) * move
            v = scale(v, move**2)
            model[at] += eta * m / (v**0.5 + tau)
    return model


def test_fedadam():
    expected = _plain(0.8, 0.3, 1e-2, lambda v, square: 0.9 * v + 0.1 * square)
    assert np.allclose(
        _run(FedAdam(momentum=0.8, memory_share=0.9, server_rate=0.3, caution=1e-2)), expected, rtol=1e-13
    )


def test_fedyogi():
    expected = _plain(0.8, 0.3, 1e-2, lambda v, square: v - 0.1 * square * np.sign(v - square))
    assert np.allclose(
        _run(FedYogi(momentum=0.8, memory_share=0.9, server_rate=0.3, caution=1e-2)), expected, rtol=1e-13
    )


def test_fedadagrad():
    expected = _plain(0.0, 0.3, 1e-2, lambda v, square: v + square)
    assert np.allclose(_run(FedAdagrad(server_rate=0.3, caution=1e-2)), expected, rtol=1e-13)


def test_fedavgm():
    model, momentum = np.array([1.0, -2.0, 3.0]), 0
    for move in MOVES:
        momentum = 0.7 * momentum + move
        model = model + 0.5 * momentum
    assert np.array_equal(_run(FedAvgM(momentum=0.7, server_rate=0.5)), model)


def test_fedavg_at_a_server_rate_of_one_is_the_mean_of_the_sites_models():
    strategy = FedAvg(steps=3, rate=0.1)
    state = strategy.start([1.0, 2.0])
    targets = ([0.0, 0.0], [4.0, -4.0])
    sent = [strategy.local(strategy.broadcast(state), None, lambda m, _, t=t: m - t).values for t in targets]
    models = [np.asarray(t) + 0.9**3 * (state.model - t) for t in targets]
    assert np.allclose(
        strategy.step(state, Aggregate(np.mean(sent, axis=0))).model, np.mean(models, axis=0), rtol=1e-14
    )


@pytest.mark.parametrize("make", ALL)
def test_a_strategy_is_pure(make):
    strategy = make()
    assert isinstance(strategy, Strategy)
    state = strategy.start(np.arange(4))
    received = strategy.broadcast(state)
    assert received.size == 4 * strategy.downloads
    kept = received.copy()
    first = strategy.local(received, None, lambda model, step: model + step)
    again = strategy.local(received, None, lambda model, step: model + step)
    assert np.array_equal(received, kept)
    assert first.values.tobytes() == again.values.tobytes()
    assert first.values.size == 4 * strategy.uploads
    later = strategy.step(state, Aggregate(first.values))
    assert (state.rounds, later.rounds) == (0, 1)
    assert np.array_equal(state.model, np.arange(4))
    with pytest.raises(ValueError, match="read-only"):
        later.model[0] = 1.0


@pytest.mark.parametrize("make", ALL)
def test_what_is_no_update_or_gradient_is_refused_with_its_place(make):
    strategy = make()
    state = strategy.start([1.0, 2.0])
    received = strategy.broadcast(state)
    with pytest.raises(FederatedError, match="gradient at local step 0 is nan at index 1"):
        strategy.local(received, None, lambda model, step: [0.0, np.nan])
    with pytest.raises(FederatedError, match=r"gradient at local step 0 has 3 values, 2 are expected"):
        strategy.local(received, None, lambda model, step: np.zeros(3))
    with pytest.raises(FederatedError, match="aggregate of round 1 has 5 values"):
        strategy.step(state, Aggregate(np.zeros(5)))
    with pytest.raises(FederatedError, match="the model has dtype"):
        strategy.start("model")
    with pytest.raises(FederatedError, match="the aggregate is inf at index 0"):
        Aggregate([np.inf])


def test_a_model_that_leaves_the_finite_numbers_names_its_round():
    strategy = FedAvg(server_rate=1e10)
    with np.errstate(over="ignore"), pytest.raises(FederatedError, match="the model after round 1 is inf at index 1"):
        strategy.step(strategy.start([0.0, 1.0]), Aggregate([1.0, 1e300]))


def test_values_as_large_as_float64_goes_are_not_mistaken_for_infinite():
    assert FedAvg().start([1e308, -1e308]).model[0] == 1e308


def test_a_scale_that_overflows_is_said_and_does_not_freeze_the_coordinate_for_ever():
    strategy = FedAdam()
    with pytest.raises(FederatedError, match="the scale after round 1 is inf at index 0"):
        strategy.step(strategy.start([0.0]), Aggregate([1e200]))


def test_a_gradient_of_rows_that_differ_in_length_is_refused():
    with pytest.raises(FederatedError, match="the gradient at local step 0 has rows of different lengths"):
        FedAvg().local([1.0, 2.0], None, lambda model, step: [[1.0], [1.0, 2.0]])


def test_a_scale_of_ones_own_has_to_be_given():
    class Plainly(Adaptive):
        pass

    with pytest.raises(TypeError, match="abstract method scale"):
        Plainly()
