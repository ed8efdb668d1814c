"""An agreement is read whole or refused, with the path of what is wrong."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import CertificateError
from cdt_core.governance import (
    DETAILS,
    KINDS,
    ROLES,
    Agreement,
    Budget,
    Party,
    Person,
    Transfer,
    agreement_text,
    read_agreement,
)
from tests.governance.examples import TREE, agreement


def test_what_is_written_is_read() -> None:
    read = agreement()
    assert read.expires == datetime(2026, 12, 31, 23, tzinfo=UTC)
    assert read.person("sam").roles == ("steward", "analyst")
    assert read.party("basel").region == "CH"
    assert read.person_with_key("BB" * 32).name == "ana"
    assert read.person_with_key("") is None
    assert read.budget == Budget(1.0, 1e-5)
    assert read.transfers[3].details == ()
    assert read_agreement(agreement_text(read), "again") == read


def test_what_is_left_out_is_not_asked_for() -> None:
    least = dict.fromkeys(("begins", "minimum_group_size", "minimum_sites", "budget", "transfers", "carriers", "rules"))
    read = agreement(**least)
    assert (read.minimum_group_size, read.minimum_sites, read.budget, read.transfers) == (1, 1, None, ())
    assert (read.carriers, read.rules, read.begins) == (None, None, None)
    assert read_agreement(agreement_text(read), "again") == read
    assert read.digest != agreement().digest


def test_the_digest_is_of_the_meaning_not_of_the_spelling() -> None:
    other = json.dumps({**TREE, "expires": "2026-12-31T23:00:00Z"}, indent=7)
    assert read_agreement(other, "x").digest == agreement().digest
    assert agreement(minimum_sites=3).digest != agreement().digest


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("version",), 2, "version: this program reads 1, not 2"),
        (("version",), "1", "version: '1' is no whole number"),
        (("schema",), "cdt.policy", "schema: 'cdt.policy' is none of cdt.agreement"),
        (("name",), "", "name: the text is empty"),
        (("name",), "a\u001b[2J", "is no name of printable characters"),
        (("expire",), "x", "'expire' is no key of this object; it may have"),
        (("expires",), "2027-01-01", "expires: '2027-01-01' is no instant; write it with its zone"),
        (("expires",), "2027-01-01T00:00:00", "expires: .* is no instant"),
        (("expires",), 2027, "expires: text is expected here, not a number"),
        (("expires",), "2025-01-01T00:00:00Z", "ends before it begins"),
        (("parties",), [], "parties: at least 1"),
        (("parties", 1, "region"), None, "parties.1.: 'region' is missing"),
        (("parties", 1, "regoin"), "EU", "parties.1.: 'regoin' is no key"),
        (("parties", 1, "name"), "basel", "parties: 'basel' stands there twice"),
        (("parties", 0, "key"), "xyz", "parties.0.: key 'xyz' is no Ed25519"),
        (("people", 0, "key"), "aa" * 32, "keys: 'aaaa.*' stands there twice"),
        (("people", 2, "roles", 0), "king", "people.2..roles.0.: 'king' is none of owner"),
        (("people", 2, "roles"), "owner", "people.2..roles: a list is expected here, not text"),
        (("people", 2, "roles"), ["owner", "owner"], "people.2..roles.1.: 'owner' stands twice"),
        (("people", 0, "party"), "berlin", "'ana' is of 'berlin', which is no party"),
        (("may_ask", "analyst"), ["everything"], "may_ask.analyst.0.: 'everything' is none of round"),
        (("may_ask", "king"), ["round"], "may_ask: 'king' is no key"),
        (("may_ask",), {}, "may_ask"),
        (("minimum_group_size",), 0, "minimum_group_size: 0 is no whole number of at least 1"),
        (("minimum_group_size",), True, "minimum_group_size: True is no whole number"),
        (("minimum_group_size",), 2.5, "minimum_group_size: 2.5 is no whole number"),
        (("budget",), {"epsilon": 1}, "budget: 'delta' is missing"),
        (("budget", "epsilon"), -1, "budget: epsilon -1.0"),
        (("budget", "epsilon"), "1", "budget.epsilon: a number is expected here, not text"),
        (("budget", "epsilon"), 10**400, "budget.epsilon: .* is too large"),
        (("budget", "delta"), 1, "budget: delta 1.0 is no number in"),
        (("transfers", 0, "details", 0), "row", "transfers.0..details.0.: 'row' is none of rows"),
        (("transfers", 1), {"from": "CH", "to": "EU", "details": []}, "transfers: 'CH to EU' stands there twice"),
        (("carriers",), [], "carriers: the list is empty"),
        (("rules",), None, "rules: a list is expected here, not null"),
    ],
)  # fmt: skip
def test_every_error_names_its_path(path, value, said) -> None:
    tree = copy.deepcopy(TREE)
    at = tree
    for step in path[:-1]:
        at = at[step]
    if value is None and path != ("rules",):
        del at[path[-1]]
    else:
        at[path[-1]] = value
    with pytest.raises(CertificateError, match=f"^agreement.json: .*{said}"):
        read_agreement(json.dumps(tree), "agreement.json")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("[]", "an object is expected here, not a list"),
        ('{"schema": "cdt.agreement", "schema": "x"}', "the key 'schema' stands twice"),
        ('{"budget": NaN}', "NaN is no number of JSON"),
        ("[" * 100_000, "not JSON"),
        ("{}", "'schema' is missing"),
        ('"' + "a" * (5 << 20) + '"', "characters, and at most"),
    ],
)
def test_what_is_no_agreement_is_refused(text, said) -> None:
    with pytest.raises(CertificateError, match=said):
        read_agreement(text, "agreement.json")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Party(name="", region="CH"), "party ''"),
        (lambda: Person(name="ana", roles="owner"), "'owner' is one text"),
        (lambda: Person(name="ana", roles=()), "must be one or more of"),
        (lambda: Budget(float("nan"), 0), "epsilon nan"),
        (lambda: Budget(1, True), "delta True"),
        (lambda: Budget(10**400, 0), "epsilon 1000"),
        (lambda: Transfer(source="CH", destination="EU", details=("all",)), "must be one or more of"),
    ],
)
def test_values_made_in_python_are_checked_too(make, said) -> None:
    with pytest.raises(CertificateError, match=said):
        make()


def test_an_end_without_a_zone_is_refused() -> None:
    values = {"name": "x", "parties": [Party(name="a", region="CH")], "people": [Person(name="p", roles=["owner"])]}
    more = {"may_ask": {"owner": ("round",)}, "purposes": ["care"], "details": ["sums"]}
    with pytest.raises(CertificateError, match=r"expires: .* is no time with a zone"):
        Agreement(**values, **more, expires=datetime(2027, 1, 1))


names = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=6)


def several(known):
    return st.lists(st.sampled_from(known), min_size=1, unique=True).map(tuple)


@st.composite
def agreements(draw):
    """Any agreement."""
    parties = draw(
        st.lists(st.builds(Party, name=names, region=names), min_size=1, max_size=4, unique_by=lambda p: p.name)
    )
    person = st.builds(
        Person, name=names, roles=several(ROLES), party=st.sampled_from(["", *(p.name for p in parties)])
    )
    regions = st.one_of(names, st.just("*"))
    transfer = st.builds(
        Transfer, source=regions, destination=regions, details=st.one_of(several(DETAILS), st.just(()))
    )
    return Agreement(
        name=draw(names),
        parties=parties,
        people=draw(st.lists(person, min_size=1, max_size=4, unique_by=lambda p: p.name)),
        may_ask=draw(st.dictionaries(st.sampled_from(ROLES), several(KINDS), min_size=1)),
        purposes=draw(st.lists(names, min_size=1, unique=True)),
        details=draw(several(DETAILS)),
        expires=draw(st.datetimes(datetime(2001, 1, 1), timezones=st.just(UTC))),
        minimum_group_size=draw(st.integers(1, 10**6)),
        budget=draw(st.none() | st.builds(Budget, st.floats(0, 100), st.floats(0, 0.5))),
        transfers=draw(st.lists(transfer, max_size=4, unique_by=lambda t: (t.source, t.destination))),
        carriers=draw(st.none() | st.lists(names, min_size=1, unique=True).map(tuple)),
        description=draw(names | st.just("")),
    )


@settings(max_examples=40)
@given(agreements())
def test_every_agreement_survives_its_text(given_agreement) -> None:
    again = read_agreement(agreement_text(given_agreement), "again")
    assert again == given_agreement
    assert again.digest == given_agreement.digest


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=3), st.lists), st.data())
def test_no_tree_of_json_is_a_crash(value, data) -> None:
    tree = {**TREE, data.draw(st.sampled_from(sorted(TREE))): value}
    with suppress(CertificateError):
        assert read_agreement(json.dumps(tree), "agreement.json").digest
