"""The house keeps its shape: who imports whom, how large things are, and what stays unimported until it is used."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "cdt_core"
MODULES = sorted(CORE.rglob("*.py"))
PLUGIN_MODULES = sorted(ROOT.glob("cdt_plugins/*/src/**/*.py"))

#: Rooms from the ground up. A room imports rooms of lower floors only; the modules beside the rooms are the roof.
FLOORS = (
    ("errors",),
    ("model",),
    ("kernels",),
    ("hooks",),
    ("codecs", "governance", "profiling", "readers", "validators", "provenance", "report"),
    ("planning", "execute", "certify", "store", "verification"),
)
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
ROOF = len(FLOORS)

#: For plugin authors: may use all that a treatment uses, and no room imports it.
TESTING = "testing"

#: On the roof, too: the kernels in the shapes that libraries of others call. No room imports it.
INTEROP = "interop"

#: On the roof, too: what a scientist selects or assigns by annealing. No room imports it.
SELECT = "select"

#: What a plugin may use of the core.
OPEN_TO_PLUGINS = {"hooks", "model", "errors", "governance", "kernels", "testing"}

#: What discovery may import besides the standard library and the plugins' own modules.
LIGHT = {"attr", "attrs", "pluggy", "cdt_core"}

HEAVY = {
    "cattrs", "cftime", "cf_xarray", "cryptography", "cupy", "dask", "distributed", "fsspec", "h5netcdf", "h5py", "jinja2",
    "nibabel", "numpy", "pandas", "pint", "pyarrow", "pydicom", "pywt", "rocrate", "scipy", "tifffile", "xarray", "zarr",
    "zstandard",
}  # fmt: skip

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 40


def _relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _room(path: Path) -> str:
    """Name of the room that a file of the core belongs to: its folder, or its own name on the roof."""
    return path.relative_to(CORE).parts[0].removesuffix(".py")


def _floor(room: str) -> int:
    return FLOOR_OF.get(room, ROOF)


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything that a file imports, at any depth, for types too."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def _imported_rooms(path: Path) -> Iterator[tuple[int, str]]:
    for line, name in _imports(path):
        parts = name.split(".")
        if parts[0] == "cdt_core" and len(parts) > 1 and parts[1] != "__version__":
            yield line, parts[1]


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring, which is for readers and may be long."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    text = function.body[0]
    return lines - ((text.end_lineno or text.lineno) - text.lineno + 1)


def _in_fresh_python(code: str) -> list[str]:
    """What the code prints as JSON in an interpreter of its own."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return json.loads(done.stdout.splitlines()[-1])


def _modules_after(code: str) -> set[str]:
    """Top-level modules that running ``code`` imports, beyond what a bare interpreter has."""
    report = "import sys, json; print(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
    return set(_in_fresh_python(f"{code}\n{report}")) - set(_in_fresh_python(report))


def test_every_folder_of_the_core_is_a_room_with_a_floor() -> None:
    folders = {path.parent.relative_to(CORE).parts[0] for path in MODULES if path.parent != CORE}
    assert folders - {TESTING, INTEROP, SELECT} == set(FLOOR_OF) - {"errors"}


def test_rooms_import_lower_floors_only() -> None:
    wrong = [
        f"{_relative(path)}:{line}: {_room(path)} imports {room}"
        for path in MODULES
        if _floor(_room(path)) < ROOF
        for line, room in _imported_rooms(path)
        if room != _room(path) and _floor(room) >= _floor(_room(path))
    ]
    assert not wrong, "\n".join(wrong)


