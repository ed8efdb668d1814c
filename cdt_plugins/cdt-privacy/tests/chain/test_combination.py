"""Every combination of rule, carrier and noise is either a sound pipeline that explains itself, or refused with the reason."""

import itertools

import pytest

from cdt_core.errors import PrivacyError
from cdt_core.hooks import Aggregator
from cdt_privacy.chain import Carrier, Combination, Noise
from cdt_privacy.chain import combination as module

MEAN = Aggregator(name="mean", function="cdt_robust.mean:weighted_mean", additive=True)
MEDIAN = Aggregator(name="median", function="m:median", breakdown=0.5)

#: rule, carrier, noise, server trusted -> a word of the reason, or None where it is sound. Everything else is in neither.
TABLE = {
    (MEAN, "plain", "none", False): None,
    (MEAN, "plain", "central", False): "sees every update before",
    (MEAN, "plain", "central", True): None,
    (MEAN, "plain", "local", False): None,
    (MEAN, "plain", "distributed", False): "sees alone",
    (MEAN, "secure", "none", False): None,
    (MEAN, "secure", "central", False): "sees the exact sum before",
    (MEAN, "secure", "central", True): None,
    (MEAN, "secure", "local", False): None,
    (MEAN, "secure", "distributed", False): None,
    (MEAN, "grouped", "none", False): None,
    (MEAN, "grouped", "central", False): "sees the exact sum before",
    (MEAN, "grouped", "central", True): None,
    (MEAN, "grouped", "local", False): None,
    (MEAN, "grouped", "distributed", False): None,
    (MEAN, "encrypted", "none", False): None,
    (MEAN, "encrypted", "central", False): "sees the exact sum before",
    (MEAN, "encrypted", "central", True): None,
    (MEAN, "encrypted", "local", False): None,
    (MEAN, "encrypted", "distributed", False): None,
    (MEDIAN, "plain", "none", False): None,
    (MEDIAN, "plain", "central", False): "needs its sensitivity",
    (MEDIAN, "plain", "central", True): "needs its sensitivity",
    (MEDIAN, "plain", "local", False): None,
    (MEDIAN, "plain", "distributed", False): "sees alone",
    (MEDIAN, "secure", "none", False): "has to see updates",
    (MEDIAN, "secure", "central", False): "has to see updates",
    (MEDIAN, "secure", "local", False): "has to see updates",
    (MEDIAN, "secure", "distributed", False): "has to see updates",
    (MEDIAN, "grouped", "none", False): None,
    (MEDIAN, "grouped", "central", True): "needs its sensitivity",
    (MEDIAN, "grouped", "local", False): None,
    (MEDIAN, "grouped", "distributed", False): None,
    (MEDIAN, "encrypted", "none", False): "can only be added",
    (MEDIAN, "encrypted", "local", False): "can only be added",
    (MEDIAN, "encrypted", "distributed", False): "can only be added",
}


@pytest.fixture(autouse=True)
def everything_installed(monkeypatch):
    monkeypatch.setattr(module, "_installed", lambda name: True)


def made(rule, carrier, noise, trusted=False, **others):
    if carrier == "grouped":
        others = {"group_size": 4, **others}
    return Combination(rule=rule, carrier=carrier, noise=noise, sites=20, server_trusted=trusted, **others)


@pytest.mark.parametrize("case", TABLE, ids=lambda case: f"{case[0].name}-{'-'.join(map(str, case[1:]))}")
def test_the_table_of_combinations(case):
    reason = TABLE[case]
    combination = made(*case)
    if reason is None:
        assert combination.reasons() == ()
        text = str(combination.pipeline())
        assert case[0].name in text
        assert "seen:" in text
        return
    with pytest.raises(PrivacyError, match=reason):
        combination.pipeline()


