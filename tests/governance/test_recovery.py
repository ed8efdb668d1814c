"""What a crash leaves of a group is set aside and said; what no crash leaves is refused."""

from __future__ import annotations

import hashlib
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import OutputError
from cdt_core.governance import AuditLog, read_entries, verify_log
from tests.governance.examples import KEY, NOW, OTHER_KEY, written


@pytest.fixture(scope="module")
def groups(tmp_path_factory):
    """The bytes of a log after each of its commits, and its heads."""
    path = tmp_path_factory.mktemp("log") / "audit.log"
    heads = written(path, (2,))
    before = path.read_bytes()
    heads += written(path, (3,))[1:]
    return before, path.read_bytes(), heads


@settings(max_examples=40)
@given(data=st.data())
def test_a_group_that_was_cut_anywhere_is_set_aside(tmp_path_factory, groups, data) -> None:
    before, after, heads = groups
    kept = data.draw(st.integers(len(before) + 1, len(after) - 1))
    path = tmp_path_factory.mktemp("torn") / "audit.log"
    path.write_bytes(after[:kept])
    assert not verify_log(path, KEY.public_key()).ok
    with AuditLog(path, KEY, now=NOW) as log:
        assert log.count == 3
    assert path.read_bytes().startswith(before)
    assert path.with_name("audit.log.torn-1").read_bytes() == after[len(before) : kept]
    *_, said = read_entries(path)
    assert said.request == {
        "kind": "recovery",
        "bytes": kept - len(before),
        "sha256": hashlib.sha256(after[len(before) : kept]).hexdigest(),
        "kept": "audit.log.torn-1",
    }
    assert verify_log(path, KEY.public_key(), head=heads[1]).ok
    assert [problem.kind for problem in verify_log(path, KEY.public_key(), head=heads[2]).problems] == ["truncated"]


def test_a_long_end_is_set_aside_in_pieces(tmp_path, groups, monkeypatch) -> None:
    """One read gives at most 2 GiB; here, at most 70 bytes behind the last head."""
    before, after, _ = groups
    path = tmp_path / "audit.log"
    path.write_bytes(after[:-1])
    real = os.pread
    monkeypatch.setattr(
        os, "pread", lambda handle, size, at: real(handle, size if at < len(before) else min(size, 70), at)
    )
    AuditLog(path, KEY, now=NOW).close()
    assert path.with_name("audit.log.torn-1").read_bytes() == after[len(before) : -1]
    *_, said = read_entries(path)
    assert said.request["sha256"] == hashlib.sha256(after[len(before) : -1]).hexdigest()
    assert verify_log(path, KEY.public_key()).ok


def test_a_second_crash_has_a_file_of_its_own(tmp_path, groups) -> None:
    before, after, _ = groups
    path = tmp_path / "audit.log"
    path.write_bytes(before)
    for left in (b"\0" * 300, after[len(before) :][:150]):
        with path.open("ab") as file:
            file.write(left)
        AuditLog(path, KEY, now=NOW).close()
    assert path.with_name("audit.log.torn-1").read_bytes() == b"\0" * 300
    assert path.with_name("audit.log.torn-2").read_bytes() == after[len(before) :][:150]
    assert verify_log(path, KEY.public_key()).ok


def test_a_long_group_is_found_from_the_end(tmp_path) -> None:
    path = tmp_path / "audit.log"
    with AuditLog(path, KEY, now=NOW, group_size=500) as log:
        for _ in range(500):
            log.append(NOW, "ana", {"kind": "audit", "subject": "x" * 1000}, {})
    with path.open("ab") as file:
        file.write(b"y" * 300_000)
    with AuditLog(path, KEY, now=NOW) as log:
        assert log.count == 501
    assert verify_log(path, KEY.public_key()).ok


def changed(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    head, _, tail = data.rpartition(old)
    return head + new + tail


def test_what_no_crash_leaves_is_refused(tmp_path, groups) -> None:
    _, after, heads = groups
    path = tmp_path / "audit.log"
    signature = heads[2].signature.encode()
    forged = OTHER_KEY.sign(heads[2].signed_bytes()).hex().encode()
    for data, said in (
        (changed(after, signature, forged), "is not signed by key"),
        (
            changed(after, b'"subject":"table 4"', b'"subject":"table 9"'),
            "the last entry is not the one that was signed",
        ),
        (changed(after, b'"head":', b'"hfad":'), "a line behind its last head cannot be read"),
        (after + b"{}\n", "a line behind its last head cannot be read"),
        (after.partition(b"\n")[0] + b"\n", "no signed head is left"),
        (after[:10], "no audit log"),
        (b"", "no audit log"),
    ):
        path.write_bytes(data)
        with pytest.raises(OutputError, match=said):
            AuditLog(path, KEY, now=NOW)
        assert path.read_bytes() == data
        assert not path.with_name("audit.log.torn-1").exists()
