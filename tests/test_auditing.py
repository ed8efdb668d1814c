"""``cdt audit``: what it prints, what it exits with, and what it refuses."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner

from cdt_core.cli import app
from cdt_core.errors import CertificateError, ProtocolError
from cdt_core.governance import AuditLog, Budget, decide, read_head
from tests.governance.examples import KEY, NOW, OTHER_KEY, agreement, request, written


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "audit.log")
    for name, key in (("key.pub", KEY), ("other.pub", OTHER_KEY)):
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (tmp_path / name).write_bytes(pem)
    return tmp_path / "audit.log"


def run(*arguments, code=0):
    done = CliRunner().invoke(app, ["audit", *map(str, arguments)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.output


def test_a_log_that_holds(log):
    said = run("verify", "audit.log")
    assert "9 entries, 4 heads, 9 entries signed without a gap" in said
    assert "the key inside; compare it with one that you trust, or give --key" in said
    assert "keep a head elsewhere" in said
    assert said.endswith("\nverified\n")
    said = run("head", "audit.log", "--key", "key.pub", "-o", "head.json")
    assert said == "written: head.json, the head of 9 entries\n"
    said = run("verify", "audit.log", "--key", "key.pub", "--head", "head.json")
    assert "(the given key)" in said
    assert "it goes on from the head kept elsewhere, of 9 entries" in said
    assert run("head", "audit.log", "--key", "key.pub") == (log.parent / "head.json").read_text()


def test_a_head_is_of_the_given_key_or_says_that_no_key_was_given(log):
    done = CliRunner().invoke(app, ["audit", "head", "audit.log"])
    assert read_head(done.stdout, "stdout").count == 9
    assert "signed by key " in done.stderr
    assert "(the key inside; compare it with one that you trust, or give --key)" in done.stderr
    with pytest.raises(ProtocolError, match="no head to keep, since line 1: the log names key"):
        run("head", "audit.log", "--key", "other.pub", "-o", "head.json")
    assert not (log.parent / "head.json").exists()


def test_a_kept_head_is_replaced_only_where_the_log_goes_on_from_it(log):
    run("head", "audit.log", "--key", "key.pub", "-o", "head.json")
    kept = (log.parent / "head.json").read_bytes()
    whole = log.read_bytes()
    log.write_bytes(b"".join(whole.splitlines(keepends=True)[:9]))
    with pytest.raises(ProtocolError, match="no head to keep, since entries 5 to 8 are gone"):
        run("head", "audit.log", "--key", "key.pub", "-o", "head.json")
    assert (log.parent / "head.json").read_bytes() == kept
    log.write_bytes(whole)
    written(log, (2,))
    assert "the head of 11 entries" in run("head", "audit.log", "--key", "key.pub", "-o", "head.json")
    with pytest.raises(ProtocolError, match=r"key\.pub: no head of an audit log"):
        run("head", "audit.log", "-o", "key.pub")


@pytest.mark.parametrize("allowed", [[], {}, 1, 0.0, "yes", None])
def test_an_answer_that_is_neither_yes_nor_no_is_shown_as_a_note(tmp_path, allowed):
    with AuditLog(tmp_path / "audit.log", KEY, now=NOW) as log:
        log.append(NOW, "ana", {"kind": "audit"}, {"allowed": allowed})
    assert "  noted  ana  audit" in run("show", tmp_path / "audit.log")


def test_what_was_done_to_a_log_is_named_and_exits_with_1(log):
    whole = log.read_bytes()
    log.write_bytes(whole.replace(b"table 4", b"table 5"))
    said = run("verify", "audit.log", code=1)
    assert "altered: line 8: entry 4 was altered" in said
    assert said.endswith("NOT verified: problems: 1\n")
    found = json.loads(run("verify", "audit.log", "--json", code=1))
    assert found["ok"] is False
    assert [(problem["kind"], problem["entry"]) for problem in found["problems"]] == [("altered", 4)]
    with pytest.raises(ProtocolError, match="no head to keep, since line 8: entry 4 was altered"):
        run("head", "audit.log")
    log.write_bytes(whole)
    assert "signature: line 2: " in run("verify", "audit.log", "--key", "other.pub", code=1)


def test_a_shorter_log_is_found_against_a_head(log):
    run("head", "audit.log", "-o", "head.json")
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:9]))
    assert "verified" in run("verify", "audit.log")
    said = run("verify", "audit.log", "--head", "head.json", code=1)
    assert "truncated: entries 5 to 8 are gone: the head kept elsewhere is of 9" in said


def test_entries_are_shown_for_people(log):
    with AuditLog(log, KEY, now=NOW) as open_log:
        open_log.record(request(), decide(agreement(), request(), now=NOW, spent=Budget()), now=NOW)
        asked = request(group_size=3, subject="weights \x1b[31m")
        open_log.record(asked, decide(agreement(), asked, now=NOW, spent=Budget()), now=NOW)
    shown = run("show", "audit.log", "--last", 2).splitlines()
    assert len(shown) == 2
    assert shown[0].startswith("     9  2026-03-01T12:00:00Z  allowed  ana  statistic  ")
    assert "purpose=outcome research" in shown[0]
    assert "refused  ana" in shown[1]
    assert "[minimum_group_size (minimum_group_size): groups of 3, where at least 10 are asked for]" in shown[1]
    assert "subject=weights \\x1b[31m" in shown[1]
    assert len(run("show", "audit.log").splitlines()) == 11
    entry = json.loads(run("show", "audit.log", "--last", 1, "--json"))
    assert entry["decision"]["allowed"] is False
    assert entry["sequence"] == 10


def test_mistakes_are_named(log):
    with pytest.raises(ProtocolError, match="nowhere: the audit log cannot be read: No such file"):
        run("verify", "nowhere")
    with pytest.raises(ProtocolError, match="nowhere: the head cannot be read: No such file"):
        run("verify", "audit.log", "--head", "nowhere")
    with pytest.raises(ProtocolError, match=r"key\.pub: no head of an audit log"):
        run("verify", "audit.log", "--head", "key.pub")
    with pytest.raises(CertificateError, match="no PEM public key"):
        run("verify", "audit.log", "--key", "audit.log")
    with pytest.raises(ProtocolError, match=r"key\.pub, line 1: it is no line of an audit log"):
        run("show", "key.pub")
