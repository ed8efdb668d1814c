"""The section of the README runs as it stands and prints what it shows."""

from __future__ import annotations

import re
from pathlib import Path

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("\n## Secure sums\n")[2].partition("\n## ")[0]


def test_the_examples_print_what_is_shown(capsys):
    names: dict[str, object] = {}
    blocks = re.findall(r"```(\w*)\n(.*?)```", SECTION, re.DOTALL)
    assert [kind for kind, _ in blocks] == ["python", "", "python", ""]
    for (_, code), (_, shown) in zip(blocks[::2], blocks[1::2], strict=True):
        exec(compile(code, "README", "exec"), names)
        assert capsys.readouterr().out == shown
