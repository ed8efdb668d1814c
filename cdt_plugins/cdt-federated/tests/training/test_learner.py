"""A site in trainings: it takes part in what it agreed to, and what it keeps of one misleads no other."""

from __future__ import annotations

import numpy as np
import pytest
from federation import coordinator_of, key_of
from slopes import LENGTH, ROSTER, SITES, START, distance_of, gradient_of, trainees

from cdt_core.errors import AccessError, FederatedError, ProtocolError
from cdt_federated.rounds import (
    InProcess,
    Journal,
    PlainExchange,
    PlainParty,
    Site,
    run_round,
)
from cdt_federated.strategies import SCAFFOLD, FedAdam, FedAvg
from cdt_federated.training import Learner, Training, train


def test_a_site_stays_out_of_a_training_that_it_did_not_agree_to():
    deliver = InProcess(trainees(FedAvg(rate=0.1)))
    with pytest.raises(FederatedError, match="because: 0 of 5 sites answered"):
        train(Training(strategy=FedAvg(rate=0.2), patience=1), START, coordinator_of(ROSTER), deliver)
    assert "'site-0' agreed to FedAvg(steps=1, rate=0.1" in str(deliver.failures["site-0"])


def test_a_site_says_when_its_model_has_another_length():
    deliver = InProcess(trainees(FedAvg()))
    with pytest.raises(FederatedError, match="0 of 5 sites answered"):
        train(Training(strategy=FedAvg(), patience=1), START[1:], coordinator_of(ROSTER), deliver)
    assert "the coordinator sends 5 values, this site's strategy and model take 6" in str(deliver.failures["site-0"])
    with pytest.raises(FederatedError, match="'FedAvg' is no strategy"):
        Training(strategy="FedAvg")


def test_a_site_refuses_a_task_that_is_none():
    deliver = InProcess(trainees(FedAvg()))
    run_round(coordinator_of(ROSTER), deliver, lambda o: PlainExchange(o.sites, LENGTH), b"cdt.train\x01garbage")
    assert all(isinstance(error, ProtocolError) for error in deliver.failures.values())
    assert len(deliver.failures) == SITES


def test_what_sites_kept_of_one_training_does_not_mislead_the_next():
    strategy = SCAFFOLD(steps=5, rate=0.1)
    coordinator, deliver = coordinator_of(ROSTER), InProcess(trainees(strategy))
    first = train(Training(strategy=strategy, rounds=40), START, coordinator, deliver)
    second = train(Training(strategy=strategy, rounds=40), START, coordinator, deliver)
    assert second.model.tobytes() == first.model.tobytes()
    assert [record.round for record in second.history][:2] == [41, 42]


def test_rounds_of_something_else_between_those_of_a_training_take_nothing_from_what_sites_keep():
    strategy, asked = SCAFFOLD(steps=5, rate=0.1), []

    def joining(name):
        learner = Learner(strategy, gradient_of(name), LENGTH)
        return lambda opening: PlainParty(lambda: np.ones(1), 1) if opening.task == b"a count" else learner(opening)

    coordinator = coordinator_of(ROSTER)
    deliver = InProcess([Site(name, key_of(name), ROSTER, joining(name)) for name in ROSTER.names])

    def counting_between(model):
        asked.append(run_round(coordinator, deliver, lambda o: PlainExchange(o.sites, 1), b"a count"))
        return 0.0

    training = Training(strategy=strategy, rounds=60, measure=counting_between)
    trained = train(training, START, coordinator, deliver)
    assert [record.round for record in trained.history] == list(range(1, 121, 2))
    assert all(outcome.included == ROSTER.names for outcome in asked)
    assert distance_of(trained) < 1e-10


