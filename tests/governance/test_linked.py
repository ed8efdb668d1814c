"""A file of linked lines holds all that was said to be in it, whatever a crash cuts off; what no crash does to it is found."""

from __future__ import annotations

import errno
import gc
import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import AccessError
from cdt_core.governance import files, linked
from cdt_core.governance.files import LONGEST_LINE
from cdt_core.governance.linked import LinkedFile, Wording, digest
from tests.governance.examples import interrupted_at

#: An error that no code of the core raises for a file: whatever has another class was not said by the wording.
WORDING = Wording(error=AccessError, name="diary", exists="go on with it", absent="begin one", unwritten="say nothing")

FIRST = {"of": "ana"}


def head_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.head")


def entries(path: Path) -> list[object]:
    file = LinkedFile.open(path, WORDING)
    try:
        found: list[object] = [line.entry for line in file.lines()]
        assert len(found) == file.count
        return found
    finally:
        file.close()


def placed(path: Path, stored: bytes, head: bytes | None) -> None:
    path.write_bytes(stored)
    if head is None:
        head_of(path).unlink(missing_ok=True)
    else:
        head_of(path).write_bytes(head)


@pytest.fixture(scope="module")
def states(tmp_path_factory) -> list[tuple[bytes, bytes | None]]:
    """The bytes of a file after each append, of one line or two, and those of its head; at first it has no head."""
    path = tmp_path_factory.mktemp("states") / "diary"
    file = LinkedFile.create(path, FIRST, WORDING)
    found: list[tuple[bytes, bytes | None]] = [(path.read_bytes(), None)]
    for group in ([{"saw": 1}], [{"saw": 2}, {"saw": 3}], [{"saw": 4}]):
        found.append((path.read_bytes(), head_of(path).read_bytes()))
        file.append(*group)
    file.close()
    return [*found, (path.read_bytes(), head_of(path).read_bytes())]


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("path") / "diary"


def test_what_was_appended_is_read_again_line_by_line(tmp_path) -> None:
    path = tmp_path / "diary"
    file = LinkedFile.create(path, FIRST, WORDING)
    file.append({"saw": "é\ud800\n"}, {"saw": [1, 2.5, None, True]})
    file.append()
    assert (file.count, file.torn) == (3, False)
    assert [(line.sequence, line.entry) for line in file.lines()] == [
        (0, FIRST),
        (1, {"saw": "é\ud800\n"}),
        (2, {"saw": [1, 2.5, None, True]}),
    ]
    *_, last = file.lines()
    assert last.digest == file.head == digest(path.read_bytes().splitlines()[-1])
    file.close()
    file.close()
    for call in (lambda: file.append({}), lambda: next(file.lines())):
        with pytest.raises(AccessError, match=r"the diary .* was closed, or failed before; open it again"):
            call()


def test_a_crash_at_any_byte_leaves_all_that_was_said_to_be_there(states, path) -> None:
    """The head is written after the lines, so that until then it names those of the append before."""
    for (before, head), (after, _) in pairwise(states):
        for kept in range(len(before), len(after) + 1):
            placed(path, after[:kept], head)
            file = LinkedFile.open(path, WORDING)
            whole = after[:kept].count(b"\n")
            assert (file.count, file.torn) == (whole, not after[:kept].endswith(b"\n"))
            file.close()
            assert path.read_bytes() == after[: after[:kept].rfind(b"\n") + 1]
            assert head_of(path).read_bytes() == f"{whole} {digest(path.read_bytes().splitlines()[-1])}\n".encode()


def test_it_goes_on_behind_what_a_crash_left(states, path) -> None:
    (before, head), (after, _) = states[2:4]
    for kept in range(len(before), len(after) + 1, 7):
        placed(path, after[:kept], head)
        file = LinkedFile.open(path, WORDING)
        file.append({"saw": "more"})
        file.close()
        assert entries(path) == [*({"saw": n} if n else FIRST for n in range(file.count - 1)), {"saw": "more"}]


def test_a_file_that_was_cut_before_its_head_is_refused_at_any_byte(states, path) -> None:
    stored, head = states[-1]
    for kept in range(len(stored)):
        placed(path, stored[:kept], head)
        with pytest.raises(AccessError, match=f"was cut: it has {stored[:kept].count(bytes([10]))} whole lines of 5"):
            LinkedFile.open(path, WORDING)
        assert path.read_bytes() == stored[:kept]


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_a_changed_byte_of_the_file_or_its_head_is_found(states, path, data) -> None:
    both = list(states[-1])
    which = data.draw(st.integers(0, 1))
    mutated = bytearray(both[which] or b"")
    mutated[data.draw(st.integers(0, len(mutated) - 1))] ^= data.draw(st.integers(1, 255))
    both[which] = bytes(mutated)
    placed(path, both[0] or b"", both[1])
    with pytest.raises(AccessError, match=r"does not follow|was cut|do not belong together|damaged head"):
        LinkedFile.open(path, WORDING)


