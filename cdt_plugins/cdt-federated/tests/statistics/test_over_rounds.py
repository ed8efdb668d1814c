"""Analyses over the round engine are those in one process; sites decide what they answer, and trust no question."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import CdtError, FederatedError, ProtocolError
from cdt_core.model.fields import FieldWriter
from cdt_core.model.state import state_to_json
from cdt_federated.rounds import Coordinator, Faults, InProcess, Member, Roster, Site
from cdt_federated.statistics import (
    AlleleFrequencies,
    Association,
    ChiSquare,
    Cox,
    Histogram,
    KaplanMeier,
    LogisticRegression,
    LogRank,
    Moments,
    PoissonRegression,
    Quantiles,
    TTest,
    answering,
    asking,
    run,
)
from cdt_federated.statistics.fitted import Scale
from cdt_federated.statistics.groups import GroupSums
from cdt_federated.statistics.moments import Products
from cdt_federated.statistics.questions import question_from_bytes, question_to_bytes
from cdt_federated.statistics.regression import PoissonSums

GRID = [2.0, 4, 8, 16]


def table(rows=120):
    rng = np.random.default_rng(6)
    x = rng.normal(size=rows)
    return {
        "x": x,
        "y": rng.normal(size=rows) + x,
        "ill": rng.random(rows) < 1 / (1 + np.exp(-x)),
        "arm": rng.choice(["p", "q"], rows),
        "visits": rng.poisson(np.exp(0.2 * x)),
        "days": rng.exponential(6, rows),
        "g": rng.binomial(2, 0.4, (rows, 3)),
    }


def federation(tables, faults=None, **ways):
    """What asks sites over rounds, and the sites' carrier of messages."""
    keys = {
        name: Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest()) for name in ("hub", *tables)
    }
    roster = Roster("study", Member.of("hub", keys["hub"]), tuple(Member.of(name, keys[name]) for name in tables))
    sites = [Site(name, keys[name], roster, answering(own, **ways)) for name, own in tables.items()]
    deliver = InProcess(sites, faults)
    return asking(Coordinator(roster, keys["hub"]), deliver), deliver


ANALYSES = {
    "moments": Moments(["x", "y"]),
    "histogram": Histogram("x", [-1, 0, 1]),
    "t-test": TTest("x", "arm", ("p", "q")),
    "chi-square": ChiSquare("arm", ("p", "q"), "ill", (False, True)),
    "alleles": AlleleFrequencies("g", 3),
    "association": Association("y", "g", 3, ["x"]),
    "case-control": Association("ill", "g", 3, ["x"], model="logistic"),
    "logistic": LogisticRegression("ill", ["x", "y"]),
    "Poisson": PoissonRegression("visits", ["x"]),
    "Kaplan-Meier": KaplanMeier("days", "ill", times=GRID),
    "log-rank": LogRank("days", "ill", "arm", ("p", "q"), times=GRID),
    "Cox": Cox("days", "ill", ["x"], times=GRID),
    "Cox by site": Cox("days", "ill", ["x"], strata="sites"),
}


@pytest.mark.parametrize("analysis", ANALYSES.values(), ids=ANALYSES)
def test_rounds_find_what_one_process_does(analysis, split):
    tables = split(table())
    ask, _ = federation(tables)
    assert str(run(analysis, ask)) == str(run(analysis, tables))


def test_sites_that_drop_out_are_not_in_the_analysis(split):
    tables = split(table())
    ask, deliver = federation(tables, Faults(dropped=frozenset({("site 1", "update")})))
    assert run(Moments(["x"]), ask).rows == 80
    deliver.faults = Faults(dropped=frozenset({("site 2", "update")}))
    with pytest.raises(FederatedError, match="site 2 answered before, and not in round 3"):
        run(Moments(["x"]), ask)


@pytest.mark.parametrize(
    ("ways", "said"),
    [
        ({"columns": ["y"]}, "may not use the column 'x' of site"),
        ({"min_rows": 50}, "40 rows, and at least 50"),
        ({"allowed": lambda question: (_ for _ in ()).throw(FederatedError("not today"))}, "not today"),
    ],
)
def test_sites_decide_what_they_answer(ways, said, split):
    ask, deliver = federation(split(table()), **ways)
    with pytest.raises(FederatedError, match="failed"):
        run(Moments(["x"]), ask)
    assert said in str(deliver.failures["site 0"])


def test_what_is_no_sum_is_not_asked(split):
    ask, _ = federation(split(table()))
    with pytest.raises(FederatedError, match="not a vector of sums"):
        run(Quantiles("x"), ask)


WRITTEN = question_to_bytes(Products(names=("x", "y"), origin=np.array([1.0, 2.0])))


