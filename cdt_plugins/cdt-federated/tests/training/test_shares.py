"""Noise in shares: one sum is as noisy as planned, every round is an event of each ledger, and too few sites give nothing."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import pytest
from federation import coordinator_of, key_of

from cdt_core.errors import BudgetError, FederatedError, PrivacyError
from cdt_federated.rounds import Faults, InProcess, Member, Roster, Site, Terms
from cdt_federated.strategies import SCAFFOLD, FedAdam, FedAvg, FedAvgM
from cdt_federated.training import Learner, RecordLearner, SharedNoise, Training, train

pytest.importorskip("cdt_privacy.secure")
from cdt_privacy.accounting import Composed, DistributedDiscreteGaussian, Neighbours, epsilon, noise_multiplier
from cdt_privacy.ledger import Budget, Ledger

LENGTH, CLIP, USES = 3, 2.0, 4
RECORDS = {"site-0": 300, "site-1": 100, "site-2": 50}
ROSTER = Roster(
    "trial",
    Member.of("server", key_of("server")),
    tuple(Member.of(name, key_of(name), weight=float(rows)) for name, rows in RECORDS.items()),
)
RNG = np.random.default_rng(3)
ROWS = {name: RNG.normal([0.5, -0.3, 0.1], 0.2, (rows, LENGTH)) for name, rows in RECORDS.items()}
MEAN = np.concatenate([*ROWS.values()]).mean(axis=0)
START = np.zeros(LENGTH)
STRATEGY = FedAvg(steps=1, rate=1.0, server_rate=0.5)


def _carrier(name=None, ledger=None, **how):
    settings = {"clip": CLIP, "epsilon": 0.9, "delta": 1e-5, "uses": USES, "adversary": "semi-honest"} | how
    return SharedNoise(roster=ROSTER, key=None if name is None else key_of(name), ledger=ledger, **settings)


@pytest.fixture
def ledgers(tmp_path):
    budget = Budget(0.9, 1e-5, Neighbours.REPLACE_ONE)
    with ExitStack() as opened:
        yield {name: opened.enter_context(Ledger.create(tmp_path / name, name, budget)) for name in ROSTER.names}


def _sites(ledgers, strategy=STRATEGY, rows=ROWS, kind=RecordLearner, **how):
    def joining(name):
        return kind(strategy, lambda model, step: model - rows[name], LENGTH, _carrier(name, ledgers[name], **how))

    return InProcess([Site(name, key_of(name), ROSTER, joining(name)) for name in ROSTER.names])


def test_the_mean_of_all_records_is_learned_within_the_budget_of_each_site(ledgers):
    training = Training(strategy=STRATEGY, rounds=USES, carrier=_carrier())
    trained = train(training, START, coordinator_of(ROSTER), _sites(ledgers))
    assert np.abs(trained.model - MEAN * (1 - 0.5**USES)).max() < 0.4
    for ledger in ledgers.values():
        assert 0.899 < ledger.epsilon_spent <= 0.9
        assert ledger.mechanisms == (training.carrier.plan(LENGTH).mechanism,) * USES
        assert ledger.open_reservations == ()


def test_what_is_accounted_is_the_noise_of_all_sites_but_those_that_may_tell_theirs():
    planned = _carrier().plan(LENGTH)
    assert isinstance(planned.mechanism, DistributedDiscreteGaussian)
    assert planned.mechanism.shares == 2
    assert 0.899 < epsilon([Composed(planned.mechanism, USES)], 1e-5, Neighbours.REPLACE_ONE) <= 0.9
    alone = noise_multiplier(0.9, 1e-5, steps=USES, neighbours=Neighbours.REPLACE_ONE) * CLIP
    share = planned.lattice.step * planned.noise.variance**0.5
    assert share == pytest.approx(alone / 2**0.5, rel=1e-3)


def test_a_round_has_three_shares_of_noise(tmp_path):
    length, uses = 4000, 2
    carrier = _carrier(uses=uses, bits=64)
    with ExitStack() as opened:
        sites = []
        for name, rows in RECORDS.items():
            ledger = opened.enter_context(
                Ledger.create(tmp_path / name, name, Budget(0.9, 1e-5, Neighbours.REPLACE_ONE))
            )
            zeros = np.zeros((rows, length))
            own = _carrier(name, ledger, uses=uses, bits=64)
            sites.append(
                Site(name, key_of(name), ROSTER, RecordLearner(STRATEGY, lambda m, s, z=zeros: z, length, own))
            )
        training = Training(strategy=STRATEGY, rounds=1, carrier=carrier)
        trained = train(training, np.zeros(length), coordinator_of(ROSTER), InProcess(sites))
    planned = carrier.plan(length)
    expected = 0.5 * planned.lattice.step * (3 * planned.noise.variance) ** 0.5 / sum(RECORDS.values())
    assert trained.model.std() == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("strategy", [FedAvgM(rate=1.0, server_rate=0.1), FedAdam(rate=1.0, server_rate=0.1)])
def test_strategies_of_one_step_go_with_it_and_the_penalty_is_added_at_the_coordinator(ledgers, strategy):
    strong = _carrier(penalty=lambda model: 1000 * (model - 7.0))
    trained = train(
        Training(strategy=strategy, rounds=1, carrier=strong), START, coordinator_of(ROSTER), _sites(ledgers, strategy)
    )
    assert (trained.model > 0.005).all()


@pytest.mark.parametrize("strategy", [FedAvg(steps=2, rate=1.0), FedAvg(rate=0.5), SCAFFOLD(rate=1.0)])
def test_strategies_of_several_steps_are_refused(strategy):
    with pytest.raises(FederatedError, match="one gradient a round is summed"):
        Training(strategy=strategy, carrier=_carrier())


def test_with_a_site_too_few_the_round_gives_nothing_and_costs_everyone(ledgers):
    deliver, coordinator = _sites(ledgers), coordinator_of(ROSTER, Terms(minimum=2))

    def losing(requests):
        deliver.faults = Faults(dropped=[("site-2", "masked")] if coordinator.round == 1 else [])
        return deliver(requests)

    trained = train(Training(strategy=STRATEGY, rounds=1, carrier=_carrier()), START, coordinator, losing)
    first, second = trained.history
    assert "nothing was revealed" in first.reason
    assert second.included == ROSTER.names
    assert [len(ledger.mechanisms) for ledger in ledgers.values()] == [2, 2, 2]


def test_sites_take_no_masks_off_for_a_coordinator_that_goes_on_with_too_few(ledgers):
    """What hides the sum is the sites' threshold: that the coordinator would refuse, too, protects nobody."""
    opening_terms = _carrier("site-0")._terms
    from cdt_privacy import secure

    class _Opening:
        federation, round, sites = "trial", 1, ROSTER.names

    assert opening_terms(secure, _Opening, LENGTH).threshold == 3
    assert _carrier(least=2, colluding=0)._terms(secure, _Opening, LENGTH).threshold == 2
    _Opening.sites = ROSTER.names[:2]
    with pytest.raises(FederatedError, match="of 2 sites, and the noise is planned for 3"):
        opening_terms(secure, _Opening, LENGTH)


