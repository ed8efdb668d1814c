"""The worked example holds what the README says of it."""

from __future__ import annotations

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cdt_core.kernels import robust
from cdt_federated.example import accuracy, federation, hospitals, pooled, standardised, study
from cdt_federated.strategies import SCAFFOLD, FedAvg
from cdt_federated.training import Plain, Training

CAREFUL = SCAFFOLD(steps=20, rate=0.3)


@pytest.fixture(scope="module")
def prepared():
    members, test = hospitals()
    server = Ed25519PrivateKey.generate()
    return standardised(members, test, federation(members, server), server)


def _off(model, best):
    return np.linalg.norm(model - best) / np.linalg.norm(best)


def test_the_hospitals_differ_and_share_no_record():
    members, test = hospitals()
    sizes = [len(member.records.malignant) for member in members]
    assert (sizes, len(test.malignant)) == ([250, 136, 69], 114)
    rows = np.concatenate([member.records.measured for member in members] + [test.measured])
    assert len(np.unique(rows, axis=0)) == 569


def test_standardising_by_sums_is_that_of_the_pooled_records(prepared):
    members, _ = prepared
    together = np.concatenate([member.records.measured for member in members])
    assert np.allclose(together.mean(axis=0), 0, atol=1e-9)
    assert np.allclose(together.std(axis=0), 1, atol=1e-9)


def test_scaffold_gives_the_pooled_model_even_with_a_fifth_of_the_answers_lost(prepared):
    members, test = prepared
    best = pooled(members)
    for lost, hidden in ((0.0, False), (0.2, False), (0.2, True)):
        trained = study(members, Training(strategy=CAREFUL, rounds=80), lost=lost, hidden=hidden)
        assert _off(trained.model, best) < 1e-3
        assert accuracy(trained.model, test) == accuracy(best, test) > 0.97


def test_one_lying_hospital_ruins_the_mean_and_not_the_median(prepared):
    members, test = prepared
    strategy = FedAvg(steps=5, rate=0.3)
    ruined = study(members, Training(strategy=strategy, rounds=40), malicious="south")
    carrier = Plain(rule=lambda updates, weights: robust.median(updates))
    kept = study(members, Training(strategy=strategy, rounds=40, carrier=carrier), malicious="south")
    assert accuracy(ruined.model, test) < 0.7
    assert accuracy(kept.model, test) > 0.95