def test_no_combination_is_left_without_an_answer():
    for rule, carrier, noise, trusted in itertools.product((MEAN, MEDIAN), Carrier, Noise, (False, True)):
        combination = made(rule, carrier.value, noise.value, trusted)
        if (rule, carrier.value, noise.value, trusted) in TABLE:
            continue
        # Trusting the server makes nothing unsound, and sound only what was refused for want of trust.
        other = made(rule, carrier.value, noise.value, not trusted)
        assert set(combination.reasons()) ^ set(other.reasons()) <= {
            reason for reason in (*combination.reasons(), *other.reasons()) if "is not trusted" in reason
        }


def test_secure_sums_of_single_sites_are_refused():
    with pytest.raises(PrivacyError, match="a single site is its update"):
        made(MEDIAN, "grouped", "none", group_size=1).pipeline()
    with pytest.raises(PrivacyError, match="the sum of one site is its update"):
        made(MEAN, "secure", "none", least_sites=1).pipeline()


def test_shares_are_counted_without_those_that_are_told_or_missing():
    combination = made(MEDIAN, "grouped", "distributed", group_size=5, least_sites=4, colluding=2)
    assert (combination.shares, combination.groups, combination.summed) == (2, 4, 5)
    with pytest.raises(PrivacyError, match="which leaves none"):
        made(MEDIAN, "grouped", "distributed", group_size=5, least_sites=4, colluding=4).pipeline()
    with pytest.raises(PrivacyError, match="5 sites must be in a sum of 4"):
        made(MEDIAN, "grouped", "distributed", least_sites=5).pipeline()


def test_corrupt_sites_owe_their_noise_and_none_of_it_is_counted():
    combination = made(MEDIAN, "grouped", "distributed", group_size=5, colluding=1, corrupt=1)
    assert combination.shares == 3
    assert "and 1 add none" in str(combination.pipeline())
    with pytest.raises(PrivacyError, match="and 1 left out by corrupt sites, which leaves none"):
        made(MEDIAN, "grouped", "distributed", group_size=5, least_sites=3, colluding=2, corrupt=1).pipeline()


def test_corrupt_sites_must_be_fewer_than_the_rule_bears():
    made(MEDIAN, "plain", "local", corrupt=9).pipeline()
    with pytest.raises(PrivacyError, match=r"fewer than 0.5 of 20 sites"):
        made(MEDIAN, "plain", "local", corrupt=10).pipeline()
    made(MEDIAN, "grouped", "distributed", corrupt=2).pipeline()
    with pytest.raises(PrivacyError, match="of 5 groups, each spoilt by one site"):
        made(MEDIAN, "grouped", "distributed", corrupt=3).pipeline()
    with pytest.raises(PrivacyError, match="of 1 groups, each spoilt by one site"):
        made(MEDIAN, "grouped", "none", group_size=20, corrupt=1).pipeline()
    with pytest.raises(PrivacyError, match="moved anywhere by one corrupt site"):
        made(MEAN, "secure", "distributed", corrupt=1).pipeline()


def test_all_reasons_are_given_not_the_first():
    assert len(made(MEDIAN, "secure", "central", group_size=3).reasons()) == 4


@pytest.mark.parametrize(
    ("carrier", "noise", "missing"),
    [("secure", "none", "cdt_privacy.secure"), ("grouped", "none", "cdt_privacy.secure"), ("encrypted", "none", "tenseal"),
     ("plain", "local", "dp_accounting")],
)  # fmt: skip
def test_a_missing_back_end_fails_closed(monkeypatch, carrier, noise, missing):
    monkeypatch.setattr(module, "_installed", lambda name: name != missing)
    with pytest.raises(PrivacyError, match=f"needs {missing}, which is not installed, and nothing takes its place"):
        made(MEAN, carrier, noise).pipeline()


@pytest.mark.parametrize(
    "wrong", [{"carrier": "pigeon"}, {"noise": "loud"}, {"sites": -1}, {"rule": "mean"}, {"server_trusted": "no"}]
)
def test_words_that_mean_nothing_are_refused(wrong):
    with pytest.raises(PrivacyError):
        Combination(**{"rule": MEAN, "carrier": "plain", "noise": "none", "sites": 3, **wrong})
