"""Private gradients: every one is an event of the site's ledger, has the noise that it was accounted for, and costs once."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from federation import coordinator_of, key_of, roster_of

from cdt_core.errors import BudgetError, FederatedError, PrivacyError
from cdt_federated.rounds import InProcess, Site
from cdt_federated.strategies import SCAFFOLD
from cdt_federated.training import Learner, PrivateGradient, Training, train

pytest.importorskip("cdt_privacy.ledger")
from cdt_privacy.accounting import Composed, Neighbours, epsilon, noise_multiplier
from cdt_privacy.ledger import Budget, Ledger

BUDGET = Budget(0.9, 1e-5, Neighbours.REPLACE_ONE)
ROWS, LENGTH, CLIP, USES = 50, 4, 0.5, 6


@pytest.fixture
def ledger(tmp_path):
    with Ledger.create(tmp_path / "site.ledger", "tumours", BUDGET) as opened:
        yield opened


def _gradient(ledger, records=lambda model: np.zeros((ROWS, LENGTH)), **how):
    settings = {"rows": ROWS, "length": LENGTH, "clip": CLIP, "uses": USES} | how
    return PrivateGradient(records=records, ledger=ledger, **settings)


def _models(count, length=LENGTH):
    return [np.full(length, float(number)) for number in range(count)]


def test_what_is_spent_is_what_the_accounting_says_of_so_many_gaussians(ledger):
    gradient = _gradient(ledger)
    for step, model in enumerate(_models(USES), 1):
        gradient(model, 0)
        assert ledger.mechanisms == (gradient.mechanism,) * step
        together = epsilon([Composed(gradient.mechanism, step)], 1e-5, Neighbours.REPLACE_ONE)
        assert ledger.epsilon_spent == pytest.approx(together, rel=1e-6)
    assert 0.899 < ledger.epsilon_spent <= 0.9
    assert ledger.open_reservations == ()


def test_the_noise_is_that_of_the_plan(ledger):
    gradient = _gradient(ledger, lambda model: np.zeros((ROWS, 4000)), length=4000)
    noise = np.concatenate([gradient(model, 0) for model in _models(USES, 4000)])
    wanted = noise_multiplier(0.9, 1e-5, steps=USES, neighbours=Neighbours.REPLACE_ONE) * CLIP / ROWS
    assert gradient.deviation == pytest.approx(wanted, rel=1e-3)
    assert noise.std() == pytest.approx(gradient.deviation, rel=0.03)
    assert abs(noise.mean()) < 5 * gradient.deviation / np.sqrt(noise.size)


def test_no_record_brings_in_more_than_its_clip(ledger):
    """Two thousand records, half of them far too long: together as if each had the length of the clip, up to the noise."""
    records = np.tile([[3e8, -4e8, 0, 0], [0, 0, 0.3, -0.1]], (1000, 1))
    gradient = _gradient(ledger, lambda model: records, rows=2000)
    told = gradient(np.zeros(LENGTH), 0)
    assert np.abs(told - [0.15, -0.2, 0.15, -0.05]).max() < 6 * gradient.deviation < 0.05


def test_beyond_the_budget_no_record_is_looked_at(ledger):
    asked = []
    gradient = _gradient(ledger, lambda model: asked.append(1) or np.zeros((ROWS, LENGTH)))
    for model in _models(USES):
        gradient(model, 0)
    with pytest.raises(BudgetError, match="the budget of 'tumours' is"):
        gradient(np.full(LENGTH, -1.0), 0)
    assert len(asked) == USES


def test_the_budget_is_remembered_by_the_file_and_not_by_the_process(tmp_path):
    path = tmp_path / "site.ledger"
    with Ledger.create(path, "tumours", BUDGET) as ledger:
        gradient = _gradient(ledger)
        for model in _models(USES):
            gradient(model, 0)
    with Ledger.open(path) as ledger, pytest.raises(BudgetError):
        _gradient(ledger)(np.zeros(LENGTH), 0)


def test_the_same_model_asked_again_gets_the_same_gradient_for_nothing(ledger):
    gradient = _gradient(ledger)
    first = gradient(np.ones(LENGTH), 0)
    spent = ledger.epsilon_spent
    assert gradient(np.ones(LENGTH), 3) is first
    assert ledger.epsilon_spent == spent
    assert not first.flags.writeable
    assert not np.array_equal(gradient(np.zeros(LENGTH), 0), first)


def test_what_more_would_cost_is_said_beforehand(ledger):
    gradient = _gradient(ledger)
    assert gradient.cost(USES) <= 0.9
    two = gradient.cost(2)
    for model in _models(2):
        gradient(model, 0)
    assert ledger.epsilon_spent == pytest.approx(two, rel=1e-6)
    assert gradient.cost() < two / 2  # the second pair adds less than the first


@pytest.mark.parametrize(
    ("rows", "error", "words"),
    [
        (np.zeros((ROWS - 1, LENGTH)), FederatedError, r"shape \(49, 4\); give one row for each record"),
        (np.zeros((ROWS, LENGTH + 1)), FederatedError, r"shape \(50, 5\)"),
        (np.zeros(LENGTH), FederatedError, r"shape \(4,\)"),
        (np.full((ROWS, LENGTH), 1j), PrivacyError, "real numbers"),
    ],
)
def test_gradients_that_are_none_are_refused_and_stay_spent(ledger, rows, error, words):
    gradient = _gradient(ledger, lambda model: rows)
    with pytest.raises(error, match=words):
        gradient(np.zeros(LENGTH), 0)
    assert ledger.mechanisms == (gradient.mechanism,)


def test_a_model_on_which_some_records_overflow_tells_of_none_of_them(ledger):
    """A coordinator may send any model: if the site then stayed out, that would tell of a record, without any noise."""
    records = np.tile([3e8, -4e8, 0, 0], (1000, 1))
    records[:500] = [np.nan, np.inf, -np.inf, 1.0]
    told = _gradient(ledger, lambda model: records, rows=1000)(np.zeros(LENGTH), 0)
    assert np.abs(told - [0.15, -0.2, 0, 0]).max() < 0.1


def test_a_site_without_records_may_say_so_where_their_number_is_a_secret(tmp_path):
    with Ledger.create(tmp_path / "l", "nobody yet", Budget(0.9, 1e-5)) as ledger:
        told = _gradient(ledger, lambda model: np.zeros((0, LENGTH)))(np.zeros(LENGTH), 0)
    assert np.abs(told).min() > 0  # noise as of any other


def test_settings_may_be_of_numpy_and_stay_as_they_were_planned(ledger):
    gradient = _gradient(
        ledger, rows=np.int64(ROWS), length=np.int32(LENGTH), clip=np.float32(CLIP), uses=np.int16(USES)
    )
    gradient(np.zeros(LENGTH), 0)
    with pytest.raises(AttributeError):
        gradient.clip = 5.0


def test_settings_without_meaning_are_named(ledger):
    with pytest.raises(FederatedError, match="clip of PrivateGradient is 0"):
        _gradient(ledger, clip=0)
    with pytest.raises(FederatedError, match=r"uses of PrivateGradient is 1\.5"):
        _gradient(ledger, uses=1.5)


def test_a_site_whose_budget_is_used_up_stays_out_and_the_round_goes_on(tmp_path):
    roster = roster_of(2)
    strategy = SCAFFOLD(steps=2, rate=0.5)
    ledgers = [
        Ledger.create(tmp_path / name, name, Budget(epsilon, 1e-5))
        for name, epsilon in zip(roster.names, (0.9, 0.5), strict=True)
    ]
    sites = []
    for name, ledger in zip(roster.names, ledgers, strict=True):
        private = _gradient(ledger, lambda model: np.tile(model - 1.0, (ROWS, 1)), epsilon=0.9)
        sites.append(Site(name, key_of(name), roster, Learner(strategy, private, LENGTH)))
    deliver = InProcess(sites)
    trained = train(Training(strategy=strategy, rounds=3), np.zeros(LENGTH), coordinator_of(roster), deliver)
    assert [record.included for record in trained.history] == [roster.names, ("site-0",), ("site-0",)]
    assert isinstance(deliver.failures["site-1"], BudgetError)
    assert [len(ledger.mechanisms) for ledger in ledgers] == [6, 2]
    for ledger in ledgers:
        ledger.close()


def test_without_cdt_privacy_the_extra_is_named(ledger, monkeypatch):
    monkeypatch.setitem(sys.modules, "cdt_privacy", None)
    with pytest.raises(FederatedError, match=r"pip install 'cdt-federated\[secure\]'"):
        _gradient(ledger)