@given(data=st.data())
def test_any_other_order_of_lines_is_found(states, path, data) -> None:
    lines = states[-1][0].splitlines(keepends=True)
    several = data.draw(st.lists(st.sampled_from(lines), min_size=1, max_size=6).filter(lambda s: s != lines))
    placed(path, b"".join(several), states[-1][1])
    with pytest.raises(AccessError, match=r"does not follow|was cut"):
        LinkedFile.open(path, WORDING)


def test_the_broken_line_is_named_and_what_to_do(states, path) -> None:
    stored, head = states[-1]
    placed(path, stored.replace(b'"saw":2', b'"saw":7'), head)
    with pytest.raises(
        AccessError, match=r"the diary .*/diary was changed: line 4 does not follow from line 3; .* from one copy"
    ):
        LinkedFile.open(path, WORDING)
    for old, new, line in (
        (b'"saw":2', b'"saw": 2', 4),  # not as it was written; one of the two lines was changed
        (b'"saw":2', b'"saw":2,"saw":2', 4),
        (b'{"saw":2}', b"[2]", 4),
        (b'{"saw":2}', b"", 4),
        (b'"sequence":2}', b'"sequence":2 }', 3),
        (b'"sequence":2}', b'"sequence":3}', 3),
    ):
        placed(path, stored.replace(old, new), head)
        with pytest.raises(AccessError, match=f"line {line} does not follow from line {line - 1}"):
            LinkedFile.open(path, WORDING)


@pytest.mark.parametrize("entry", [b"[2]", b"", b'{"saw":2', b"[" * 9999, b"\xff"])
def test_an_entry_that_is_no_object_is_refused_though_it_is_linked(path, entry) -> None:
    line = b'{"entry":' + entry + b',"previous":"' + linked.START.encode() + b'","sequence":0}'
    placed(path, line + b"\n", f"1 {digest(line)}\n".encode())
    with pytest.raises(AccessError, match="line 1 does not follow from the beginning"):
        entries(path)


@pytest.mark.parametrize(
    "stored", [b"", b"dear diary", b"dear diary\n", b"\xff\n", b"[" * 9999 + b"\n", b"x" * (3 << 20), b"7\n"]
)
def test_another_file_is_refused_and_left_alone(path, stored) -> None:
    placed(path, stored, None)
    with pytest.raises(AccessError, match=r"line 1 does not follow from the beginning|was cut: it has 0 whole lines"):
        LinkedFile.open(path, WORDING)
    assert path.read_bytes() == stored


@pytest.mark.parametrize(
    "head", [b"", b"5", b"x y\n", b"-5 " + b"0" * 64 + b"\n", b"\xff" * 99, b"0 " + b"0" * 64 + b"\n"]
)
def test_a_damaged_head_is_refused(states, path, head) -> None:
    for text in (head, states[-1][1] + b"\n", b"0" + states[-1][1], b"9" * 5000):
        placed(path, states[-1][0], text)
        with pytest.raises(AccessError, match="has a damaged head"):
            LinkedFile.open(path, WORDING)


def test_a_lost_head_is_refused_but_where_no_line_followed_the_first(states, path) -> None:
    placed(path, states[-1][0], None)
    with pytest.raises(AccessError, match="has lost its head"):
        LinkedFile.open(path, WORDING)
    placed(path, states[0][0], None)
    assert entries(path) == [FIRST]
    assert head_of(path).exists()
    path.unlink()
    with pytest.raises(AccessError, match="is gone, and its head is there"):
        LinkedFile.create(path, FIRST, WORDING)


