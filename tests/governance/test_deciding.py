"""An agreement answers with every reason, allows only what it says, and reads no clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import AccessError, CertificateError
from cdt_core.governance import DETAILS, Budget, Party, decide, require
from tests.governance.examples import NOW, agreement, request

NONE_SPENT = Budget()


def rules(decision):
    return [(reason.rule, reason.path) for reason in decision.reasons]


def refused(changes, *, now=NOW, spent=NONE_SPENT, by=None):
    return rules(decide(by or agreement(), request(**changes), now=now, spent=spent))


def test_what_is_agreed_is_allowed() -> None:
    decision = require(agreement(), request(), now=NOW, spent=NONE_SPENT)
    assert decision.allowed
    assert decision.tree() == {
        "agreement": "breast-cancer-2026", "digest": agreement().digest, "allowed": True, "reasons": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "rule", "path"),
    [
        ({"actor": "eve"}, "actor", "people"),
        ({"actor": "ada"}, "role", "people[2].roles"),
        ({"kind": "release"}, "role", "people[0].roles"),
        ({"kind": "delete"}, "kind", "may_ask"),
        ({"purpose": "marketing"}, "purpose", "purposes"),
        ({"sites": ("basel", "berlin")}, "site", "parties"),
        ({"sites": ("basel", "lyon", "lyon")}, "site", "parties"),
        ({"sites": ("basel",)}, "minimum_sites", "minimum_sites"),
        ({"group_size": 9}, "minimum_group_size", "minimum_group_size"),
        ({"group_size": None}, "minimum_group_size", "minimum_group_size"),
        ({"group_size": True}, "minimum_group_size", "minimum_group_size"),
        ({"group_size": 1e9}, "minimum_group_size", "minimum_group_size"),
        ({"epsilon": 1.1}, "budget", "budget.epsilon"),
        ({"epsilon": float("nan")}, "budget", "budget.epsilon"),
        ({"epsilon": float("inf")}, "budget", "budget.epsilon"),
        ({"epsilon": -0.1}, "budget", "budget.epsilon"),
        ({"epsilon": 10**400}, "budget", "budget.epsilon"),
        ({"epsilon": "0.1"}, "budget", "budget.epsilon"),
        ({"epsilon": True}, "budget", "budget.epsilon"),
        ({"epsilon": None}, "budget", "budget"),
        ({"delta": 2e-5}, "budget", "budget.delta"),
        ({"delta": -1e-9}, "budget", "budget.delta"),
        ({"detail": "rows"}, "detail", "details"),
        ({"detail": None}, "detail", "details"),
        ({"destination": None}, "region", "transfers"),
        ({"destination": "*"}, "region", "transfers"),
        ({"destination": "BR", "sites": ("basel", "lyon")}, "region", "transfers"),
        ({"carrier": None}, "carrier", "carriers"),
        ({"carrier": "plain"}, "carrier", "carriers"),
        ({"rule": "krum"}, "rule", "rules"),
    ],
)
def test_what_is_not_agreed_is_refused(changes, rule, path) -> None:
    assert (rule, path) in refused(changes)
    with pytest.raises(AccessError, match="agreement 'breast-cancer-2026' does not allow this") as error:
        require(agreement(), request(**changes), now=NOW, spent=NONE_SPENT)
    assert f"{rule} ({path}): " in str(error.value)


def test_every_reason_is_given_not_the_first() -> None:
    found = refused({"purpose": "x", "group_size": 1, "carrier": "plain", "epsilon": 2}, now=NOW + timedelta(days=999))
    assert found == [
        ("expiry", "expires"), ("purpose", "purposes"), ("minimum_group_size", "minimum_group_size"),
        ("budget", "budget.epsilon"), ("carrier", "carriers"),
    ]  # fmt: skip


def test_the_instant_is_the_callers_and_the_end_is_outside() -> None:
    end = agreement().expires
    assert refused({}, now=end - timedelta(microseconds=1)) == []
    assert refused({}, now=end) == [("expiry", "expires")]
    assert refused({}, now=end.astimezone(timezone(timedelta(hours=9)))) == [("expiry", "expires")]
    assert refused({}, now=datetime(2025, 12, 31, tzinfo=UTC)) == [("period", "begins")]
    with pytest.raises(AccessError, match=r"now: .* is no time with a zone"):
        decide(agreement(), request(), now=datetime(2026, 3, 1))


def test_an_instant_at_the_end_of_time_is_an_error_of_ours() -> None:
    with pytest.raises(AccessError, match="in no year from 1 to 9999 in UTC"):
        decide(agreement(), request(), now=datetime.max.replace(tzinfo=timezone(timedelta(hours=-9))))


def test_a_budget_is_used_up_to_its_last_decimal() -> None:
    by = agreement(budget={"epsilon": 0.3, "delta": 1e-5})
    assert refused({"epsilon": 0.2}, spent=Budget(0.1, 0), by=by) == []
    assert refused({"epsilon": 0.2000000000000001}, spent=Budget(0.1, 0), by=by) == [("budget", "budget.epsilon")]
    assert refused({"epsilon": 1e-300}, spent=Budget(0.3, 0), by=by) == [("budget", "budget.epsilon")]
    assert refused({"delta": 0}, spent=Budget(0, 1e-5), by=by) == []


def test_an_unknown_balance_is_not_an_empty_one() -> None:
    assert refused({}, spent=None) == [("budget", "budget.epsilon"), ("budget", "budget.delta")]
    assert refused({"epsilon": None}, spent=None, by=agreement(budget=None)) == []


def test_an_audit_takes_no_data() -> None:
    bare = {"actor": "ada", "kind": "audit", "sites": (), "detail": None, "destination": None, "group_size": None}
    assert refused(bare, spent=None) == []
    assert refused({**bare, "actor": "ana"}) == [("role", "people[0].roles")]


def test_a_release_names_no_carrier() -> None:
    assert refused({"actor": "sam", "kind": "release", "detail": "sums", "carrier": None, "rule": None}) == []


@pytest.mark.parametrize(
    ("sites", "destination", "detail", "path"),
    [
        (("basel", "lyon"), "EU", "groups", "transfers[0].details"),  # the exact transfer decides for CH
        (("lyon", "torino"), "EU", "groups", None),  # no border
        (("basel", "lyon"), "US", "models", None),
        (("basel", "lyon"), "US", "sums", "transfers[1].details"),
        (("lyon", "torino"), "US", "sums", "transfers[1].details"),  # of two that match by *, both must allow
        (("lyon", "torino"), "BR", "sums", None),
        (("basel", "lyon"), "BR", "sums", "transfers"),  # nothing is said of CH to BR
        (("basel", "lyon"), "RU", "sums", "transfers[3].details"),
    ],
)
def test_borders(sites, destination, detail, path) -> None:
    found = refused({"sites": sites, "destination": destination, "detail": detail})
    assert set(found) == (set() if path is None else {("region", path)})


def test_an_inner_transfer_may_be_limited() -> None:
    by = agreement(transfers=[{"from": "EU", "to": "EU", "details": ["models"]}])
    assert refused({"sites": ("lyon", "torino")}, by=by) == [("region", "transfers[0].details")]
    assert refused({"sites": ("lyon", "torino"), "detail": "models"}, by=by) == []


def test_no_row_crosses_the_border() -> None:
    inside = agreement(
        details=list(DETAILS), transfers=[{"from": "*", "to": "*", "details": ["groups", "sums", "models"]}]
    )
    assert refused({"sites": ("lyon", "torino"), "detail": "rows"}, by=inside) == []
    assert refused({"detail": "rows"}, by=inside) == [("region", "transfers[0].details")]
    assert refused({}, by=inside) == []


AGREEMENT = agreement()
TEXTS = {
    "actor": ("ana", "sam", "eve"),
    "kind": ("round", "statistic", "release"),
    "detail": ("sums", "rows", "models", None),
    "destination": ("EU", "CH", "US", None),
    "carrier": ("secure_sum", "plain"),
}


@given(st.data(), st.integers(0, 50), st.floats(), st.floats(0, 2))
def test_a_decision_allows_only_what_each_rule_allows(data, group_size, epsilon, had) -> None:
    changes = {key: data.draw(st.sampled_from(values)) for key, values in TEXTS.items()}
    sites = data.draw(st.sampled_from([(), ("lyon",), ("basel", "lyon"), ("lyon", "torino"), ("basel", "berlin")]))
    asked = request(**changes, sites=sites, group_size=group_size, epsilon=epsilon)
    decision = decide(AGREEMENT, asked, now=NOW, spent=Budget(had, 0))
    assert decision == decide(AGREEMENT, asked, now=NOW, spent=Budget(had, 0))
    if decision.allowed:
        assert asked.detail in ("sums", "models")
        assert asked.group_size >= 10
        assert 0 <= asked.epsilon <= 1 - had + 1e-12
        assert sites in (("basel", "lyon"), ("lyon", "torino"))
        assert asked.kind == "release" or asked.carrier == "secure_sum"


def test_one_text_is_not_several_sites() -> None:
    with pytest.raises(AccessError, match="give a tuple of sites, as in"):
        request(sites="basel")


@pytest.mark.parametrize("spent", [0.1, (0.1, 0.0), "0.1", object()])
def test_what_is_no_budget_was_not_spent(spent) -> None:
    with pytest.raises(AccessError, match=r"spent: .* is no cdt_core\.governance\.Budget"):
        decide(agreement(), request(), now=NOW, spent=spent)


def test_an_agreement_stays_what_its_digest_says() -> None:
    may_ask = {"analyst": ["round"]}
    carriers = ["secure_sum"]
    made = evolve(agreement(), may_ask=may_ask, carriers=carriers)
    before = made.digest
    may_ask["analyst"].append("release")
    may_ask["auditor"] = ["round"]
    carriers.append("plain")
    with pytest.raises(TypeError):
        made.may_ask["auditor"] = ("round",)  # type: ignore[index]
    assert made.may_ask == {"analyst": ("round",)}
    assert made.carriers == ("secure_sum",)
    assert evolve(made).digest == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"parties": ("basel",)}, "parties: 'basel' is no Party"),
        ({"people": (Party(name="a", region="b"),)}, "people: .* is no Person"),
        ({"transfers": ({},)}, "transfers: {} is no Transfer"),
        ({"budget": (1.0, 0.0)}, "budget: .* is no cdt_core.governance.agreement.Budget"),
        ({"may_ask": [("analyst", "round")]}, "may_ask: .* maps no roles"),
        ({"may_ask": {"analyst": None}}, "None is one value where several are wanted"),
        ({"details": None}, "None is one value where several are wanted"),
        ({"carriers": "plain"}, "'plain' is one text where several are wanted"),
        ({"purposes": ("\x1b[2J",)}, "printable texts"),
        ({"purposes": ("\ud800",)}, "printable texts"),
        ({"description": 5}, "description: 5 is no text"),
    ],
)
def test_what_is_no_value_of_an_agreement_is_refused_by_name(changes, said) -> None:
    with pytest.raises(CertificateError, match=said):
        evolve(agreement(), **changes)


def test_a_party_is_somewhere() -> None:
    with pytest.raises(CertificateError, match="stands for every one"):
        Party(name="basel", region="*")
    with pytest.raises(CertificateError, match="key 5 is no Ed25519"):
        Party(name="basel", region="CH", key=5)  # type: ignore[arg-type]
