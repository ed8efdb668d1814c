"""Training over real rounds: it converges, survives drop-outs, bad sites and crashes, and says what happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from attrs import evolve
from federation import coordinator_of, key_of, roster_of, sites_of

from cdt_core.errors import AccessError, FederatedError, ProtocolError
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
from cdt_federated.training import Learner, Plain, Training, train
from cdt_federated.training.checkpoint import Checkpoint
from cdt_robust import plugin as robust

LENGTH, SITES = 6, 5
ROSTER = roster_of(SITES)
RNG = np.random.default_rng(2)
SLOPES = RNG.uniform(0.5, 2, (SITES, LENGTH))
OPTIMA = RNG.normal(size=(SITES, LENGTH))
WEIGHTS = np.array([site.weight for site in ROSTER.sites])
OPTIMUM = WEIGHTS @ (SLOPES * OPTIMA) / (WEIGHTS @ SLOPES)
START = np.zeros(LENGTH)


def _gradient(name, bad=()):
    at = ROSTER.names.index(name)
    return lambda model, step: (-20 if name in bad else 1) * SLOPES[at] * (model - OPTIMA[at])


def _sites(strategy, carrier=None, bad=()):
    return [
        Site(name, key_of(name), ROSTER, Learner(strategy, _gradient(name, bad), LENGTH, carrier))
        for name in ROSTER.names
    ]


def _distance(trained):
    return np.linalg.norm(trained.model - OPTIMUM) / np.linalg.norm(OPTIMUM)


def test_scaffold_reaches_the_optimum_of_all_the_data_by_the_sites_weights():
    training = Training(
        strategy=SCAFFOLD(steps=5, rate=0.1), rounds=60, measure=lambda m: float(np.abs(m - OPTIMUM).max())
    )
    trained = train(training, START, coordinator_of(ROSTER), InProcess(_sites(training.strategy)))
    assert _distance(trained) < 1e-10
    assert [record.round for record in trained.history] == list(range(1, 61))
    assert trained.history.rounds[-1].measure < 1e-10
    assert "round  sites  dropped" in str(trained.history)


def test_it_does_so_with_a_fifth_of_the_sites_out_of_every_round():
    """A site that computed and was not counted stays where it was: else the controls would never agree again."""
    strategy = SCAFFOLD(steps=5, rate=0.05)
    deliver, coordinator = InProcess(_sites(strategy)), coordinator_of(ROSTER, Terms(minimum=2))

    def unreliable(requests):
        out = [(ROSTER.names[coordinator.round % SITES], "update")]
        deliver.faults = Faults(**{("dropped", "slow")[coordinator.round % 2]: out})
        return deliver(requests)

    trained = train(Training(strategy=strategy, rounds=300), START, coordinator, unreliable)
    assert all(len(record.dropped) == 1 for record in trained.history)
    assert _distance(trained) < 1e-9


def test_one_bad_site_ruins_the_mean_and_not_the_median():
    strategy, bad = FedAvg(steps=2, rate=0.1), ("site-0",)
    median = rule_of(next(offer for offer in robust.cdt_aggregators() if "median" in offer.name))
    distances = {}
    for name, rule in (("mean", None), ("median", median)):
        carrier = Plain() if rule is None else Plain(rule=rule)
        training = Training(strategy=strategy, rounds=40, carrier=carrier)
        trained = train(training, START, coordinator_of(ROSTER), InProcess(_sites(strategy, carrier, bad)))
        distances[name] = _distance(trained)
    assert distances["mean"] > 5
    assert distances["median"] < 1.5


def test_reputation_takes_a_bad_sites_weight_away():
    strategy, bad = FedAvg(steps=1, rate=0.1), ("site-4",)
    coordinator = coordinator_of(ROSTER)
    training = Training(strategy=strategy, rounds=30, reputation=Reputation(floor=0.01))
    trained = train(training, START, coordinator, InProcess(_sites(strategy, bad=bad)))
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
    whole = train(training, START, coordinator_of(ROSTER), InProcess(_sites(training.strategy)))
    deliver = InProcess(_sites(training.strategy))

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
    deliver, coordinator = InProcess(_sites(strategy)), coordinator_of(ROSTER, Terms(minimum=4))

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


def test_a_site_stays_out_of_a_training_that_it_did_not_agree_to():
    deliver = InProcess(_sites(FedAvg(rate=0.1)))
    with pytest.raises(FederatedError, match="because: 0 of 5 sites answered"):
        train(Training(strategy=FedAvg(rate=0.2), patience=1), START, coordinator_of(ROSTER), deliver)
    assert "'site-0' agreed to FedAvg(steps=1, rate=0.1" in str(deliver.failures["site-0"])


def test_a_site_says_when_its_model_has_another_length():
    deliver = InProcess(_sites(FedAvg()))
    with pytest.raises(FederatedError, match="0 of 5 sites answered"):
        train(Training(strategy=FedAvg(), patience=1), START[1:], coordinator_of(ROSTER), deliver)
    assert "the coordinator sends 5 values, this site's strategy and model take 6" in str(deliver.failures["site-0"])
    with pytest.raises(FederatedError, match="'FedAvg' is no strategy"):
        Training(strategy="FedAvg")


def test_a_site_refuses_a_task_that_is_none():
    deliver = InProcess(_sites(FedAvg()))
    run_round(coordinator_of(ROSTER), deliver, lambda o: PlainExchange(o.sites, LENGTH), b"cdt.train\x01garbage")
    assert all(isinstance(error, ProtocolError) for error in deliver.failures.values())
    assert len(deliver.failures) == SITES


def test_a_folder_of_another_training_or_a_damaged_one_is_refused(tmp_path):
    deliver = InProcess(_sites(FedAvg()))
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
        coordinator, sites = coordinator_of(ROSTER, journal=journal), _sites(strategy)
        train(Training(strategy=strategy, rounds=2), START, coordinator, InProcess(sites), folder=tmp_path)
        others = sites_of(ROSTER)
        run_round(coordinator, InProcess(others), lambda o: PlainExchange(o.sites, 5), b"a count")
        trained = train(Training(strategy=strategy, rounds=4), START, coordinator, InProcess(sites), folder=tmp_path)
    assert [record.round for record in trained.history] == [1, 2, 4, 5]
    whole = train(Training(strategy=strategy, rounds=4), START, coordinator_of(ROSTER), InProcess(_sites(strategy)))
    assert trained.model.tobytes() == whole.model.tobytes()


def test_what_sites_kept_of_one_training_does_not_mislead_the_next():
    strategy = SCAFFOLD(steps=5, rate=0.1)
    coordinator, deliver = coordinator_of(ROSTER), InProcess(_sites(strategy))
    first = train(Training(strategy=strategy, rounds=40), START, coordinator, deliver)
    second = train(Training(strategy=strategy, rounds=40), START, coordinator, deliver)
    assert second.model.tobytes() == first.model.tobytes()
    assert [record.round for record in second.history][:2] == [41, 42]


def test_rounds_of_something_else_between_those_of_a_training_take_nothing_from_what_sites_keep():
    strategy, asked = SCAFFOLD(steps=5, rate=0.1), []

    def joining(name):
        learner = Learner(strategy, _gradient(name), LENGTH)
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
    assert _distance(trained) < 1e-10


def test_two_trainings_that_were_written_down_at_the_same_round_are_two(tmp_path):
    """The first is stopped before its first round; another one trains; then the first begins."""
    strategy = SCAFFOLD(steps=5, rate=0.1)
    sites = InProcess(_sites(strategy))
    with Journal(tmp_path / "journal") as journal:
        coordinator = coordinator_of(ROSTER, journal=journal, allowed=lambda opening: _refuse(opening, allowed))
        one, other = Training(strategy=strategy, rounds=30), Training(strategy=strategy, rounds=10)
        allowed = []
        with pytest.raises(AccessError):
            train(one, START, coordinator, sites, folder=tmp_path / "one")
        allowed = range(100)
        train(other, START, coordinator, sites, folder=tmp_path / "other")
        trained = train(one, START, coordinator, sites, folder=tmp_path / "one")
    alone = train(one, START, coordinator_of(ROSTER), InProcess(_sites(strategy)))
    assert [record.round for record in trained.history] == list(range(11, 41))
    assert trained.model.tobytes() == alone.model.tobytes()


def _refuse(opening, allowed):
    if opening.round not in allowed:
        raise AccessError(f"round {opening.round} is not allowed")


def test_a_training_whose_memory_at_the_sites_is_gone_is_not_gone_on_with(tmp_path):
    strategy = SCAFFOLD(steps=5, rate=0.1)
    sites = InProcess(_sites(strategy))
    with Journal(tmp_path / "journal") as journal:
        coordinator = coordinator_of(ROSTER, journal=journal)
        train(Training(strategy=strategy, rounds=5), START, coordinator, sites, folder=tmp_path / "one")
        train(Training(strategy=strategy, rounds=5), START, coordinator, sites, folder=tmp_path / "other")
        with pytest.raises(FederatedError, match="3 rounds failed in a row"):
            train(Training(strategy=strategy, rounds=9), START, coordinator, sites, folder=tmp_path / "one")
        assert "keeps nothing any more of the training that began after round 0" in str(sites.failures["site-0"])
        trained = train(Training(strategy=strategy, rounds=60), START, coordinator, sites, folder=tmp_path / "other")
    assert _distance(trained) < 1e-10


@pytest.mark.parametrize("strategy", [FedAvg(steps=2), FedAdam()])
def test_a_training_of_which_sites_keep_nothing_may_pause_for_another(tmp_path, strategy):
    sites = InProcess(_sites(strategy))
    with Journal(tmp_path / "journal") as journal:
        coordinator = coordinator_of(ROSTER, journal=journal)
        for rounds in (2, 4):
            for folder in ("one", "other"):
                trained = train(
                    Training(strategy=strategy, rounds=rounds), START, coordinator, sites, folder=tmp_path / folder
                )
    whole = train(Training(strategy=strategy, rounds=4), START, coordinator_of(ROSTER), InProcess(_sites(strategy)))
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
        InProcess(_sites(strategy, carrier)),
    )
    assert 1e-12 < _distance(trained) < 1e-6


def test_a_learner_goes_on_in_another_process():
    strategy = SCAFFOLD(steps=3, rate=0.1)
    coordinator = coordinator_of(ROSTER)
    whole = train(Training(strategy=strategy, rounds=8), START, coordinator_of(ROSTER), InProcess(_sites(strategy)))
    saved = {}

    def deliver(requests):
        """Each message is answered by a new process of the site."""
        for name, request in requests.items():
            site = Site(name, key_of(name), ROSTER, Learner(strategy, _gradient(name), LENGTH))
            if name in saved:
                site.restore(saved[name])
            yield site.answer(request)
            saved[name] = site.saved()

    trained = train(Training(strategy=strategy, rounds=8), START, coordinator, deliver)
    assert trained.model.tobytes() == whole.model.tobytes()
    learner = Learner(strategy, _gradient("site-0"), LENGTH)
    saved = learner.saved()
    for wrong in (saved[:-1], saved + b"?", b"?" + saved[1:]):
        with pytest.raises(ProtocolError, match="saved state of a learner"):
            Learner(strategy, _gradient("site-0"), LENGTH).restore(wrong)


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
        train(Training(strategy=FedAvg(), rounds=5), START, coordinator, InProcess(_sites(FedAvg())))
    sizes = (51, 52, 53) if by_round else (50, 50, 50)
    assert noted == [(f"round {n} of trial, 5 sites", size, n < 3) for n, size in enumerate(sizes, 1)]
    assert coordinator.round == 2


def test_a_site_so_far_off_that_no_distance_measures_it_does_not_end_the_training():
    median = rule_of(next(offer for offer in robust.cdt_aggregators() if "median" in offer.name))
    strategy, carrier = FedAvg(steps=1, rate=0.1), Plain(rule=median)
    sites = _sites(strategy, carrier)
    sites[4] = Site("site-4", key_of("site-4"), ROSTER, lambda opening: PlainParty(lambda: [1.7e308] * LENGTH, LENGTH))
    training = Training(strategy=strategy, rounds=5, carrier=carrier, reputation=Reputation())
    trained = train(training, START, coordinator_of(ROSTER), InProcess(sites))
    assert trained.history.rounds[-1].trust["site-4"] == 5 * training.reputation.floor


def test_settings_are_agreed_by_value_and_not_by_type():
    strategy = FedAvg(steps=np.int64(1), rate=np.float64(1), server_rate=1)
    trained = train(
        Training(strategy=strategy, rounds=1), START, coordinator_of(ROSTER), InProcess(_sites(FedAvg(rate=1.0)))
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
    training, deliver = Training(strategy=FedAvg(), rounds=1), InProcess(_sites(FedAvg()))
    with pytest.raises(FederatedError, match="the checkpoint cannot be"):
        train(training, START, coordinator_of(ROSTER), deliver, folder=tmp_path / "file")