def test_two_trainings_that_were_written_down_at_the_same_round_are_two(tmp_path):
    """The first is stopped before its first round; another one trains; then the first begins."""
    strategy = SCAFFOLD(steps=5, rate=0.1)
    sites = InProcess(trainees(strategy))
    with Journal(tmp_path / "journal") as journal:
        coordinator = coordinator_of(ROSTER, journal=journal, allowed=lambda opening: _refuse(opening, allowed))
        one, other = Training(strategy=strategy, rounds=30), Training(strategy=strategy, rounds=10)
        allowed = []
        with pytest.raises(AccessError):
            train(one, START, coordinator, sites, folder=tmp_path / "one")
        allowed = range(100)
        train(other, START, coordinator, sites, folder=tmp_path / "other")
        trained = train(one, START, coordinator, sites, folder=tmp_path / "one")
    alone = train(one, START, coordinator_of(ROSTER), InProcess(trainees(strategy)))
    assert [record.round for record in trained.history] == list(range(11, 41))
    assert trained.model.tobytes() == alone.model.tobytes()


def _refuse(opening, allowed):
    if opening.round not in allowed:
        raise AccessError(f"round {opening.round} is not allowed")


def test_a_training_whose_memory_at_the_sites_is_gone_is_not_gone_on_with(tmp_path):
    strategy = SCAFFOLD(steps=5, rate=0.1)
    sites = InProcess(trainees(strategy))
    with Journal(tmp_path / "journal") as journal:
        coordinator = coordinator_of(ROSTER, journal=journal)
        train(Training(strategy=strategy, rounds=5), START, coordinator, sites, folder=tmp_path / "one")
        train(Training(strategy=strategy, rounds=5), START, coordinator, sites, folder=tmp_path / "other")
        with pytest.raises(FederatedError, match="3 rounds failed in a row"):
            train(Training(strategy=strategy, rounds=9), START, coordinator, sites, folder=tmp_path / "one")
        assert "keeps nothing any more of the training that began after round 0" in str(sites.failures["site-0"])
        trained = train(Training(strategy=strategy, rounds=60), START, coordinator, sites, folder=tmp_path / "other")
    assert distance_of(trained) < 1e-10


@pytest.mark.parametrize("strategy", [FedAvg(steps=2), FedAdam()])
def test_a_training_of_which_sites_keep_nothing_may_pause_for_another(tmp_path, strategy):
    sites = InProcess(trainees(strategy))
    with Journal(tmp_path / "journal") as journal:
        coordinator = coordinator_of(ROSTER, journal=journal)
        for rounds in (2, 4):
            for folder in ("one", "other"):
                trained = train(
                    Training(strategy=strategy, rounds=rounds), START, coordinator, sites, folder=tmp_path / folder
                )
    whole = train(Training(strategy=strategy, rounds=4), START, coordinator_of(ROSTER), InProcess(trainees(strategy)))
    assert trained.model.tobytes() == whole.model.tobytes()


def test_a_learner_goes_on_in_another_process():
    strategy = SCAFFOLD(steps=3, rate=0.1)
    coordinator = coordinator_of(ROSTER)
    whole = train(Training(strategy=strategy, rounds=8), START, coordinator_of(ROSTER), InProcess(trainees(strategy)))
    saved = {}

    def deliver(requests):
        """Each message is answered by a new process of the site."""
        for name, request in requests.items():
            site = Site(name, key_of(name), ROSTER, Learner(strategy, gradient_of(name), LENGTH))
            if name in saved:
                site.restore(saved[name])
            yield site.answer(request)
            saved[name] = site.saved()

    trained = train(Training(strategy=strategy, rounds=8), START, coordinator, deliver)
    assert trained.model.tobytes() == whole.model.tobytes()
    learner = Learner(strategy, gradient_of("site-0"), LENGTH)
    saved = learner.saved()
    for wrong in (saved[:-1], saved + b"?", b"?" + saved[1:]):
        with pytest.raises(ProtocolError, match="saved state of a learner"):
            Learner(strategy, gradient_of("site-0"), LENGTH).restore(wrong)