def test_questions_are_read_as_they_were_written():
    question = question_from_bytes(WRITTEN)
    assert isinstance(question, Products)
    assert (question.names, question.origin.tolist(), question.missing) == (("x", "y"), [1.0, 2.0], "refuse")


@given(st.integers(0, len(WRITTEN) - 1), st.integers(1, 255))
def test_changed_questions_are_refused_or_answered(at, change):
    data = bytearray(WRITTEN)
    data[at] ^= change
    try:
        question = question_from_bytes(bytes(data))
    except ProtocolError:
        return
    join = answering({"x": [1.0], "y": [2.0]})

    class Opening:
        task, site, sites, round, federation = bytes(data), "a", ("a",), 1, "study"

    assert question.length > 0
    try:
        join(Opening).answer("update", b"")
    except CdtError:
        return


@given(st.binary(max_size=200))
def test_bytes_are_no_question(data):
    with pytest.raises(ProtocolError):
        question_from_bytes(data)


@pytest.mark.parametrize(
    "text",
    [
        '{"kind": "Products", "fields": {}}',
        '{"kind": "system", "fields": {}}',
        '{"kind": "Scale", "fields": {"names": [], "mean": 0, "deviation": 1}}',
        '{"kind": "CallCounts", "fields": {"name": "g", "variants": 1000000000000}}',
        '{"kind": "GroupSums", "fields": {"name": "x", "group": "g", "levels": 3}}',
        "[1, 2]",
        "[" * 2000,
        "{",
    ],
)
def test_texts_that_are_no_question_are_refused(text):
    with pytest.raises(ProtocolError, match="question"):
        question_from_bytes(FieldWriter().fixed(b"cdt.ask\x01").text(text).end())


def test_a_question_that_cannot_be_written_is_refused():
    with pytest.raises(ProtocolError, match="GroupSums cannot be sent"):
        question_to_bytes(GroupSums(name="x", group="g", levels=(object(), "q"), origins=np.zeros(2)))


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("Totals", {"names": [1, "x"], "weights": None}),
        ("Totals", {"names": ["x"], "weights": 3}),
        ("Totals", {"names": ["x"], "missing": "ignore"}),
        ("Products", {"names": ["x", "x"], "origin": np.zeros(2)}),
        ("Products", {"names": ["x"], "origin": np.zeros(1 << 10)}),
        ("Products", {"names": ["x"], "origin": np.zeros((1, 1))}),
        ("Products", {"names": ["x"], "origin": np.array([np.nan])}),
        ("BinCounts", {"name": "x", "edges": np.array([2.0, 1.0])}),
        ("CallCounts", {"name": "g", "variants": True}),
        ("GroupSums", {"name": "x", "group": "g", "levels": [["a"], "b"], "origins": np.zeros(2)}),
        ("Totals", {"names": ["x"], "whole": ["sums"]}),
    ],
)
def test_fields_that_are_not_what_they_should_be_are_refused(kind, fields):
    text = state_to_json({"kind": kind, "fields": fields})
    with pytest.raises(ProtocolError, match="question"):
        question_from_bytes(FieldWriter().fixed(b"cdt.ask\x01").text(text).end())


def test_a_scale_is_of_columns_once_each():
    """One column named a thousand times would take a thousand columns' memory at the site."""
    with pytest.raises(FederatedError, match="each once"):
        Scale(("x", "x"), np.zeros(2), np.ones(2))
    with pytest.raises(FederatedError, match="one mean and one deviation"):
        Scale(("x",), np.zeros(1000), np.ones(1000))


@pytest.mark.parametrize("at", [np.zeros(1), np.zeros(3), np.array([1e308, 1e308])])
def test_coefficients_that_make_no_sense_are_answered_by_nothing_or_nothing_useful(at):
    question = PoissonSums(outcome="y", scale=Scale(("x",), np.zeros(1), np.ones(1)), at=at, weights=None)

    class Opening:
        task, site, sites, round, federation = question_to_bytes(question), "a", ("a",), 1, "study"

    party = answering({"x": [1.0, 2.0], "y": [2.0, 3.0]})(Opening)
    if len(at) != 2:
        with pytest.raises(FederatedError, match="makes no sense"):
            party.answer("update", b"")
        return
    state = question.from_vector(np.frombuffer(party.answer("update", b"")[-8 * question.length :]))
    assert (state["rows"], state["beyond"], state["likelihood"]) == (2, 1, 0)


def test_a_step_too_far_is_halved_over_rounds_too(split):
    """The first step from the mean's logarithm goes far beyond what float64 holds."""
    x = np.zeros(60)
    x[-1] = 400.0
    rows = {"x": x, "n": np.concatenate([np.ones(59), [1e6]])}
    ask, _ = federation(split(rows))
    found = run(PoissonRegression("n", ["x"]), ask)
    assert found.coefficients == pytest.approx([0.0, np.log(1e6) / 400], abs=1e-8)
