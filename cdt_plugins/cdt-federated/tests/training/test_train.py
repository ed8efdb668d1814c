"""Training over real rounds: it converges, survives drop-outs, bad sites and crashes, and says what happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from attrs import evolve
from federation import coordinator_of, key_of, sites_of
from slopes import LENGTH, OPTIMUM, ROSTER, SITES, START, distance_of, trainees

from cdt_core.errors import AccessError, FederatedError
from cdt_core.governance import Agreement, Party, Person, Request
from cdt_federated.reputation import Reputation
from cdt_federated.rounds import (
    Faults,
    InProcess,
    Journal,
    PlainExchange,
    PlainParty,
    Site,
    Terms,
    rule_of,
    run_round,
    under,
)
from cdt_federated.strategies import SCAFFOLD, FedAdam, FedAvg
from cdt_federated.training import Plain, Training, train
from cdt_federated.training.checkpoint import Checkpoint
from cdt_robust import plugin as robust


def test_scaffold_reaches_the_optimum_of_all_the_data_by_the_sites_weights():
    training = Training(
        strategy=SCAFFOLD(steps=5, rate=0.1), rounds=60, measure=lambda m: float(np.abs(m - OPTIMUM).max())
    )
    trained = train(training, START, coordinator_of(ROSTER), InProcess(trainees(training.strategy)))
    assert distance_of(trained) < 1e-10
    assert [record.round for record in trained.history] == list(range(1, 61))
    assert trained.history.rounds[-1].measure < 1e-10
    assert "round  sites  dropped" in str(trained.history)


def test_it_does_so_with_a_fifth_of_the_sites_out_of_every_round():
    """A site that computed and was not counted stays where it was: else the controls would never agree again."""
    strategy = SCAFFOLD(steps=5, rate=0.05)
    deliver, coordinator = InProcess(trainees(strategy)), coordinator_of(ROSTER, Terms(minimum=2))

    def unreliable(requests):
        out = [(ROSTER.names[coordinator.round % SITES], "update")]
        deliver.faults = Faults(**{("dropped", "slow")[coordinator.round % 2]: out})
        return deliver(requests)

    trained = train(Training(strategy=strategy, rounds=300), START, coordinator, unreliable)
    assert all(len(record.dropped) == 1 for record in trained.history)
    assert distance_of(trained) < 1e-9


def test_one_bad_site_ruins_the_mean_and_not_the_median():
    strategy, bad = FedAvg(steps=2, rate=0.1), ("site-0",)
    median = rule_of(next(offer for offer in robust.cdt_aggregators() if "median" in offer.name))
    distances = {}
    for name, rule in (("mean", None), ("median", median)):
        carrier = Plain() if rule is None else Plain(rule=rule)
        training = Training(strategy=strategy, rounds=40, carrier=carrier)
        trained = train(training, START, coordinator_of(ROSTER), InProcess(trainees(strategy, carrier, bad)))
        distances[name] = distance_of(trained)
    assert distances["mean"] > 5
    assert distances["median"] < 1.5


def test_reputation_takes_a_bad_sites_weight_away():
    strategy, bad = FedAvg(steps=1, rate=0.1), ("site-4",)
    coordinator = coordinator_of(ROSTER)
    training = Training(strategy=strategy, rounds=30, reputation=Reputation(floor=0.01))
    trained = train(training, START, coordinator, InProcess(trainees(strategy, bad=bad)))
    weights = trained.history.rounds[-1].trust
    assert weights["site-4"] < 0.1 < 0.5 < min(weights["site-1"] / 2, weights["site-2"] / 3)
    assert trained.trust.rounds == 30
    assert set(trained.trust.levels) == {site.fingerprint for site in ROSTER.sites}


class CrashError(Exception):
    """The process ends here."""


@pytest.mark.parametrize(
    ("answers", "strategy", "reputation"),
    [
        (0, SCAFFOLD(steps=3, rate=0.1), None),
        (3, FedAdam(steps=3, rate=0.1), Reputation()),
        (5, SCAFFOLD(steps=3, rate=0.1), None),
        (5, FedAdam(steps=3, rate=0.1), Reputation()),
    ],
)
def test_after_a_crash_the_same_call_goes_on_to_the_same_bits(tmp_path, monkeypatch, answers, strategy, reputation):
    """In the sixth round after some answers; with all five, after the round and before its checkpoint."""
    training = Training(strategy=strategy, rounds=12, reputation=reputation)
    whole = train(training, START, coordinator_of(ROSTER), InProcess(trainees(training.strategy)))
    deliver = InProcess(trainees(training.strategy))

    def dying(requests):
        for at, message in enumerate(deliver(requests)):
            if (coordinator.round, at) == (6, answers):
                raise CrashError
            yield message

    with Journal(tmp_path / "journal") as journal, monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "write", _crashing_at(6, Checkpoint.write))
        coordinator = coordinator_of(ROSTER, journal=journal)
        with pytest.raises(CrashError):
            train(training, START, coordinator, dying, folder=tmp_path)
    with Journal(tmp_path / "journal") as journal:
        trained = train(training, START, coordinator_of(ROSTER, journal=journal), deliver, folder=tmp_path)
    assert trained.model.tobytes() == whole.model.tobytes()
    assert trained.trust == whole.trust
    assert [record.round for record in trained.history] == list(range(1, 13))


def _crashing_at(round_, write):
    def crashing(checkpoint, path):
        if checkpoint.round == round_:
            raise CrashError
        write(checkpoint, path)

    return crashing


def test_a_round_that_fails_is_told_and_tried_again_until_patience_ends():
    strategy = FedAvg()
    deliver, coordinator = InProcess(trainees(strategy)), coordinator_of(ROSTER, Terms(minimum=4))

    def flaky(requests):
        out = [(name, "update") for name in ROSTER.names[:2]] if coordinator.round in bad_rounds else []
        deliver.faults = Faults(dropped=out)
        return deliver(requests)

    bad_rounds = (2, 3)
    trained = train(Training(strategy=strategy, rounds=3), START, coordinator, flaky)
    assert [bool(record.reason) for record in trained.history] == [False, True, True, False, False]
    assert "3 of 5 sites answered stage 'update', 4 are needed" in str(trained.history)
    bad_rounds = range(6, 20)
    with pytest.raises(FederatedError, match="3 rounds failed in a row, the last, round 8, because: 3 of 5 sites"):
        train(Training(strategy=strategy, rounds=1), START, coordinator, flaky)


def test_a_folder_of_another_training_or_a_damaged_one_is_refused(tmp_path):
    deliver = InProcess(trainees(FedAvg()))
    train(Training(strategy=FedAvg(), rounds=1), START, coordinator_of(ROSTER), deliver, folder=tmp_path)
    other = Training(strategy=FedAdam(), rounds=1)
    with pytest.raises(FederatedError, match="holds a training of 6 values by FedAvg"):
        train(other, START, coordinator_of(ROSTER), deliver, folder=tmp_path)
    again = Training(strategy=FedAvg(), rounds=2)
    with pytest.raises(FederatedError, match="after round 1, the coordinator after 0"):
        train(again, START, coordinator_of(ROSTER), deliver, folder=tmp_path)
    path = tmp_path / "training.checkpoint"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(FederatedError, match="the checkpoint is damaged"):
        train(again, START, coordinator_of(ROSTER), deliver, folder=tmp_path)


def test_rounds_of_something_else_may_come_between(tmp_path):
    strategy = FedAvg(steps=2)
    with Journal(tmp_path / "journal") as journal:
        coordinator, sites = coordinator_of(ROSTER, journal=journal), trainees(strategy)
        train(Training(strategy=strategy, rounds=2), START, coordinator, InProcess(sites), folder=tmp_path)
        others = sites_of(ROSTER)
        run_round(coordinator, InProcess(others), lambda o: PlainExchange(o.sites, 5), b"a count")
        trained = train(Training(strategy=strategy, rounds=4), START, coordinator, InProcess(sites), folder=tmp_path)
    assert [record.round for record in trained.history] == [1, 2, 4, 5]
    whole = train(Training(strategy=strategy, rounds=4), START, coordinator_of(ROSTER), InProcess(trainees(strategy)))
    assert trained.model.tobytes() == whole.model.tobytes()


def test_an_interrupted_round_without_a_checkpoint_is_not_guessed_at(tmp_path):
    with Journal(tmp_path) as journal:
        coordinator_of(ROSTER, journal=journal).begin(lambda o: PlainExchange(o.sites, LENGTH))
    with Journal(tmp_path) as journal, pytest.raises(FederatedError, match="no checkpoint says of which training"):
        train(Training(strategy=FedAvg()), START, coordinator_of(ROSTER, journal=journal), InProcess([]))


def test_updates_may_travel_in_single_precision():
    carrier, strategy = Plain(single=True), SCAFFOLD(steps=5, rate=0.1)
    trained = train(
        Training(strategy=strategy, rounds=60, carrier=carrier),
        START,
        coordinator_of(ROSTER),
        InProcess(trainees(strategy, carrier)),
    )
    assert 1e-12 < distance_of(trained) < 1e-6


@pytest.mark.parametrize("by_round", [False, True])
def test_rounds_under_an_agreement_are_asked_for_one_by_one(by_round):
    """The agreement expires between the second round and the third."""
    agreement = Agreement(
        name="tumours-2026",
        parties=[Party(name=name, region="EU") for name in ROSTER.names],
        people=[Person(name="ana", roles=("analyst",))],
        may_ask={"analyst": ("round",)},
        purposes=("tumour model",),
        details=("models",),
        expires=datetime(2027, 1, 1, tzinfo=UTC),
    )
    request = Request(
        actor="ana",
        kind="round",
        purpose="tumour model",
        detail="models",
        destination="EU",
        group_size=50,
        carrier="plain",
    )
    noted, days = [], iter((30, 31, 32))
    allowed = under(
        agreement,
        (lambda opening: evolve(request, group_size=50 + opening.round)) if by_round else request,
        now=lambda: datetime(2026, 12, 1, tzinfo=UTC) + timedelta(days=next(days) - 1),
        noted=lambda asked, decision: noted.append((asked.subject, asked.group_size, decision.allowed)),
    )
    coordinator = coordinator_of(ROSTER, allowed=allowed)
    with pytest.raises(AccessError, match="expires"):
        train(Training(strategy=FedAvg(), rounds=5), START, coordinator, InProcess(trainees(FedAvg())))
    sizes = (51, 52, 53) if by_round else (50, 50, 50)
    assert noted == [(f"round {n} of trial, 5 sites", size, n < 3) for n, size in enumerate(sizes, 1)]
    assert coordinator.round == 2


def test_a_site_so_far_off_that_no_distance_measures_it_does_not_end_the_training():
    median = rule_of(next(offer for offer in robust.cdt_aggregators() if "median" in offer.name))
    strategy, carrier = FedAvg(steps=1, rate=0.1), Plain(rule=median)
    sites = trainees(strategy, carrier)
    sites[4] = Site("site-4", key_of("site-4"), ROSTER, lambda opening: PlainParty(lambda: [1.7e308] * LENGTH, LENGTH))
    training = Training(strategy=strategy, rounds=5, carrier=carrier, reputation=Reputation())
    trained = train(training, START, coordinator_of(ROSTER), InProcess(sites))
    assert trained.history.rounds[-1].trust["site-4"] == 5 * training.reputation.floor


def test_settings_are_agreed_by_value_and_not_by_type():
    strategy = FedAvg(steps=np.int64(1), rate=np.float64(1), server_rate=1)
    trained = train(
        Training(strategy=strategy, rounds=1), START, coordinator_of(ROSTER), InProcess(trainees(FedAvg(rate=1.0)))
    )
    assert trained.history.rounds[0].included == ROSTER.names


def test_what_cannot_go_together_or_is_no_carrier_or_rule_is_refused(tmp_path):
    with pytest.raises(FederatedError, match="SCAFFOLD needs the same weights in every round"):
        Training(strategy=SCAFFOLD(), reputation=Reputation())
    offers = {offer.name: offer for offer in robust.cdt_aggregators()}
    median = next(offer for name, offer in offers.items() if "median" in name)
    for rule in (median, rule_of(median), lambda updates, weights: updates[0]):
        with pytest.raises(FederatedError, match="the rule of this carrier does not keep"):
            Training(strategy=SCAFFOLD(), carrier=Plain(rule=rule))
        assert Training(strategy=FedAvg(), carrier=Plain(rule=rule)).carrier.rule is rule
    added = next(offer for offer in offers.values() if offer.additive)
    for carrier in (Plain(rule=added), Plain(rule=rule_of(added), additive=True), Plain()):
        assert Training(strategy=SCAFFOLD(), carrier=carrier).carrier.additive
    with pytest.raises(FederatedError, match="'plain' is no carrier"):
        Training(strategy=FedAvg(), carrier="plain")
    with pytest.raises(FederatedError, match="'median' is no rule"):
        Plain(rule="median")
    (tmp_path / "file").write_text("")
    training, deliver = Training(strategy=FedAvg(), rounds=1), InProcess(trainees(FedAvg()))
    with pytest.raises(FederatedError, match="the checkpoint cannot be"):
        train(training, START, coordinator_of(ROSTER), deliver, folder=tmp_path / "file")
