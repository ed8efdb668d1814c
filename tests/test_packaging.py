"""What is shipped is whole: the table of extensions, the package data, the sdist, and the wheel built from it."""

from __future__ import annotations

import ast
import fnmatch
import os
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXT = ROOT / "ext"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

#: Left by builds and by running; never shipped.
_MADE = ("__pycache__", "*.so", "*.pyc", "*.egg-info")


def made(path: Path) -> bool:
    return any(fnmatch.fnmatch(part, pattern) for part in path.parts for pattern in _MADE)


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def shipped(folder: Path) -> list[str]:
    """Files of a folder that belong to the source, as paths from the root."""
    return sorted(relative(path) for path in folder.rglob("*") if path.is_file() and not made(path))


def requirement_names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0].lower() for requirement in requirements}


@pytest.fixture
def extensions(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The table in setup.py, before Cython sees it."""
    taken: list[Any] = []
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("Cython.Build.cythonize", lambda modules, **_: taken.extend(modules) or modules)
    monkeypatch.setattr("setuptools.setup", lambda **_: None)
    runpy.run_path(str(ROOT / "setup.py"))
    return taken


def test_every_source_is_compiled_into_an_extension(extensions: list[Any]) -> None:
    compiled = {source for extension in extensions for source in extension.sources}
    sources = {relative(path) for path in (*EXT.glob("*.pyx"), *EXT.rglob("*.c"))}
    assert compiled == sources


def test_an_edited_header_or_declaration_rebuilds_the_extensions_that_need_it(extensions: list[Any]) -> None:
    """By what the compiler itself says that it reads."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    folders = ["-Iext/include", "-Iext/src"]
    for extension in extensions:
        sources = [source for source in extension.sources if source.endswith(".c")]
        rules = subprocess.run([compiler, "-MM", *folders, *sources], capture_output=True, text=True, check=True).stdout
        read = set(re.findall(r"ext/\S+", rules))
        assert read | set(extension.sources) <= set(extension.depends), extension.name
    declared = {relative(path) for pattern in ("*.pxd", "*.pxi") for path in EXT.rglob(pattern)}
    assert declared <= {file for extension in extensions for file in extension.depends}


def test_extensions_are_built_the_same_for_every_machine(extensions: list[Any]) -> None:
    for extension in extensions:
        flags = extension.extra_compile_args
        assert "-ffp-contract=off" in flags
        assert not [flag for flag in flags if flag.startswith(("-march", "-mtune", "-ffast-math", "-Ofast", "-mavx"))]


def test_every_compiled_module_is_described_for_type_checkers(extensions: list[Any]) -> None:
    """Each public name of a module is in its stub, and no other."""
    for extension in extensions:
        module = import_module(extension.name)
        found = {
            name
            for name, value in vars(module).items()
            if not name.startswith("_") and (getattr(value, "__module__", None) == extension.name or name.isupper())
        }
        stub = ast.parse((ROOT / (extension.name.replace(".", "/") + ".pyi")).read_text())
        named = {node.name for node in stub.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        assigned = {node.target.id for node in stub.body if isinstance(node, ast.AnnAssign)}
        assert found == named | assigned


def test_no_generated_c_is_kept() -> None:
    beside = [path.name for path in EXT.glob("*.c")]
    generated = [
        path.name for path in EXT.rglob("*.c") if "Cython" in path.read_text() or "Python.h" in path.read_text()
    ]
    assert not beside
    assert not generated


def test_all_data_files_of_the_package_are_declared() -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["*"]
    data = [name for name in shipped(ROOT / "cdt_core") if not name.endswith(".py")]
    undeclared = [name for name in data if not any(fnmatch.fnmatch(Path(name).name, pattern) for pattern in patterns)]
    assert not undeclared
    assert {"py.typed", "template.html", "core-1.json"} <= {Path(name).name for name in data}


def test_every_folder_with_data_is_a_package_or_lies_in_one() -> None:
    """setuptools ships a data file only from inside a package."""
    packages = [path for path in (ROOT / "cdt_core").rglob("*") if path.is_dir() and not made(path)]
    modules = [path for path in packages if list(path.glob("*.py"))]
    assert not [relative(path) for path in modules if not (path / "__init__.py").is_file()]


def test_the_extras_that_users_are_told_of_exist() -> None:
    assert {"gpu", "dimod", "distributed", "bench", "test", "all"} <= set(PROJECT["project"]["optional-dependencies"])


def test_every_dependency_says_which_versions_were_tested() -> None:
    project = PROJECT["project"]
    everything = [*project["dependencies"], *(r for extra in project["optional-dependencies"].values() for r in extra)]
    unbound = [requirement for requirement in everything if ">=" not in requirement and "cdt[" not in requirement]
    assert not unbound


def test_the_tests_can_build_without_a_network() -> None:
    """Builds in tests run without isolation, so what a build needs comes with the extra ``test``."""
    project = PROJECT["project"]
    installed = requirement_names([*project["dependencies"], *project["optional-dependencies"]["test"]])
    assert requirement_names(PROJECT["build-system"]["requires"]) <= installed


def test_every_entry_point_leads_somewhere() -> None:
    project = PROJECT["project"]
    groups = {"console_scripts": project["scripts"], **project["entry-points"]}
    for group, entries in groups.items():
        for name, target in entries.items():
            module, _, attribute = target.partition(":")
            found = import_module(module)
            assert not attribute or hasattr(found, attribute)
            assert (name, target) in {(entry.name, entry.value) for entry in entry_points(group=group)}


def test_the_version_is_said_once_and_the_same_everywhere() -> None:
    import cdt_core

    assert cdt_core.__version__ == PROJECT["project"]["version"]


def build(kind: str, source: Path, target: Path) -> Path:
    """Build an sdist or a wheel without a network; returns its path."""
    command = [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", str(target), str(source)]
    quiet = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **quiet})
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = target.glob("*.tar.gz" if kind == "sdist" else "*.whl")
    return built


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An sdist of a clean copy: nothing that an earlier build left behind can slip in."""
    folder = tmp_path_factory.mktemp("clean")
    for name in ("cdt_core", "ext"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(*_MADE))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, folder / name)
    return build("sdist", folder, folder / "dist")


@pytest.mark.install
def test_the_sdist_has_every_source_and_nothing_made(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames() if "/" in name}
    assert set(shipped(ROOT / "ext")) | set(shipped(ROOT / "cdt_core")) <= names
    assert {"LICENSE", "NOTICE", "README.md", "pyproject.toml", "setup.py"} <= names
    assert not [name for name in names if name.endswith(".so") or name.startswith("build/")]


@pytest.mark.install
def test_a_wheel_built_from_the_sdist_is_whole_and_works(sdist: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    wheel = build("wheel", source, tmp_path / "dist")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "site")
    assert set(shipped(ROOT / "cdt_core")) <= names
    assert {Path(name).name.split(".")[0] for name in names if name.endswith(".so")} >= {"_stats", "_codec"}
    assert not [name for name in names if name.startswith(("ext/", "tests/", "cdt_plugins/"))]
    code = (
        "import cdt_core as cdt, numpy as np\n"
        "x = np.linspace(0, 1, 1000, dtype='f4')\n"
        "y = cdt.decompress(cdt.compress(x, bound='abs:0.001'))\n"
        "assert abs(y.astype('f8') - x.astype('f8')).max() <= 0.001\n"
        "from cdt_core.kernels import _stats; print(_stats.__file__)\n"
    )
    alone = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=alone, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(tmp_path / "site")
