"""Do the examples of docstrings do what they say?"""

from __future__ import annotations

import doctest
from contextlib import chdir
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

from cdt_core.testing.contract import called, require

__all__ = ["check_examples", "modules_with_examples"]


def modules_with_examples(package: ModuleType) -> tuple[str, ...]:
    """Names of the modules of a package whose text has an example (``>>>``), sorted; none of them is imported.

    Examples
    --------
    >>> import cdt_core.testing
    >>> "cdt_core.testing.examples" in modules_with_examples(cdt_core.testing)
    True
    """
    found = {
        ".".join((package.__name__, *path.relative_to(folder).with_suffix("").parts)).removesuffix(".__init__")
        for folder in package.__path__
        for path in Path(folder).rglob("*.py")
        if ">>> " in path.read_text(encoding="utf-8")
    }
    return tuple(sorted(found))


def check_examples(module: str) -> None:
    """Run all examples of a module's docstrings, in an empty folder that is gone afterwards.

    Raises
    ------
    ContractError
        The module cannot be imported, an example gives something else than it says, or no docstring has one.

    Examples
    --------
    A plugin's tests:

    >>> import pytest
    >>> import cdt_core.hooks as package  # the plugin
    >>> @pytest.mark.parametrize("name", modules_with_examples(package))
    ... def test_examples_run(name):
    ...     check_examples(name)
    """
    loaded = called(f"importing {module}", import_module, module)
    report: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    with TemporaryDirectory() as folder, chdir(folder):
        for examples in doctest.DocTestFinder().find(loaded, module):
            runner.run(examples, out=report.append)
    require(not runner.failures, f"{runner.failures} of {runner.tries} examples of {module} fail:\n{''.join(report)}")
    require(runner.tries > 0, f"{module} has no example in a docstring, though its text has '>>> '")
