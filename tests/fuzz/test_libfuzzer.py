"""The compiled decoder under libFuzzer and sanitizers of memory and undefined behaviour.

What was found stays mended, and a short run (``CDT_FUZZ_SECONDS``) finds nothing new.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.fuzz import seeds
from tests.kernels.test_dispatch import flags, of_setup

ROOT = Path(__file__).parents[2]
FOUND = Path(__file__).parent / "found"
TARGET = Path(__file__).parent / "fuzz_stream.c"
SECONDS = int(os.environ.get("CDT_FUZZ_SECONDS", "20"))
SANITIZERS = "address,undefined"
#: The target has its own work space, of exact sizes.
LEFT_OUT = {"memory.c"}


def compiled(source: Path, folder: Path) -> Path:
    """An object file, instrumented. Wrong numbers are not what is looked for, so less is optimised."""
    made = folder / f"{source.stem}.o"
    includes = [f"-I{ROOT / 'ext' / name}" for name in ("include", "src")]
    options = [option for option in flags() if option not in ("-O3", "-g0")]
    instruments = [f"-fsanitize=fuzzer-no-link,{SANITIZERS}", "-fno-sanitize-recover=all"]
    done = subprocess.run(
        ["clang", *options, "-O1", "-g1", *instruments, *includes, "-c", source, "-o", made],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return made


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory):
    """The target, built; clang has libFuzzer on some platforms only."""
    if shutil.which("clang") is None:
        pytest.skip("clang is not installed")
    folder = tmp_path_factory.mktemp("libfuzzer")
    sources = [ROOT / "ext" / "src" / name for name in of_setup("CODEC") if name not in LEFT_OUT]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(lambda source: compiled(source, folder), [TARGET, *sources]))
    command = ["clang", f"-fsanitize=fuzzer,{SANITIZERS}", *objects, "-lm", "-o", folder / "fuzz"]
    linked = subprocess.run(command, capture_output=True, text=True, check=False)
    if linked.returncode != 0:
        pytest.skip(f"this clang has no libFuzzer: {linked.stderr[-300:]}")
    return folder / "fuzz"


def run(fuzzer, folder, *arguments):
    """Run the target until it finds something or ends."""
    found = subprocess.run(
        [fuzzer, "-timeout=20", f"-artifact_prefix={folder}/", *arguments],
        env={**os.environ, "UBSAN_OPTIONS": "print_stacktrace=1"},
        capture_output=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr.decode(errors="replace")[-4000:]


def test_what_was_found_is_mended(fuzzer, tmp_path):
    run(fuzzer, tmp_path, *sorted(FOUND.iterdir()))


def test_a_short_run_finds_nothing(fuzzer, tmp_path):
    (tmp_path / "seeds").mkdir()
    (tmp_path / "new").mkdir()
    seeds.write(tmp_path / "seeds")
    options = (f"-max_total_time={SECONDS}", "-seed=1", f"-max_len={seeds.LONGEST}")
    run(fuzzer, tmp_path, *options, tmp_path / "new", tmp_path / "seeds", FOUND)
