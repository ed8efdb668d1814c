"""Entries are added and signed in groups, by one writer; a failed or interrupted group never counts."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import CertificateError, OutputError, ProtocolError
from cdt_core.governance import AuditLog, Budget, audit, decide, read_entries, read_head, verify_log
from tests.governance.examples import KEY, NOW, OTHER_KEY, agreement, interrupted_at, request, written

DEEP: dict = {}
for _ in range(900):
    DEEP = {"x": DEEP}

trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "audit.log"


def test_what_was_decided_is_read_again(path) -> None:
    refused = decide(agreement(), request(group_size=3), now=NOW, spent=Budget())
    with AuditLog(path, KEY, now=NOW) as log:
        assert log.record(request(), decide(agreement(), request(), now=NOW, spent=Budget()), now=NOW) == 0
        assert log.record(request(group_size=3), refused, now=NOW) == 1
        assert log.count == 2
        head = log.commit()
        assert log.commit() == head == log.head
    first, second = read_entries(path)
    assert (first.sequence, first.actor, first.time) == (0, "ana", NOW)
    assert first.request == json.loads(json.dumps(request().tree()))
    assert second.decision["reasons"][0]["path"] == "minimum_group_size"
    assert second.decision["digest"] == agreement().digest
    assert verify_log(path, KEY.public_key(), head=head).ok


def test_a_log_goes_on_where_it_was(path) -> None:
    heads = written(path, (3,))
    again = written(path, (2, 1))
    assert again[0] == heads[-1]
    report = verify_log(path, KEY.public_key(), head=heads[-1])
    assert (report.ok, report.entries, report.signed_entries, report.head) == (True, 6, 6, again[-1])


def test_a_full_group_is_committed_by_itself(path) -> None:
    log = AuditLog(path, KEY, now=NOW, group_size=4)
    for number in range(9):
        assert log.append(NOW, "ana", {"kind": "audit"}, {}) == number
    assert (log.head.count, log.count) == (8, 9)
    assert len(list(read_entries(path))) == 8  # the ninth waits
    log.close()
    log.close()
    assert verify_log(path, KEY.public_key()).signed_entries == 9
    with pytest.raises(OutputError, match="the audit log is closed"):
        log.append(NOW, "ana", {}, {})


def test_an_exception_loses_no_entry(path) -> None:
    def crash() -> None:
        with AuditLog(path, KEY, now=NOW) as log:
            log.append(NOW, "ana", {"kind": "audit"}, {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        crash()
    assert verify_log(path, KEY.public_key()).signed_entries == 1


def test_one_writer_at_a_time(path) -> None:
    with AuditLog(path, KEY, now=NOW):
        with pytest.raises(OutputError, match="another writer has this audit log open"):
            AuditLog(path, KEY, now=NOW)
        code = (
            "import sys; sys.path.insert(0, sys.argv[2])\n"
            "from pathlib import Path; from cdt_core.errors import OutputError\n"
            "from cdt_core.governance import AuditLog\nfrom tests.governance.examples import KEY, NOW\n"
            "try: AuditLog(Path(sys.argv[1]), KEY, now=NOW)\nexcept OutputError as error: print(error)"
        )
        root = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
        done = subprocess.run([sys.executable, "-c", code, path, root], capture_output=True, text=True, check=True)
        assert "another writer" in done.stdout
    AuditLog(path, KEY, now=NOW).close()


@pytest.mark.parametrize(
    ("time", "actor", "tree", "said"),
    [
        (datetime(2026, 3, 1), "ana", {}, "is no time with a zone"),
        (NOW, 7, {}, "actor 7 is no text"),
        (NOW, "ana", {"x": float("nan")}, "entry 0: JSON cannot hold it"),
        (NOW, "ana", {"x": object()}, "entry 0: JSON cannot hold it"),
        (NOW, "ana", {1: "a", "1": "b"}, "entry 0, request: JSON cannot hold it: the key 1 is no text"),
        (NOW, "ana", {"x": [{None: 1}]}, "entry 0, request: JSON cannot hold it: the key None is no text"),
        (NOW, "ana", DEEP, "entry 0, request: JSON cannot hold it: it is nested deeper than 64"),
        (NOW, "ana", {"x": 10**5000}, "entry 0: JSON cannot hold it"),
        (NOW, "ana", [["kind", "audit"]], "entry 0: request .* is no object of JSON"),
        (NOW, "ana", None, "entry 0: request None is no object of JSON"),
        (NOW, "ana", {"x": "a" * (1 << 20)}, "and at most 1048575 are kept; log a digest instead"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_changes_nothing(path, time, actor, tree, said) -> None:
    with AuditLog(path, KEY, now=NOW) as log:
        with pytest.raises(OutputError, match=said):
            log.append(time, actor, tree, {})
        log.append(NOW, "ana", {"kind": "audit"}, {})
    assert [entry.sequence for entry in read_entries(path)] == [0]
    assert verify_log(path, KEY.public_key()).ok


@pytest.mark.parametrize("group_size", [1, 100])
def test_after_an_interrupt_anywhere_the_log_goes_on(path, group_size) -> None:
    with AuditLog(path, KEY, now=NOW, group_size=group_size) as log:
        for call in (lambda: log.append(NOW, "ana", {"kind": "audit"}, {}), log.commit):
            step = 0
            while interrupted_at(step, call, audit):
                step += 1
            assert step > 3
            log.append(NOW, "ana", {"kind": "next"}, {})
        head, count = log.commit(), log.count
    report = verify_log(path, KEY.public_key(), head=head)
    assert (report.problems, report.entries, report.signed_entries) == ((), count, count)


def test_threads_share_a_log(path) -> None:
    def ask(name: str) -> None:
        for _ in range(30):
            log.append(NOW, name, {"kind": "audit"}, {})
            log.commit()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with AuditLog(path, KEY, now=NOW) as log, ThreadPoolExecutor(4) as pool:
            list(pool.map(ask, "abcd"))
    finally:
        sys.setswitchinterval(interval)
    report = verify_log(path, KEY.public_key())
    assert (report.problems, report.signed_entries) == ((), 120)


class Faulty:
    """A signer that begins to sign wrongly."""

    def __init__(self, good: int, wrong: bytes) -> None:
        self.good, self.wrong = good, wrong

    def public_key(self) -> Ed25519PublicKey:
        return KEY.public_key()

    def sign(self, message: bytes) -> bytes:
        self.good -= 1
        return KEY.sign(message) if self.good >= 0 else self.wrong


@pytest.mark.parametrize("wrong", [bytes(64), b"short", b""])
def test_a_signature_that_does_not_hold_is_never_written(path, wrong) -> None:
    with pytest.raises(CertificateError, match="does not verify under its own public key"):
        AuditLog(path, Faulty(0, wrong), now=NOW)
    assert not list(path.parent.iterdir())
    log = AuditLog(path, Faulty(1, wrong), now=NOW)
    log.append(NOW, "ana", {"kind": "audit"}, {})
    with pytest.raises(OutputError, match="1 entries cannot be committed: what the signer signed does not verify"):
        log.commit()
    written(path, (2,))
    assert verify_log(path, KEY.public_key()).signed_entries == 2


def test_what_is_no_signer_is_refused(path) -> None:
    with pytest.raises(OutputError, match=r"audit\.log: the audit log cannot be opened"):
        AuditLog(path, "key.pem", now=NOW)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.text(), trees, max_size=3), min_size=1, max_size=3))
def test_whatever_is_taken_verifies_and_is_read_again(tmp_path_factory, requests) -> None:
    path = tmp_path_factory.mktemp("any") / "audit.log"
    with AuditLog(path, KEY, now=NOW) as log:
        for tree in requests:
            log.append(NOW, "ana", tree, {})
    assert verify_log(path, KEY.public_key()).ok
    assert [entry.request for entry in read_entries(path)] == requests
    AuditLog(path, KEY, now=NOW).close()


def test_every_character_survives(path) -> None:
    strange = "\ud800 \x00 \u2028 é 😀 \n"
    with AuditLog(path, KEY, now=NOW) as log:
        log.append(NOW, strange, {strange: [strange]}, {})
    assert next(read_entries(path)).actor == strange
    assert verify_log(path, KEY.public_key()).ok


def test_a_full_disk_loses_the_group_and_says_so(path, monkeypatch) -> None:
    heads = written(path, (2,))
    size = path.stat().st_size
    log = AuditLog(path, KEY, now=NOW)
    log.append(NOW, "ana", {"kind": "audit"}, {})
    real = os.pwrite

    def full(handle, data, offset):
        if offset > size:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(handle, data[:20], offset)

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OutputError, match="1 entries cannot be committed: No space left on device; open the log again"):
        log.commit()
    with pytest.raises(OutputError, match="closed"):
        log.commit()
    monkeypatch.undo()
    assert path.stat().st_size == size
    assert verify_log(path, KEY.public_key(), head=heads[-1]).ok
    written(path, (1,))
    assert verify_log(path, KEY.public_key(), head=heads[-1]).signed_entries == 3


def test_another_key_cannot_go_on(path) -> None:
    written(path)
    with pytest.raises(OutputError, match=r"this audit log is signed by key .*, and yours is"):
        AuditLog(path, OTHER_KEY, now=NOW)


def test_other_files_are_left_alone(path, tmp_path) -> None:
    path.write_text("dear diary\n")
    with pytest.raises(OutputError, match="no audit log"):
        AuditLog(path, KEY, now=NOW)
    assert path.read_text() == "dear diary\n"
    with pytest.raises(OutputError, match="cannot be opened: No such file"):
        AuditLog(tmp_path / "nowhere" / "audit.log", KEY, now=NOW)
    with pytest.raises(OutputError, match="cannot be opened"):
        AuditLog(tmp_path, KEY, now=NOW)


def test_only_ed25519_signs(path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

    with pytest.raises(CertificateError, match="audit logs are signed by Ed25519"):
        AuditLog(path, generate_private_key(SECP256R1()), now=NOW)
    assert not path.exists()


def test_heads_are_kept_as_text() -> None:
    with pytest.raises(ProtocolError, match=r"head\.json: no head of an audit log"):
        read_head("{}", "head.json")
    with pytest.raises(ProtocolError, match=r"head\.json: no head of an audit log"):
        read_head("\ud800", "head.json")


def test_a_head_survives_its_text(path) -> None:
    head = written(path)[-1]
    assert read_head(head.line().decode() + "\n", "head.json") == head
    assert head.is_signed_by(KEY.public_key())
    assert not head.is_signed_by(OTHER_KEY.public_key())
