"""README's section runs as it stands, and the audit log is what FORMAT.md says."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from cdt_core.governance import verify_log
from tests.governance.examples import KEY, written

ROOT = Path(__file__).parents[2]


def blocks(heading: str) -> list[tuple[str, str]]:
    section = (ROOT / "README.md").read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"```(\w*)\n(.*?)```", section, re.DOTALL)


def test_the_section_of_the_readme_runs_and_prints_what_is_shown(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("CDT_KEY", raising=False)
    (_, agreement), (_, code), (_, shown), _ = blocks("Agreements and audit")
    (tmp_path / "agreement.json").write_text(agreement)
    exec(compile(code, "README", "exec"), {})
    assert capsys.readouterr().out == shown
    assert verify_log(tmp_path / "audit.log").entries == 1


def test_a_reader_written_from_the_text_of_the_format_agrees(tmp_path) -> None:
    written(tmp_path / "audit.log", (2, 1))
    raw = (tmp_path / "audit.log").read_bytes()
    assert raw.endswith(b"\n")
    lines = raw[:-1].split(b"\n")
    trees = [json.loads(line) for line in lines]
    assert lines == [json.dumps(tree, sort_keys=True, separators=(",", ":")).encode() for tree in trees]
    assert trees[0].keys() == {"format", "version", "log", "key"}
    assert (trees[0]["format"], trees[0]["version"]) == ("cdt.audit", 1)
    entries = 0
    for before, tree in zip(lines, trees[1:], strict=False):
        assert tree["previous"] == hashlib.sha256(before).hexdigest()
        if "head" in tree:
            assert tree.keys() == {"head", "log", "previous", "signature"}
            assert (tree["head"], tree["log"]) == (entries, trees[0]["log"])
            signed = b"cdt audit log head, version 1\n" + bytes.fromhex(tree["log"])
            signed += entries.to_bytes(8, "little") + bytes.fromhex(tree["previous"])
            KEY.public_key().verify(bytes.fromhex(tree["signature"]), signed)
        else:
            assert tree.keys() == {"sequence", "time", "actor", "request", "decision", "previous"}
            assert tree["sequence"] == entries
            entries += 1
    assert [("head" in tree) for tree in trees[1:]] == [True, False, False, True, False, True]
