"""The compiled code under AddressSanitizer and UndefinedBehaviorSanitizer. Minutes, so only where CDT_SANITIZE is set."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-omit-frame-pointer"]
SUITES = (
    "kernels/test_bases.py",
    "kernels/test_compress.py",
    "kernels/test_few_numbers.py",
    "kernels/test_hostile_streams.py",
    "kernels/test_large.py",
    "kernels/test_levels.py",
    "kernels/test_lorenzo.py",
    "kernels/test_missing.py",
    "kernels/test_normal.py",
    "kernels/test_planes.py",
    "kernels/test_rans.py",
    "kernels/test_rules.py",
    "kernels/test_stated_error.py",
    "kernels/test_stats.py",
    "kernels/test_tall.py",
    "kernels/test_unaligned.py",
    "kernels/tensor_stream/test_bases.py",
    "kernels/tensor_stream/test_coefficients.py",
    "kernels/tensor_stream/test_hostile.py",
    "kernels/anneal/test_annealing.py",
    "kernels/anneal/test_dense_kernels.py",
    "kernels/anneal/test_lanes.py",
    "kernels/anneal/test_laws.py",
    "kernels/anneal/test_reference.py",
    "kernels/tucker/test_khatri_rao.py",
    "kernels/tucker/test_modes.py",
    "golden",
)


def runtime(name):
    found = subprocess.run(
        ["cc", f"-print-file-name={name}"], capture_output=True, text=True, check=True
    ).stdout.strip()
    return found if "/" in found else pytest.skip(f"the compiler has no {name}")


@pytest.mark.skipif("CDT_SANITIZE" not in os.environ, reason="builds for minutes; set CDT_SANITIZE=1")
def test_no_sanitizer_speaks(tmp_path):
    for name in ("ext", "cdt_core", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, tmp_path)
    setup = (tmp_path / "setup.py").read_text()
    setup = setup.replace("\nFLAGS = [", f"\nFLAGS = [*{SANITIZERS!r}, ").replace('"-O3"', '"-O1"')
    setup = setup.replace('libraries=["m"],', f'libraries=["m"], extra_link_args={SANITIZERS[:1]!r},')
    assert "extra_link_args" in setup
    (tmp_path / "setup.py").write_text(setup)
    # Clones of functions are chosen before the sanitizers are ready.
    status = tmp_path / "ext" / "include" / "cdt_status.h"
    status.write_text(status.read_text().replace("&& !defined(CDT_BASELINE_ONLY)", "&& 0"))
    subprocess.run([sys.executable, "setup.py", "-q", "build_ext", "--inplace"], cwd=tmp_path, check=True)
    environment = {
        **os.environ,
        "LD_PRELOAD": f"{runtime('libasan.so')} {runtime('libubsan.so')}",
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": str(tmp_path),
    }
    suites = [str(tmp_path / "tests" / suite) for suite in SUITES]
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", *suites]
    found = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    said = found.stdout + found.stderr
    assert found.returncode == 0, said[-6000:]
    assert "runtime error" not in said
    assert "Sanitizer" not in said