def test_one_writer_at_a_time(tmp_path) -> None:
    path = tmp_path / "diary"
    file = LinkedFile.create(path, FIRST, WORDING)
    for call in (
        lambda: LinkedFile.open(path, WORDING),
        lambda: LinkedFile.create(path, FIRST, WORDING, exist_ok=True),
    ):
        with pytest.raises(AccessError, match="in use by another process, or open twice; close it there"):
            call()
    with pytest.raises(AccessError, match=r"the diary .* exists: go on with it"):
        LinkedFile.create(path, FIRST, WORDING)
    code = (
        "import sys; from pathlib import Path; from cdt_core.errors import AccessError\n"
        "from cdt_core.governance.linked import LinkedFile, Wording\n"
        "try: LinkedFile.open(Path(sys.argv[1]), Wording(error=AccessError, name='diary'))\n"
        "except AccessError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert "in use by another process" in done.stdout
    file.close()
    LinkedFile.create(path, {"of": "eve"}, WORDING, exist_ok=True).close()
    assert entries(path) == [FIRST]


def test_a_file_that_was_forgotten_holds_no_lock(tmp_path) -> None:
    path = tmp_path / "diary"
    file = LinkedFile.create(path, FIRST, WORDING)
    file.append({"saw": 1})
    del file
    gc.collect()
    assert entries(path) == [FIRST, {"saw": 1}]


def test_a_file_that_is_not_there_or_cannot_be_made_is_said(tmp_path) -> None:
    with pytest.raises(AccessError, match="cannot be opened: No such file or directory; begin one"):
        LinkedFile.open(tmp_path / "diary", WORDING)
    with pytest.raises(AccessError, match="cannot be opened: Is a directory"):
        LinkedFile.open(tmp_path, WORDING)
    with pytest.raises(AccessError, match="cannot be created: No such file"):
        LinkedFile.create(tmp_path / "nowhere" / "diary", FIRST, WORDING)


@pytest.mark.parametrize("entry", [{"x": float("nan")}, {"x": object()}, {"x": 10**5000}, {"x": "a" * LONGEST_LINE}])
def test_what_cannot_be_kept_is_refused_and_changes_nothing(tmp_path, entry) -> None:
    path = tmp_path / "diary"
    with pytest.raises(AccessError, match=r"JSON cannot hold|shorten its text"):
        LinkedFile.create(path, entry, WORDING)
    assert not list(tmp_path.iterdir())
    file = LinkedFile.create(path, FIRST, WORDING)
    with pytest.raises(AccessError, match=r"JSON cannot hold|shorten its text"):
        file.append({"saw": 1}, entry)
    file.append({"saw": 2})
    file.close()
    assert entries(path) == [FIRST, {"saw": 2}]


def test_the_longest_line_is_read_again(tmp_path) -> None:
    path = tmp_path / "diary"
    file = LinkedFile.create(path, FIRST, WORDING)
    room = LONGEST_LINE - 1 - len(linked.canonical({"sequence": 1, "previous": linked.START, "entry": {"x": ""}}))
    with pytest.raises(AccessError, match="a line of 1048576 bytes, and at most 1048575 are kept"):
        file.append({"x": "a" * (room + 1)})
    file.append({"x": "a" * room})
    file.close()
    assert entries(path) == [FIRST, {"x": "a" * room}]


@pytest.mark.parametrize("call", ["pwrite", "fsync", "replace"])
def test_a_full_disk_is_said_and_closes_the_file(tmp_path, monkeypatch, call) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "diary"
    file = LinkedFile.create(path, FIRST, WORDING)
    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        with pytest.raises(AccessError, match="cannot be written: No space left on device; say nothing"):
            file.append({"saw": 1})
    with pytest.raises(AccessError, match="open it again"):
        file.append({"saw": 2})
    assert entries(path) == [FIRST, {"saw": 1}][: 1 if call == "pwrite" else 2]


def test_after_an_interrupt_anywhere_it_holds_what_was_said_to_be_there(tmp_path) -> None:
    """Each line of an append, in turn: what it did not say is there or not, and the next append follows on it."""
    path, step, said = tmp_path / "diary", 0, 0
    LinkedFile.create(path, FIRST, WORDING).close()
    while True:
        file = LinkedFile.open(path, WORDING)
        was_interrupted = interrupted_at(step, lambda file=file, step=step: file.append({"saw": step}), linked, files)
        file.close()
        found = entries(path)
        assert found[: said + 1] == json.loads(json.dumps(found[: said + 1]))
        assert len(found) >= said + (not was_interrupted)
        if not was_interrupted:
            break
        said, step = len(found), step + 1
    assert step > 20
    assert found[-1] == {"saw": step}


def test_an_interrupt_while_it_is_made_or_opened_leaves_it_whole_or_not_there(tmp_path) -> None:
    for number, call in enumerate((LinkedFile.create, lambda path, _, words: LinkedFile.open(path, words))):
        step = 0
        while True:
            path = tmp_path / f"{number}-{step}"
            if number:
                LinkedFile.create(path, FIRST, WORDING).close()
                head_of(path).unlink()
                path.write_bytes(path.read_bytes() + b'{"torn')
            made: list[LinkedFile] = []
            was_interrupted = interrupted_at(
                step, lambda call=call, path=path, made=made: made.append(call(path, FIRST, WORDING)), linked, files
            )
            for file in made:
                file.close()
            made.clear()
            assert not path.exists() or entries(path) == [FIRST]
            if not was_interrupted:
                break
            step += 1
        assert step > 20
        assert path.exists()