def test_only_the_roof_finds_plugins() -> None:
    """Below the roof, what plugins offer arrives as values; nobody there looks for plugins."""
    wrong = [
        f"{_relative(path)}:{line}: imports {name}"
        for path in MODULES
        if path.parent not in (CORE, CORE / "hooks")
        for line, name in _imports(path)
        if name.startswith("cdt_core.hooks.manager")
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("outer", [TESTING, INTEROP, SELECT])
def test_nothing_in_the_core_needs_what_is_for_others(outer: str) -> None:
    wrong = [
        f"{_relative(path)}:{line}"
        for path in MODULES
        if _room(path) != outer
        for line, room in _imported_rooms(path)
        if room == outer
    ]
    assert not wrong, "\n".join(wrong)


def test_what_libraries_of_others_call_needs_the_kernels_alone() -> None:
    wrong = [
        f"{_relative(path)}:{line}: imports {room}"
        for path in MODULES
        if _room(path) == INTEROP
        for line, room in _imported_rooms(path)
        if room not in {INTEROP, "kernels", "errors"}
    ]
    assert not wrong, "\n".join(wrong)


def test_selecting_needs_the_kernels_and_the_model_alone() -> None:
    wrong = [
        f"{_relative(path)}:{line}: imports {room}"
        for path in MODULES
        if _room(path) == SELECT
        for line, room in _imported_rooms(path)
        if room not in {SELECT, "kernels", "model", "errors"}
    ]
    assert not wrong, "\n".join(wrong)


def test_plugins_use_what_is_open_to_plugins() -> None:
    wrong = [
        f"{_relative(path)}:{line}: imports cdt_core.{room}"
        for path in PLUGIN_MODULES
        for line, room in _imported_rooms(path)
        if room not in OPEN_TO_PLUGINS
    ]
    assert not wrong, "\n".join(wrong)


def test_compiled_modules_are_reached_through_kernels_alone() -> None:
    wrong = [
        f"{_relative(path)}:{line}: imports {name}"
        for path in MODULES
        if _room(path) != "kernels"
        for line, name in _imports(path)
        if name.startswith("cdt_core.kernels._")
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", [*MODULES, *PLUGIN_MODULES], ids=_relative)
def test_files_and_functions_can_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_FILE_LINES
    long = {f.name: _code_lines(f) for f in _functions(path) if _code_lines(f) > MAX_FUNCTION_LINES}
    assert not long, f"functions over {MAX_FUNCTION_LINES} lines: {long}"


@pytest.mark.parametrize("path", [*MODULES, *PLUGIN_MODULES], ids=_relative)
def test_everything_public_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text())
    silent = [] if ast.get_docstring(tree) else ["the module"]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            silent += [] if ast.get_docstring(node) else [node.name]
            members = node.body if isinstance(node, ast.ClassDef) else []
            silent += [
                f"{node.name}.{member.name}"
                for member in members
                if isinstance(member, ast.FunctionDef) and not member.name.startswith("_")
                if not ast.get_docstring(member)
            ]
    assert not silent, f"without a docstring: {silent}"


def test_discovery_imports_descriptors_and_nothing_heavier() -> None:
    """Finding all plugins costs the plugins' own modules, attrs and pluggy; no NumPy, no file format's library."""
    code = (
        "from importlib.metadata import entry_points\n"
        "from cdt_core.hooks.manager import catalog\n"
        "assert len(catalog().readers) > 5\n"
    )
    plugins = {
        entry.partition(".")[0]
        for entry in _in_fresh_python(
            "import json; from importlib.metadata import entry_points\n"
            "print(json.dumps([entry.value for entry in entry_points(group='cdt')]))"
        )
    }
    loaded = _modules_after(code) - set(sys.stdlib_module_names)
    assert loaded - plugins <= LIGHT
    assert "cdt_core" in loaded


def test_importing_the_core_imports_no_library() -> None:
    assert _modules_after("import cdt_core") - set(sys.stdlib_module_names) == {"cdt_core"}


def test_naming_an_error_imports_no_library() -> None:
    loaded = _modules_after("import cdt_core; cdt_core.CdtError, cdt_core.Bound, cdt_core.Finding")
    assert not loaded & HEAVY


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, io, contextlib\n"
        "from cdt_core.cli import main\n"
        "sys.argv = ['cdt', '--help']\n"
        "text = io.StringIO()\n"
        "with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):\n"
        "    main()\n"
        "assert 'treat' in text.getvalue()\n"
    )
    assert not _modules_after(code) & HEAVY


@pytest.mark.parametrize("name", ["errors", "model", "hooks"])
def test_what_plugins_import_first_is_light(name: str) -> None:
    assert not _modules_after(f"import cdt_core.{name}") & HEAVY
