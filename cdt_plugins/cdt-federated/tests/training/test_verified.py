"""Training under verified sums: the same model, and a site that sends too much is named, left out, and the rest goes on."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from attrs import evolve
from federation import coordinator_of, key_of, roster_of

from cdt_core.errors import FederatedError
from cdt_federated.rounds import Faults, InProcess, Site, Terms
from cdt_federated.strategies import SCAFFOLD, FedAvg
from cdt_federated.training import Learner, Training, Verified, train

pytest.importorskip("nacl")
pytest.importorskip("cdt_privacy.verifiable")
from cdt_privacy import secure, verifiable
from cdt_privacy.verifiable.claim import make_claim
from cdt_privacy.verifiable.coins import common_seed
from cdt_privacy.verifiable.projection import digest_of

LENGTH, SITES, CLIP = 3, 3, 8.0
ROSTER = roster_of(SITES)
OPTIMA = np.random.default_rng(4).normal(size=(SITES, LENGTH))
WEIGHTS = np.array([site.weight for site in ROSTER.sites])
START = np.zeros(LENGTH)


def _carrier(name=None, kind=Verified, **how):
    how = {"projections": 2, "steps": 10, "adversary": "semi-honest"} | how
    return kind(roster=ROSTER, clip=CLIP, key=None if name is None else key_of(name), **how)


def _site(strategy, name, kind=Verified, **how):
    at = ROSTER.names.index(name)
    learner = Learner(strategy, lambda model, step: model - OPTIMA[at], LENGTH, _carrier(name, kind, **how))
    return Site(name, key_of(name), ROSTER, learner)


def _optimum(*names):
    kept = [ROSTER.names.index(name) for name in names]
    return WEIGHTS[kept] @ OPTIMA[kept] / WEIGHTS[kept].sum()


class Overlong(Verified):
    """Sends a hundred times the clip, and claims it under a limit of its own."""

    def party(self, opening, length, compute):
        sums, terms = self._both(opening, length)
        long = np.full(length, 100 * 2**self.steps, np.int64)
        party = verifiable.VerifiedParty(self._identity(secure, opening.site), self._keys(secure), sums, terms, long)
        party._contributor.claim = lambda coins: _claim_of_own(party, terms, coins)
        return party


def _claim_of_own(party, terms, coins):
    own, lied = party._contributor, evolve(terms, square_limit=terms.square_limit * 10**5)
    seed = common_seed(terms, own._published, own._seals, coins)
    digest = digest_of(own._update, seed, terms.projections)
    return make_claim(lied, own._site, seed, digest, own.own.blindings).payload()


class Silent(Verified):
    """Sends a hundred times the clip, and then has no claim to make."""

    def _encoded(self, opening, update):
        return np.full(update.size, 100 * 2**self.steps, np.int64)


def test_scaffold_under_verified_sums_reaches_the_weighted_optimum_to_the_lattice():
    strategy = SCAFFOLD(steps=3, rate=0.5)
    deliver = InProcess([_site(strategy, name) for name in ROSTER.names])
    training = Training(strategy=strategy, rounds=3, carrier=_carrier())
    trained = train(training, START, coordinator_of(ROSTER), deliver)
    assert deliver.failures == {}
    assert np.abs(trained.model - _optimum(*ROSTER.names)).max() < 0.1
    assert [record.included for record in trained.history] == [ROSTER.names] * 3


def test_a_drop_out_before_its_vector_is_sent_costs_the_others_nothing():
    strategy = FedAvg(steps=1, rate=1.0)
    deliver = InProcess([_site(strategy, name) for name in ROSTER.names], Faults(dropped=[("site-1", "masked")]))
    trained = train(Training(strategy=strategy, rounds=1, carrier=_carrier()), START, coordinator_of(ROSTER), deliver)
    assert trained.history.rounds[0].dropped == ("site-1",)
    assert np.abs(trained.model - _optimum("site-0", "site-2")).max() < 0.02


def test_a_site_that_leaves_after_its_vector_was_summed_fails_the_round_and_is_not_called_a_liar():
    strategy = FedAvg(steps=1, rate=1.0)
    deliver = InProcess([_site(strategy, name) for name in ROSTER.names])
    coordinator = coordinator_of(ROSTER)

    def once(requests):
        deliver.faults = Faults(dropped=[("site-1", "claims")] if coordinator.round == 1 else [])
        return deliver(requests)

    trained = train(Training(strategy=strategy, rounds=1, carrier=_carrier()), START, coordinator, once)
    first, second = trained.history
    assert "site-1 is in the sum and makes no claim; the round gives nothing" in first.reason
    assert (first.accused, second.included) == ((), ROSTER.names)


def test_a_site_that_sends_far_too_much_is_named_left_out_and_the_rest_goes_on():
    strategy = FedAvg(steps=1, rate=1.0)
    kinds = {"site-2": Overlong}
    deliver = InProcess([_site(strategy, name, kinds.get(name, Verified)) for name in ROSTER.names])
    training = Training(strategy=strategy, rounds=2, carrier=_carrier())
    trained = train(training, START, coordinator_of(ROSTER, Terms(minimum=2)), deliver)
    first, *others = trained.history
    assert (first.accused, first.included, first.move, first.refused) == (("site-2",), (), 0.0, {"payload": 1})
    assert first.reason.startswith("round 'trial/1': site-2 is in the sum: round 'trial/1', claim of site-2: ")
    assert first.reason.endswith("the round gives nothing, run it again without site-2")
    assert [(record.included, record.dropped) for record in others] == [(("site-0", "site-1"), ())] * 2
    assert np.abs(trained.model - _optimum("site-0", "site-1")).max() < 0.02
    assert trained.history.accused == {"site-2"}


def test_a_liar_stays_out_after_the_coordinator_was_started_anew(tmp_path):
    from cdt_federated.rounds import Journal

    strategy = FedAvg(steps=1, rate=1.0)
    kinds = {"site-2": Overlong}
    deliver = InProcess([_site(strategy, name, kinds.get(name, Verified)) for name in ROSTER.names])
    for rounds in (1, 2):
        with Journal(tmp_path / "journal") as journal:
            coordinator = coordinator_of(ROSTER, Terms(minimum=2), journal=journal)
            training = Training(strategy=strategy, rounds=rounds, carrier=_carrier())
            trained = train(training, START, coordinator, deliver, folder=tmp_path)
    assert [record.accused for record in trained.history] == [("site-2",), (), ()]


def test_an_overlong_site_that_makes_no_claim_is_named_in_the_reason():
    strategy = FedAvg(steps=1)
    kinds = {"site-0": Silent}
    deliver = InProcess([_site(strategy, name, kinds.get(name, Verified)) for name in ROSTER.names])
    training = Training(strategy=strategy, carrier=_carrier(), patience=1)
    with pytest.raises(FederatedError, match="site-0 is in the sum and makes no claim"):
        train(training, START, coordinator_of(ROSTER, Terms(minimum=2)), deliver)


def test_other_terms_of_the_proofs_stay_out():
    strategy = FedAvg(steps=1)
    deliver = InProcess([_site(strategy, name, projections=5) for name in ROSTER.names])
    with pytest.raises(FederatedError, match="0 of 3 sites answered"):
        train(Training(strategy=strategy, carrier=_carrier(), patience=1), START, coordinator_of(ROSTER), deliver)
    assert "verified/32/clip=8.0/semi-honest/5/10" in str(deliver.failures["site-0"])


def test_each_message_may_be_answered_by_another_process_of_the_site():
    strategy, saved = FedAvg(steps=1, rate=1.0), {}

    def deliver(requests):
        for name, request in requests.items():
            site = _site(strategy, name)
            if name in saved:
                site.restore(saved[name], _carrier(name).rejoin)
            answer = site.answer(request)
            saved[name] = site.saved()
            yield answer

    trained = train(Training(strategy=strategy, rounds=2, carrier=_carrier()), START, coordinator_of(ROSTER), deliver)
    assert [record.included for record in trained.history] == [ROSTER.names] * 2
    assert np.abs(trained.model - _optimum(*ROSTER.names)).max() < 0.02


@pytest.mark.parametrize("stage", ["masked", "coins", "claims"])
def test_a_site_that_crashes_in_the_middle_of_a_round_goes_on_in_it(stage):
    """Its answer was made and kept, and never left: the new process is asked again, and gives the same one."""
    strategy, made = FedAvg(steps=1, rate=1.0), []
    sites = {name: _site(strategy, name) for name in ROSTER.names}
    coordinator = coordinator_of(ROSTER)

    def deliver(requests):
        for name, request in requests.items():
            answer = sites[name].answer(request)
            if (name, coordinator.stage) == ("site-1", stage):
                kept, again = sites[name].saved(), _site(strategy, name)
                again.restore(kept, _carrier(name).rejoin)
                made.append((answer, again.answer(request)))
                sites[name] = again
            yield answer

    trained = train(Training(strategy=strategy, rounds=1, carrier=_carrier()), START, coordinator, deliver)
    assert [first == second for first, second in made] == [True]
    assert trained.history.rounds[0].included == ROSTER.names
    assert np.abs(trained.model - _optimum(*ROSTER.names)).max() < 0.02


def test_steps_whose_sum_would_wrap_around_the_ring_are_refused():
    with pytest.raises(FederatedError, match="steps do not fit 32 bits; give steps up to 28"):
        _carrier(steps=29)
    assert _carrier(steps=29, bits=64).bits == 64


def test_without_cdt_privacy_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cdt_privacy", None)
    training = Training(strategy=FedAvg(), carrier=_carrier())
    with pytest.raises(FederatedError, match=r"'cdt-federated\[verified\]'"):
        train(training, START, coordinator_of(ROSTER), InProcess([]))
