"""Every instruction set gives the same bits.

Streams come from the kernels that are chosen when the library is loaded, or by name; for what the compiler makes of plain C,
the sources are built for each level that this machine has, and compared.
"""

from __future__ import annotations

import ast
import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from attrs import astuple
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.kernels import _codec, compress
from cdt_core.model import Bound
from tests.kernels.arrays import ALL, MISSING, arrays
from tests.kernels.blocks import blocks_of
from tests.kernels.instruction_sets import LEVELS, everywhere
from tests.kernels.test_large import ARRAYS, bounds_of

ROOT = Path(__file__).parents[2]
BUILDS = {
    "x86-64": set(),
    "x86-64-v3": {"avx2", "fma", "bmi2"},
    "x86-64-v4": {"avx512f", "avx512bw", "avx512dq", "avx512vl"},
}
SOURCES = ("stats.c", "status.c")


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


def of_setup(name):
    """A list of setup.py."""
    for node in ast.parse((ROOT / "setup.py").read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return ast.literal_eval(node.value)
    raise AssertionError(f"setup.py has no {name}")


def flags():
    """The compiler's flags."""
    return of_setup("FLAGS")


@pytest.fixture(scope="module")
def cores(tmp_path_factory):
    compiler = shutil.which("cc")
    info = Path("/proc/cpuinfo")
    if compiler is None or not info.exists() or "sse2" not in info.read_text():
        pytest.skip("needs a C compiler on Linux, x86-64")
    has = set(next(line for line in info.read_text().splitlines() if line.startswith("flags")).split())
    folder = tmp_path_factory.mktemp("levels")
    outputs = {level: folder / f"{level}.so" for level, needs in BUILDS.items() if needs <= has}
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


def moments(core, dtype):
    x = hard(dtype) if dtype[0] == "f" else np.random.default_rng(3).integers(0, 100, 5001).astype(dtype)
    made = [np.zeros(64), np.zeros(4, dtype)]
    core(f"cdt_describe_{dtype}", x, ctypes.c_void_p(None), x.size, made[0], made[1], made[1][1:])
    assert made[0].any()
    return made


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


def same_streams(x, bound, profile, missing=()):
    """One stream, and its values, whatever the kernels that made and read it."""
    stream, _, _ = everywhere(encoded, x, bound, missing=missing, profile=profile)
    everywhere(compress.decode, stream)


def encoded(*arguments, **options):
    """A stream, and what is said of it."""
    return astuple(compress.encode(*arguments, **options))


bounds = st.sampled_from([Bound("lossless"), Bound("abs", 0.1), Bound("abs", 30.0), Bound("pw_rel", 1e-3)])


@settings(max_examples=150, deadline=None)
@given(
    arrays(ALL),
    bounds,
    st.sampled_from(compress.PROFILES),
    st.sampled_from([None, 3, 8]),
    st.sampled_from([(), MISSING]),
)
def test_streams_of_any_array(x, bound, profile, side, missing):
    with blocks_of(side):
        same_streams(x, bound, profile, missing)


@pytest.mark.parametrize("profile", compress.PROFILES)
@pytest.mark.parametrize("name", ARRAYS)
def test_streams_of_large_arrays(name, profile):
    x = ARRAYS[name]()
    for bound in (bounds_of(x)[1], Bound("lossless")):
        same_streams(x, bound, profile, (-999.0,))


def told(simd):
    """What a new process says of its kernels when the environment names some."""
    code = "from cdt_core.kernels import _codec; print(_codec.kernels_name())"
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "CDT_SIMD": simd},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", LEVELS)
def test_the_environment_names_the_kernels(name):
    assert told(name).stdout.strip() == name
    assert told("").stdout.strip() == LEVELS[-1]


def test_kernels_that_do_not_exist_are_refused_by_name():
    assert "CdtError: CDT_SIMD='sse9' names no kernels that this machine has" in told("sse9").stderr
    with pytest.raises(ValueError, match="argument"):
        _codec.use_kernels("sse9")
    assert _codec.kernels_name() == LEVELS[-1]
