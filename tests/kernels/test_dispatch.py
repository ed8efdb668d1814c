"""Every instruction set gives the same bits: the C core is built for each level that this machine has, and compared."""

from __future__ import annotations

import ast
import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
LEVELS = {
    "x86-64": set(),
    "x86-64-v3": {"avx2", "fma", "bmi2"},
    "x86-64-v4": {"avx512f", "avx512bw", "avx512dq", "avx512vl"},
}
SOURCES = ("lattice.c", "codes.c", "stats.c", "status.c")


class Core:
    """The C core of one level, called with arrays as they are and integers as ``size_t``."""

    def __init__(self, path: Path) -> None:
        self.library = ctypes.CDLL(str(path))

    def __call__(self, name, *arguments):
        plain = [
            a.ctypes.data_as(ctypes.c_void_p)
            if isinstance(a, np.ndarray)
            else ctypes.c_size_t(a)
            if isinstance(a, int)
            else a
            for a in arguments
        ]
        assert self.library[name](*plain) == 0


def flags():
    """The compiler's flags, as setup.py has them."""
    for node in ast.parse((ROOT / "setup.py").read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "FLAGS":
            return ast.literal_eval(node.value)
    raise AssertionError("setup.py has no FLAGS")


@pytest.fixture(scope="module")
def cores(tmp_path_factory):
    compiler = shutil.which("cc")
    info = Path("/proc/cpuinfo")
    if compiler is None or not info.exists() or "sse2" not in info.read_text():
        pytest.skip("needs a C compiler on Linux, x86-64")
    has = set(next(line for line in info.read_text().splitlines() if line.startswith("flags")).split())
    folder = tmp_path_factory.mktemp("levels")
    outputs = {level: folder / f"{level}.so" for level, needs in LEVELS.items() if needs <= has}
    builds = [subprocess.Popen(command(compiler, level, out)) for level, out in outputs.items()]
    assert [build.wait() for build in builds] == [0] * len(builds)
    return {level: Core(out) for level, out in outputs.items()}


def command(compiler, level, out):
    options = [*flags(), "-DCDT_BASELINE_ONLY", f"-march={level}", "-shared", "-fPIC"]
    includes = ["-I", ROOT / "ext" / "include", "-I", ROOT / "ext" / "src"]
    return [compiler, *options, *includes, *(ROOT / "ext" / "src" / source for source in SOURCES), "-lm", "-o", out]


def hard(dtype, size=5000):
    """A walk with special values."""
    make = np.random.default_rng(11)
    values = np.cumsum(make.normal(size=size)).astype(dtype)
    spots = make.random(size) < 0.05
    special = np.array([np.nan, np.inf, -np.inf, -0.0, np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal], dtype)
    values[spots] = make.choice(special, spots.sum())
    return values


def lattices(core, dtype):
    width = np.dtype(dtype).itemsize
    real, unsigned = (ctypes.c_float, ctypes.c_uint32) if width == 4 else (ctypes.c_double, ctypes.c_uint64)
    x, missing = hard(dtype), np.array([1.0], dtype)
    made = []
    for step in (real(0.019), unsigned(1 << 8)):
        kind = "linear" if isinstance(step, real) else "key"
        codes, exact = np.empty(x.size, f"u{width}"), np.zeros(x.size, "u4")
        found, worst, back = np.zeros(1, np.uintp), np.zeros(1), np.empty(x.size, dtype)
        core(
            f"cdt_{kind}_encode_{dtype}", x, x.size, ctypes.c_double(0.01), step, missing, 1, codes, exact, found, worst
        )
        core(f"cdt_{kind}_decode_{dtype}", codes, x.size, step, back)
        assert 0 < found[0] < x.size / 5
        made += [codes, exact, found, worst, back]
    return made


def planes(core, width):
    shape = np.array([20, 25, 10], np.uintp)
    codes = np.cumsum(np.random.default_rng(4).integers(-9, 10, 5000)).astype(f"u{width}")
    orders, used, original = np.zeros(3, "u1"), np.zeros(1, "u4"), codes.copy()
    core(f"cdt_choose_u{width}", codes, shape, 3, orders)
    core(f"cdt_difference_u{width}", codes, shape, 3, orders)
    core(f"cdt_zigzag_u{width}", codes, codes.size, used)
    count = int(used[0])
    made = [orders, used, codes.copy()]
    for kind, number, size in (("bits", count, codes.size // 8), ("bytes", -(-count // 8), codes.size)):
        out, back = np.empty(number * size, "u1"), np.empty_like(codes)
        core(f"cdt_to_{kind}_u{width}", codes, codes.size, ctypes.c_uint(number), out)
        core(f"cdt_from_{kind}_u{width}", out, codes.size, ctypes.c_uint(number), back)
        assert (back == codes).all()
        made.append(out)
    core(f"cdt_unzigzag_u{width}", codes, codes.size)
    core(f"cdt_cumulate_u{width}", codes, shape, 3, orders)
    assert (codes == original).all()
    return made


def moments(core, dtype):
    x = hard(dtype) if dtype[0] == "f" else np.random.default_rng(3).integers(0, 100, 5001).astype(dtype)
    made = [np.zeros(64), np.zeros(4, dtype)]
    core(f"cdt_describe_{dtype}", x, ctypes.c_void_p(None), x.size, made[0], made[1], made[1][1:])
    assert made[0].any()
    return made


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_lattices(cores, dtype):
    same_everywhere(cores, lattices, dtype)


@pytest.mark.parametrize("width", [1, 2, 4, 8])
def test_predictors_and_planes(cores, width):
    same_everywhere(cores, planes, width)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i1", "u2", "i4", "u8"])
def test_moments(cores, dtype):
    same_everywhere(cores, moments, dtype)


def same_everywhere(cores, results, argument):
    plain = [array.tobytes() for array in results(cores["x86-64"], argument)]
    for level, core in cores.items():
        assert [array.tobytes() for array in results(core, argument)] == plain, level


def hashes(core, width):
    rows, made = np.random.default_rng(5).permutation(7 * width).astype("u1"), np.zeros(7, "u8")
    core("cdt_row_hashes", rows, 7, width, made)
    assert len(set(made.tolist())) == 7
    return [made]


@pytest.mark.parametrize("width", [1, 100, 256, 1500])
def test_row_hashes(cores, width):
    same_everywhere(cores, hashes, width)
