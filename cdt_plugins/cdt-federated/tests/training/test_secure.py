"""The same training under secure sums: the same model but for the lattice, drop-outs at every stage, crashes resumed."""

from __future__ import annotations

import numpy as np
import pytest
from federation import coordinator_of, key_of, roster_of

from cdt_core.errors import FederatedError
from cdt_federated.reputation import Reputation
from cdt_federated.rounds import Faults, InProcess, Journal, Site, Terms
from cdt_federated.strategies import SCAFFOLD, FedAvg
from cdt_federated.training import Learner, Secure, Training, train

pytest.importorskip("cdt_privacy.secure")

LENGTH, SITES = 6, 5
ROSTER = roster_of(SITES)
RNG = np.random.default_rng(4)
SLOPES, OPTIMA = RNG.uniform(0.5, 2, (SITES, LENGTH)), RNG.normal(size=(SITES, LENGTH))
WEIGHTS = np.array([site.weight for site in ROSTER.sites])
OPTIMUM = WEIGHTS @ (SLOPES * OPTIMA) / (WEIGHTS @ SLOPES)
START = np.zeros(LENGTH)
STAGES = ("keys", "shares", "masked", "consistency", "unmask")


def _carrier(name=None, **how):
    return Secure(roster=ROSTER, clip=50.0, key=None if name is None else key_of(name), **how)


def _learner(strategy, name, **how):
    at = ROSTER.names.index(name)
    return Learner(strategy, lambda model, step: SLOPES[at] * (model - OPTIMA[at]), LENGTH, _carrier(name, **how))


def _sites(strategy, **how):
    return [Site(name, key_of(name), ROSTER, _learner(strategy, name, **how)) for name in ROSTER.names]


def _distance(trained):
    return np.linalg.norm(trained.model - OPTIMUM) / np.linalg.norm(OPTIMUM)


@pytest.mark.parametrize(("bits", "closeness"), [(32, 1e-5), (64, 1e-9)])
def test_scaffold_reaches_the_weighted_optimum_to_the_lattice(bits, closeness):
    strategy = SCAFFOLD(steps=5, rate=0.1)
    training = Training(strategy=strategy, rounds=40, carrier=_carrier(bits=bits))
    trained = train(training, START, coordinator_of(ROSTER), InProcess(_sites(strategy, bits=bits)))
    assert _distance(trained) < closeness


def test_a_drop_out_at_each_stage_is_left_out_or_recovered():
    strategy = SCAFFOLD(steps=5, rate=0.1)
    deliver, coordinator = InProcess(_sites(strategy, bits=64)), coordinator_of(ROSTER, Terms(minimum=4))

    def unreliable(requests):
        place = (ROSTER.names[coordinator.round % SITES], STAGES[coordinator.round % len(STAGES)])
        deliver.faults = Faults(dropped=[place] if coordinator.round <= 10 else [])
        return deliver(requests)

    training = Training(strategy=strategy, rounds=40, carrier=_carrier(bits=64))
    trained = train(training, START, coordinator, unreliable)
    left_out = [len(record.dropped) for record in trained.history][:5]
    assert left_out == [1, 1, 0, 0, 1]  # rounds 1 to 5: shares, masked, consistency, unmask, keys
    assert _distance(trained) < 1e-8


def test_below_the_threshold_the_round_fails_with_the_reason():
    strategy = FedAvg()
    faults = Faults(dropped=[(name, "masked") for name in ROSTER.names[:2]])
    training = Training(strategy=strategy, carrier=_carrier(), patience=1)
    with pytest.raises(FederatedError, match="the threshold is 4; nothing was revealed"):
        train(training, START, coordinator_of(ROSTER), InProcess(_sites(strategy), faults))


def test_a_crash_in_the_middle_of_a_secure_round_is_resumed(tmp_path):
    strategy = SCAFFOLD(steps=5, rate=0.1)
    training = Training(strategy=strategy, rounds=30, carrier=_carrier(bits=64))
    deliver = InProcess(_sites(strategy, bits=64))

    class CrashError(Exception):
        """The coordinator's process ends here."""

    def dying(requests):
        for at, message in enumerate(deliver(requests)):
            if (coordinator.round, coordinator.stage, at) == (3, "masked", 2):
                raise CrashError
            yield message

    with Journal(tmp_path / "journal") as journal:
        coordinator = coordinator_of(ROSTER, journal=journal)
        with pytest.raises(CrashError):
            train(training, START, coordinator, dying, folder=tmp_path)
    with Journal(tmp_path / "journal") as journal:
        again = coordinator_of(ROSTER, journal=journal)
        assert again.interrupted
        trained = train(training, START, again, deliver, folder=tmp_path)
    assert all(record.dropped == () for record in trained.history)
    assert _distance(trained) < 1e-6


def test_each_message_may_be_answered_by_another_process_of_the_site():
    strategy, saved = FedAvg(steps=2), {}

    def deliver(requests):
        for name, request in requests.items():
            site = Site(name, key_of(name), ROSTER, _learner(strategy, name))
            if name in saved:
                site.restore(saved[name], _carrier(name).rejoin)
            answer = site.answer(request)
            saved[name] = site.saved()
            yield answer

    training = Training(strategy=strategy, rounds=2, carrier=_carrier())
    trained = train(training, START, coordinator_of(ROSTER), deliver)
    whole = train(training, START, coordinator_of(ROSTER), InProcess(_sites(strategy)))
    assert np.allclose(trained.model, whole.model, atol=1e-5)
    assert [len(record.included) for record in trained.history] == [SITES, SITES]


def test_what_secure_sums_hide_nothing_can_weigh():
    training = Training(strategy=FedAvg(), carrier=_carrier(), reputation=Reputation())
    with pytest.raises(FederatedError, match="sites weigh their own updates"):
        train(training, START, coordinator_of(ROSTER), InProcess(_sites(FedAvg())))


def test_a_site_without_its_key_or_with_another_clip_stays_out():
    learner = Learner(FedAvg(), lambda model, step: model, LENGTH, _carrier())
    other = Learner(FedAvg(), lambda m, s: m, LENGTH, Secure(roster=ROSTER, clip=1.0, key=key_of("site-1")))
    deliver = InProcess(
        [Site("site-0", key_of("site-0"), ROSTER, learner), Site("site-1", key_of("site-1"), ROSTER, other)]
    )
    with pytest.raises(FederatedError, match="0 of 5 sites answered"):
        train(Training(strategy=FedAvg(), carrier=_carrier(), patience=1), START, coordinator_of(ROSTER), deliver)
    assert "with its private key" in str(deliver.failures["site-0"])
    assert "clip=1.0" in str(deliver.failures["site-1"])
