"""The private example keeps its budget, names its liar, and its decisions are all in a log that holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from typer.testing import CliRunner

from cdt_core.cli import app
from cdt_core.errors import AccessError
from cdt_federated.example import accuracy, hospitals, pooled

pytest.importorskip("nacl")
from cdt_federated.example_private import EPSILON, ROUNDS, agreed, by_reference, private_study

NOW = datetime(2026, 11, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=30)


@pytest.fixture(scope="module")
def scaled():
    return by_reference(*hospitals(seed=4))


def _study(members, folder, **how):
    return private_study(members, agreed(members, LATER), folder, lambda: NOW, **how)


def test_each_hospital_spends_its_budget_and_no_more_though_answers_are_lost_and_rounds_run_again(scaled, tmp_path):
    members, test = scaled
    study = _study(members, tmp_path, lost=0.2)
    assert list(study.spent) == ["north", "east", "south"]
    assert all(EPSILON - 1e-3 < spent <= EPSILON for spent in study.spent.values())
    assert any(record.reason for record in study.trained.history)  # run again, and still within the budget
    assert len(study.trained.history) > ROUNDS
    # Noise is drawn anew in each run: the bound is far below what it usually gives.
    assert accuracy(study.trained.model, test) > 0.75
    assert np.linalg.norm(study.trained.model - pooled(members)) > 0.05  # it is there


def test_a_hospital_that_sends_too_much_is_named_and_the_others_go_on_within_their_budget(scaled, tmp_path):
    members, test = scaled
    study = _study(members, tmp_path, malicious="south")
    first, *others = study.trained.history
    assert (first.accused, first.included) == (("south",), ())
    assert [record.included for record in others] == [("north", "east")] * ROUNDS
    assert EPSILON - 1e-3 < max(study.spent["north"], study.spent["east"]) <= EPSILON
    assert study.spent["south"] == 0
    assert accuracy(study.trained.model, test) > 0.7


def test_every_decision_is_in_a_log_that_cdt_audit_verify_accepts(scaled, tmp_path):
    members, _ = scaled
    study = _study(members, tmp_path)
    assert "budget (budget.epsilon)" in study.refused
    verified = CliRunner().invoke(app, ["audit", "verify", str(study.log), "--key", str(study.log_key)])
    assert verified.exit_code == 0, verified.output
    assert f"{ROUNDS + 1} entries" in verified.output
    study.log.write_bytes(study.log.read_bytes().replace(b'"allowed":false', b'"allowed":true', 1))
    assert CliRunner().invoke(app, ["audit", "verify", str(study.log)]).exit_code == 1


def test_after_the_agreement_has_expired_no_record_is_looked_at(scaled, tmp_path):
    members, _ = scaled
    with pytest.raises(AccessError, match="expiry"):
        private_study(members, agreed(members, NOW), tmp_path, lambda: NOW)
    assert (tmp_path / "north.ledger").read_text().count("\n") == 1  # its header alone


def test_noise_in_shares_spends_no_more_and_needs_all_three(scaled, tmp_path):
    from cdt_federated.example_shared import ROUNDS as STEPS
    from cdt_federated.example_shared import shared_study

    members, test = scaled
    trained, spent = shared_study(members, tmp_path)
    assert list(spent) == ["north", "east", "south"]
    assert all(EPSILON - 1e-3 < epsilon <= EPSILON for epsilon in spent.values())
    assert [record.included for record in trained.history] == [tuple(spent)] * STEPS
    assert accuracy(trained.model, test) > 0.8
