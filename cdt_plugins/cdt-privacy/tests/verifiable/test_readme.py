"""The section of the README runs as it stands and prints what it shows."""

from __future__ import annotations

import re
from pathlib import Path

from cdt_privacy.verifiable import Terms

README = (Path(__file__).parents[2] / "README.md").read_text()
SECTION = README.partition("\n## Verifiable sums\n")[2].partition("\n## ")[0]


def test_the_example_prints_what_is_shown(capsys) -> None:
    (_, code), (_, shown) = re.findall(r"```(\w*)\n(.*?)```", SECTION, re.DOTALL)
    exec(compile(code, "README", "exec"), {})
    assert capsys.readouterr().out == shown


def test_the_chances_are_those_of_the_default() -> None:
    terms = Terms.with_norm_bound("study/1", 1000, 1 << 20)
    chances = ", ".join(f"{terms.chance_unseen(times * 2**20):.0e}" for times in (3, 5, 10))
    assert f"a chance of at most {chances.replace('e-0', 'e-')} (32 projections" in SECTION