def test_a_drop_out_that_was_planned_for_leaves_the_others_sum(ledgers):
    how = {"least": 2, "colluding": 0}
    deliver, coordinator = _sites(ledgers, **how), coordinator_of(ROSTER, Terms(minimum=2))
    deliver.faults = Faults(dropped=[("site-2", "masked")])
    trained = train(Training(strategy=STRATEGY, rounds=1, carrier=_carrier(**how)), START, coordinator, deliver)
    assert trained.history.rounds[0].included == ROSTER.names[:2]
    near = np.concatenate([ROWS["site-0"], ROWS["site-1"]]).mean(axis=0) / 2
    assert np.abs(trained.model - near).max() < 0.3


def test_a_site_that_goes_on_in_another_process_draws_no_second_noise(ledgers):
    saved = {}

    def deliver(requests):
        for name, request in requests.items():
            carrier = _carrier(name, ledgers[name])
            learner = RecordLearner(STRATEGY, lambda model, step, name=name: model - ROWS[name], LENGTH, carrier)
            site = Site(name, key_of(name), ROSTER, learner)
            if name in saved:
                site.restore(saved[name], carrier.rejoin)
            yield site.answer(request)
            saved[name] = site.saved()

    trained = train(Training(strategy=STRATEGY, rounds=1, carrier=_carrier()), START, coordinator_of(ROSTER), deliver)
    assert trained.history.rounds[0].included == ROSTER.names
    assert [len(ledger.mechanisms) for ledger in ledgers.values()] == [1, 1, 1]


