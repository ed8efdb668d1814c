"""check_examples passes examples that hold, and shows those that do not."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

import pytest

from cdt_core.testing import ContractError, check_examples, modules_with_examples

SOURCES = {
    "__init__.py": '"""Of the package.\n\n>>> 1 + 1\n2\n"""\n',
    "good.py": '"""\n>>> from pathlib import Path\n>>> Path("left.txt").write_text("ashes")\n5\n"""\n',
    "part/wrong.py": 'class Sum:\n    def of(self):\n        """\n        >>> 1 + 1\n        3\n        """\n',
    "raises.py": '"""\n>>> 1 / 0\n1\n"""\n',
    "comment.py": '# >>> 1 + 1\n"""Nothing."""\n',
    "broken.py": 'raise RuntimeError("no >>> here")\n',
    "plain.py": '"""No example."""\n',
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name of an importable package of these modules, another one in each test."""
    name = f"shown_{tmp_path.name}"
    for path, text in SOURCES.items():
        source = tmp_path / name / path
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_all_modules_with_examples_are_found(package: str) -> None:
    names = ("", ".broken", ".comment", ".good", ".part.wrong", ".raises")
    assert modules_with_examples(import_module(package)) == tuple(package + name for name in names)


def test_examples_that_hold_pass_and_leave_nothing_behind(package: str) -> None:
    before, there = Path.cwd(), set(os.listdir())
    check_examples(package)
    check_examples(f"{package}.good")
    assert Path.cwd() == before
    assert set(os.listdir()) == there


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("part.wrong", r"(?s)1 of 1 examples of .*part\.wrong fail:.*Expected:\s+3\s+Got:\s+2"),
        ("raises", "(?s)1 of 1 examples .*ZeroDivisionError"),
        ("comment", "no example in a docstring"),
        ("broken", "importing .*broken raised RuntimeError: no >>> here"),
        ("missing", "importing .*missing raised ModuleNotFoundError"),
    ],
)
def test_examples_that_do_not_hold_are_shown(package: str, module: str, said: str) -> None:
    with pytest.raises(ContractError, match=said):
        check_examples(f"{package}.{module}")
