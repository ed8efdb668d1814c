"""Nothing can be done to a log unseen: each class of changes is found, and its entry is named."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import ProtocolError
from cdt_core.governance import AuditLog, read_entries, verify_log
from cdt_core.governance.chain import Head, read_line
from cdt_core.governance.linked import canonical, digest
from tests.governance.examples import KEY, NOW, OTHER_KEY, written

PUBLIC = KEY.public_key()


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "audit.log"
    heads = written(path, (3, 2, 4, 1))
    return path, heads, path.read_bytes()


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("copy") / "audit.log"


def lines(data: bytes) -> list[bytes]:
    return data.splitlines()


def joined(several: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in several)


def checked(copy: Path, data: bytes, head: Head | None = None):
    copy.write_bytes(data)
    return verify_log(copy, PUBLIC, head=head)


def named(report) -> set[int | None]:
    return {problem.entry for problem in report.problems}


def places(data: bytes) -> dict[int, int]:
    """Entry -> number of its line, from 0."""
    found = {}
    for position, line in enumerate(lines(data)):
        sequence = json.loads(line).get("sequence")
        if sequence is not None:
            found[sequence] = position
    return found


def test_a_log_as_it_was_written_holds(log) -> None:
    path, heads, _ = log
    for head in (None, *heads):
        report = verify_log(path, PUBLIC, head=head)
        assert report.ok
        assert (report.entries, report.heads, report.signed_entries, report.head) == (10, 5, 10, heads[-1])
    inside = verify_log(path)
    assert inside.ok
    assert not inside.key_is_given
    assert inside.key == PUBLIC.public_bytes_raw().hex()


@given(data=st.data())
def test_any_flipped_bit_is_found(log, copy, data) -> None:
    _, _, original = log
    position, bit = data.draw(st.integers(0, len(original) - 1)), data.draw(st.integers(0, 7))
    mutated = bytearray(original)
    mutated[position] ^= 1 << bit
    assert not checked(copy, bytes(mutated)).ok
    copy.write_bytes(mutated)
    assert not verify_log(copy).ok  # with the key inside, too


@given(data=st.data())
def test_a_changed_entry_is_named(log, copy, data) -> None:
    _, _, original = log
    entry, at = data.draw(st.integers(0, 9)), places(original)
    several = lines(original)
    tree = json.loads(several[at[entry]])
    what = data.draw(st.sampled_from(["actor", "time", "request", "decision", "previous", "sequence"]))
    tree[what] = {
        "actor": "eve",
        "time": "2026-03-02T12:00:00Z",
        "request": {"kind": "nothing"},
        "decision": {"allowed": False},
        "previous": "0" * 64,
        "sequence": entry + 5,
    }[what]
    several[at[entry]] = canonical(tree)
    report = checked(copy, joined(several))
    assert {problem.kind for problem in report.problems} == {"altered"}
    assert named(report) == {entry}
    assert report.signed_entries <= entry


@given(data=st.data())
def test_dropped_entries_are_named(log, copy, data) -> None:
    _, _, original = log
    gone, at = data.draw(st.sets(st.integers(0, 8), min_size=1, max_size=3)), places(original)
    several = [line for position, line in enumerate(lines(original)) if position not in {at[entry] for entry in gone}]
    report = checked(copy, joined(several))
    assert {problem.kind for problem in report.problems} == {"missing"}
    ranges = [list(map(int, re.findall(r"\b\d+", problem.message))) for problem in report.problems]
    assert {entry for numbers in ranges for entry in range(numbers[0], numbers[-1] + 1)} == gone
    assert min(gone) in named(report)


@given(data=st.data())
def test_moved_entries_are_named(log, copy, data) -> None:
    _, _, original = log
    one, two = sorted(data.draw(st.sets(st.integers(0, 9), min_size=2, max_size=2)))
    several, at = lines(original), places(original)
    several[at[one]], several[at[two]] = several[at[two]], several[at[one]]
    report = checked(copy, joined(several))
    assert ("moved", one) in {(problem.kind, problem.entry) for problem in report.problems}


@given(data=st.data())
def test_any_other_order_of_lines_is_found(log, copy, data) -> None:
    _, _, original = log
    several = data.draw(st.permutations(lines(original)))
    assert checked(copy, joined(several)).ok == (several == lines(original))


@given(data=st.data())
def test_repeated_or_inserted_lines_are_found(log, copy, data) -> None:
    _, _, original = log
    several = lines(original)
    again = data.draw(st.integers(0, len(several) - 1))
    at = data.draw(st.integers(0, len(several)))
    assert not checked(copy, joined([*several[:at], several[again], *several[at:]])).ok


def test_a_repeated_entry_is_named(log, copy) -> None:
    _, _, original = log
    several, at = lines(original), places(original)
    several.insert(at[4] + 1, several[at[4]])
    assert [(problem.kind, problem.entry) for problem in checked(copy, joined(several)).problems] == [("repeated", 4)]


@given(data=st.data())
def test_a_cut_log_is_found_against_a_head_kept_elsewhere(log, copy, data) -> None:
    _, heads, original = log
    kept = data.draw(st.integers(0, len(original) - 1))
    report = checked(copy, original[:kept], heads[-1])
    assert not report.ok
    ends = [len(joined(lines(original)[: position + 1])) for position in range(len(lines(original)))]
    heads_at = [position for position, line in enumerate(lines(original)) if b'"head":' in line]
    if kept in [ends[position] for position in heads_at]:  # as it was after an earlier commit
        assert [problem.kind for problem in report.problems] == ["truncated"]
        assert named(report) == {report.entries}
        assert checked(copy, original[:kept]).ok  # which nobody can see without that head
    else:
        assert not checked(copy, original[:kept]).ok


def test_entries_behind_the_last_head_are_not_vouched_for(log, copy) -> None:
    _, _, original = log
    last = lines(original)[-1]
    added = {"sequence": 10, "time": "2026-03-01T12:00:00Z", "actor": "eve", "request": {}, "decision": {}}
    line = canonical({**added, "previous": digest(last)})
    report = checked(copy, original + line + b"\n")
    assert [(problem.kind, problem.entry) for problem in report.problems] == [("unsigned", 10)]
    assert report.signed_entries == 10
    torn = checked(copy, original + line[:50])
    assert [problem.kind for problem in torn.problems] == ["torn"]


def forged(data: bytes, key, entry: int) -> bytes:
    """The log with one entry changed and all that follows hashed and signed anew by ``key``."""
    several, last = [], ""
    for line in lines(data):
        tree = json.loads(line)
        if tree.get("sequence") == entry:
            tree["decision"] = {"allowed": False}
        if "previous" in tree:
            tree["previous"] = last
        if "head" in tree:
            tree["signature"] = key.sign(Head(tree["log"], tree["head"], last, "").signed_bytes()).hex()
        several.append(canonical(tree))
        last = digest(several[-1])
    return joined(several)


@given(st.integers(0, 9))
def test_a_log_signed_anew_by_another_is_found(log, copy, entry) -> None:
    _, _, original = log
    report = checked(copy, forged(original, OTHER_KEY, entry))
    assert {problem.kind for problem in report.problems} == {"signature"}
    mine = OTHER_KEY.public_key().public_bytes_raw().hex().encode()
    theirs = PUBLIC.public_bytes_raw().hex().encode()
    taken = forged(original.replace(theirs, mine), OTHER_KEY, entry)
    assert {problem.kind for problem in checked(copy, taken).problems} == {"header", "signature"}
    assert verify_log(copy).ok  # with the key inside: whole, and another's


@given(st.integers(0, 9))
def test_a_log_that_its_owner_wrote_anew_is_found_against_a_head(log, copy, entry) -> None:
    _, heads, original = log
    data = forged(original, KEY, entry)
    assert checked(copy, data).ok
    report = checked(copy, data, heads[-1])
    assert [problem.kind for problem in report.problems] == ["rewritten"]
    covering = [head for head in heads if head.count <= entry]
    assert checked(copy, data, covering[-1]).ok


def test_heads_of_other_logs_and_keys_vouch_for_nothing(log, copy, tmp_path) -> None:
    _, heads, original = log
    other = written(tmp_path / "other.log")
    assert [problem.kind for problem in checked(copy, original, other[-1]).problems] == ["rewritten"]
    last = heads[-1]
    stolen = Head(last.log, last.count, last.previous, OTHER_KEY.sign(last.signed_bytes()).hex())
    assert [problem.kind for problem in checked(copy, original, stolen).problems] == ["signature"]


def test_a_line_of_another_log_is_found(log, copy, tmp_path) -> None:
    _, _, original = log
    written(tmp_path / "other.log", (3, 2, 4, 1))
    several, others = lines(original), lines((tmp_path / "other.log").read_bytes())
    for position in range(len(several)):
        assert not checked(copy, joined([*several[:position], others[position], *several[position + 1 :]])).ok


def test_respelled_json_is_found(log, copy) -> None:
    _, _, original = log
    for old, new in (
        (b'"actor":"ana"', b'"actor": "ana"'),
        (b'"actor":"ana"', b'"actor":"\\u0061na"'),
        (b'"sequence":9', b'"sequence":9.0'),
        (b'"sequence":9', b'"sequence":9,"sequence":9'),
    ):
        report = checked(copy, original[: original.rindex(old)] + new + original[original.rindex(old) + len(old) :])
        assert 9 in named(report)


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"\n\n\n", b"{}", b"{}\n", b"\xff" * 99, b"[" * 9999 + b"\n", b"x" * (3 << 20)]
)
def test_what_is_no_log_is_a_report_not_a_crash(copy, data) -> None:
    report = checked(copy, data)
    assert not report.ok
    assert (report.entries, report.signed_entries) == (0, 0)


def test_a_file_that_is_not_there_is_an_error(tmp_path) -> None:
    with pytest.raises(ProtocolError, match="the audit log cannot be read: No such file"):
        verify_log(tmp_path / "nothing")
    with pytest.raises(ProtocolError, match="the audit log cannot be read: No such file"):
        list(read_entries(tmp_path / "nothing"))


def test_many_problems_are_listed_to_a_limit(tmp_path) -> None:
    path = tmp_path / "audit.log"
    with AuditLog(path, KEY, now=NOW) as log:
        for _ in range(300):
            log.append(NOW, "ana", {}, {})
    whole = path.read_bytes()
    several = lines(whole)
    for data in (whole.replace(b'"ana"', b'"eve"'), joined([*several[:2], *several[2::2]]), joined(several[:2] * 200)):
        path.write_bytes(data)
        report = verify_log(path, PUBLIC)
        assert 50 <= len(report.problems) <= 103
        assert "too much is wrong" in report.problems[-1].message
        assert report.signed_entries == 0


def test_another_file_is_one_problem(copy) -> None:
    report = checked(copy, b"dear diary\n" * 500)
    assert [problem.kind for problem in report.problems] == ["header", "altered"]
    assert "it is no line of an audit log" in report.problems[0].message


def test_what_a_line_must_be() -> None:
    with pytest.raises(ProtocolError, match="no line of an audit log"):
        read_line(b'{"format":"cdt.audit","key":"00","log":"00","version":9}')


@pytest.mark.parametrize("key", ["signature", "previous", "log"])
@pytest.mark.parametrize("space", [" ", "\t", "\n"])
def test_a_head_that_is_spelled_otherwise_is_found(log, copy, key, space) -> None:
    """``bytes.fromhex`` skips every white space: the signature of the last head holds over that spelling, too."""
    *_, last = lines(log[2])
    tree = json.loads(last)
    tree[key] = tree[key][:2] + space + tree[key][2:]
    altered = joined([*lines(log[2])[:-1], canonical(tree)])
    assert not checked(copy, altered, head=log[1][-1]).ok