def test_beyond_the_budget_no_record_is_looked_at(ledgers):
    deliver = _sites(ledgers)
    training = Training(strategy=STRATEGY, rounds=USES + 1, carrier=_carrier(), patience=1)
    with pytest.raises(FederatedError, match="0 of 3 sites answered"):
        train(training, START, coordinator_of(ROSTER), deliver)
    assert all(isinstance(error, BudgetError) for error in deliver.failures.values())
    assert [len(ledger.mechanisms) for ledger in ledgers.values()] == [USES] * 3


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"kind": Learner}, r"has dtype float64 and shape \(300, 3\)"),
        ({"rows": ROWS | {"site-0": ROWS["site-1"]}}, r"'site-0': gradients of shape \(100, 3\) for 300 records"),
        ({"neighbours": "add-or-remove"}, "agreed to"),
        ({"uses": USES + 1}, "agreed to"),
        ({"colluding": 0}, "agreed to"),
    ],
)
def test_what_a_site_has_not_agreed_to_or_cannot_give_it_stays_out_of(ledgers, how, words):
    deliver = _sites(ledgers, **how)
    with pytest.raises(FederatedError, match="answered"):
        train(Training(strategy=STRATEGY, carrier=_carrier(), patience=1), START, coordinator_of(ROSTER), deliver)
    with pytest.raises(FederatedError, match=words):
        raise deliver.failures["site-0"]


def test_records_that_overflow_tell_nothing_by_it(ledgers):
    rows = {name: np.full((count, LENGTH), np.nan) for name, count in RECORDS.items()}
    deliver = _sites(ledgers, rows=rows)
    train(Training(strategy=STRATEGY, rounds=1, carrier=_carrier()), START, coordinator_of(ROSTER), deliver)
    assert deliver.failures == {}


def test_settings_that_protect_nobody_are_refused(ledgers):
    with pytest.raises(PrivacyError, match="which leaves none"):
        _carrier(colluding=3).plan(LENGTH)
    with pytest.raises(PrivacyError, match="4 sites must be in a sum of 3"):
        _carrier(least=4).plan(LENGTH)
    for wrong in ({"epsilon": "1"}, {"delta": 0.0}, {"uses": 0}, {"least": 2.0}, {"colluding": None}):
        with pytest.raises(FederatedError, match=f"{next(iter(wrong))} of SharedNoise is"):
            _carrier(**wrong)
    with pytest.raises(FederatedError, match="'cousins'; give one of"):
        _carrier(neighbours="cousins")
    heavy = Member.of("site-0", key_of("site-0"), weight=1.5)
    roster = Roster("trial", Member.of("server", key_of("server")), (heavy,))
    with pytest.raises(FederatedError, match="give its number of records"):
        SharedNoise(roster=roster, clip=1, epsilon=1, delta=0.1, uses=1)
    with pytest.raises(FederatedError, match="give SharedNoise"):
        _carrier("site-0")._ledger("site-0")
    with pytest.raises(FederatedError, match="agree on one"):
        _carrier("site-0", ledgers["site-0"], neighbours="add-or-remove")._ledger("site-0")
