"""The journal remembers what was finished, and nothing of another treatment."""

from __future__ import annotations

import json

from cdt_core.execute.fold import VariableResult
from cdt_core.execute.journal import Journal
from cdt_core.model import Finding, VariableOutcome


def a_result(name: str) -> VariableResult:
    finding = Finding(check="a.b", dimension="format", value=1, variable=name)
    return VariableResult(VariableOutcome(name, 10, 5, 1, 0.25), (finding,), {f"{name}/c/0": "ab"}, "digest")


def test_finished_variables_come_back(tmp_path):
    Journal(tmp_path, "one").finish(a_result("u"))
    assert Journal(tmp_path, "one").finished == {"u": a_result("u")}


def test_another_identity_starts_afresh(tmp_path):
    Journal(tmp_path, "one").finish(a_result("u"))
    assert Journal(tmp_path, "two").finished == {}
    assert Journal(tmp_path, "one").finished == {}


def test_a_line_torn_by_a_kill_is_dropped_and_the_rest_kept(tmp_path):
    Journal(tmp_path, "one").finish(a_result("u"))
    with (tmp_path / "finished.jsonl").open("a") as file:
        file.write('{"outcome": {"na')
    journal = Journal(tmp_path, "one")
    assert set(journal.finished) == {"u"}
    journal.finish(a_result("v"))
    assert set(Journal(tmp_path, "one").finished) == {"u", "v"}
    assert [json.loads(line)["outcome"]["name"] for line in (tmp_path / "finished.jsonl").read_text().splitlines()] == [
        "u",
        "v",
    ]


def test_a_damaged_journal_starts_afresh(tmp_path):
    for name, damage in (("finished.jsonl", "{}\n"), ("checkpoint.json", "[1"), ("checkpoint.json", '{"a": 1}')):
        Journal(tmp_path, "one").finish(a_result("u"))
        (tmp_path / name).write_text(damage)
        journal = Journal(tmp_path, "one")
        assert journal.is_new
        assert journal.finished == {}
