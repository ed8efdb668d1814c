"""Analyses over the round engine are those in one process; sites decide what they answer, and trust no question."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest
from analyses import ANALYSES, asking, study_of, table
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import CdtError, FederatedError, ProtocolError
from cdt_core.model.fields import FieldWriter
from cdt_core.model.state import state_to_json
from cdt_federated.rounds import Coordinator, Faults, Journal, Opening, Terms
from cdt_federated.statistics import (
    Asking,
    Moments,
    PoissonRegression,
    Quantiles,
    answering,
    run,
)
from cdt_federated.statistics.fitted import Scale
from cdt_federated.statistics.groups import GroupSums
from cdt_federated.statistics.moments import Products
from cdt_federated.statistics.questions import question_from_bytes, question_to_bytes
from cdt_federated.statistics.regression import PoissonSums
from cdt_federated.training import Plain


def federation(tables, faults=None, minimum=None, **ways):
    """What asks sites over rounds, and the sites' carrier of messages."""
    answers = {name: answering(own, **ways) for name, own in tables.items()}
    return asking(study_of(tables), answers, faults, minimum=minimum)


def asked(question, carrier="plain/float64"):
    """The opening of a round, at site a, that asks what these bytes say."""
    task = FieldWriter().text(carrier).counted(question).end()
    return Opening(federation="study", round=1, sites=("a",), task=task, site="a")


@pytest.mark.parametrize("analysis", ANALYSES.values(), ids=ANALYSES)
def test_rounds_find_what_one_process_does(analysis, split):
    tables = split(table())
    ask, _ = federation(tables)
    assert str(run(analysis, ask)) == str(run(analysis, tables))


def without(site):
    return Faults(dropped=frozenset({(site, "update")}))


def test_an_analysis_is_of_all_sites_or_none_when_nothing_else_was_agreed(split):
    ask, deliver = federation(split(table()), without("site 1"))
    with pytest.raises(FederatedError, match="site 1 said nothing, and 2 of 3 sites are fewer than the 3"):
        run(Moments(["x"]), ask)
    deliver.faults = Faults()
    assert run(Moments(["x"]), ask).rows == 120
    assert (ask.included, ask.silent) == (("site 0", "site 1", "site 2"), ())


def test_a_site_that_is_silent_at_first_is_left_out_to_the_end_and_said_to_be(split):
    tables = split(table())
    ask, deliver = federation(tables, without("site 1"), minimum=2)
    found = run(Moments(["x"]), ask)
    assert (ask.included, ask.silent) == (("site 0", "site 2"), ("site 1",))
    tables.pop("site 1")
    assert str(found) == str(run(Moments(["x"]), tables))
    deliver.faults = Faults()
    assert run(Moments(["x"]), ask).rows == 80
    deliver.faults = without("site 2")
    with pytest.raises(FederatedError, match="site 2 answered before, and not in round 5"):
        run(Moments(["x"]), ask)


def test_with_fewer_sites_than_agreed_there_is_no_analysis(split):
    ask, _ = federation(
        split(table()), Faults(dropped=frozenset({("site 0", "update"), ("site 1", "update")})), minimum=2
    )
    with pytest.raises(FederatedError, match="site 0, site 1 said nothing, and 1 of 3 sites are fewer than the 2"):
        run(Moments(["x"]), ask)
    assert ask.included == ()


def test_what_draws_other_sites_for_each_question_or_adds_nothing_is_refused(split):
    ask, deliver = federation(split(table()))
    half = Coordinator(ask.coordinator.roster, ask.coordinator._key, Terms(share=0.5))
    with pytest.raises(FederatedError, match=r"another share of the sites .*Terms\(share=1\)"):
        Asking(half, deliver)
    for carrier in (Plain(rule=lambda updates, weights: updates[0]), Plain(single=True)):
        with pytest.raises(FederatedError, match=r"does not add up what sites send; use Plain\(\)"):
            Asking(ask.coordinator, deliver, carrier)


def test_a_site_answers_nobody_who_adds_otherwise_than_agreed():
    """Who decodes with another clip than that by which sites encode has wrong sums."""
    with pytest.raises(FederatedError, match="'a' agreed to plain/float64; round 1 is secure/64/clip=1e6/active"):
        answering({"x": [1.0], "y": [2.0]})(asked(WRITTEN, "secure/64/clip=1e6/active"))


def test_answers_to_a_question_before_a_crash_are_not_taken_for_those_of_another(split, tmp_path):
    """Newton's questions differ by coefficients alone: the sums of one have the length of another's."""
    tables = split(table())
    ask, deliver = federation(tables)
    roster, key = ask.coordinator.roster, ask.coordinator._key
    with closing(Journal(tmp_path)) as journal:

        def crash(requests):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(Moments(["x"]), Asking(Coordinator(roster, key, journal=journal), crash))
    with closing(Journal(tmp_path)) as journal:
        ask = Asking(Coordinator(roster, key, journal=journal), deliver)
        with pytest.raises(FederatedError, match=r"round 1 was interrupted, and asks something else; abandon\(\) it"):
            run(Moments(["y"]), ask)
        assert str(run(Moments(["x"]), ask)) == str(run(Moments(["x"]), tables))


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
    assert question.length > 0
    try:
        join(asked(bytes(data))).answer("update", b"")
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
    party = answering({"x": [1.0, 2.0], "y": [2.0, 3.0]})(asked(question_to_bytes(question)))
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
