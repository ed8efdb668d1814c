"""The table of compiled extensions; everything else is in pyproject.toml."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

# No contraction and no fast-math: a fused multiply-add on one side only would break an error bound. No -march either: newer
# instructions are chosen when the library is loaded (cdt_levels.h, CDT_DISPATCH), so that one build runs everywhere.
FLAGS = [
    "-std=c11",
    "-O3",
    "-g0",
    "-ffp-contract=off",
    "-fno-fast-math",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fno-strict-aliasing",
    "-fopenmp-simd",
]
# What Cython makes checks arguments and calls C: nothing there runs long enough to be worth more of the compiler's time.
CYTHON = "build/cython"
CYTHON_FLAGS = ["-O1"]
CODEC = [
    "array.c", "block.c", "block_base.c", "block_differences.c", "block_interpolation.c", "block_palette.c",
    "block_palette_get.c", "context_rows.c", "context_tables.c", "contexts.c", "contexts_encode.c", "crc32c.c",
    "distinct.c", "exact.c", "grid.c", "interpolate.c", "keys.c", "layout.c", "levels.c", "looks_few.c", "map.c",
    "mask.c", "memory.c", "planes.c", "pyramid.c", "rans.c", "residuals.c", "simd_avx2.c", "simd_avx512.c",
    "simd_baseline.c", "status.c", "stream_blocks.c", "stream_head.c", "stream_plan.c", "tables.c", "transpose.c",
]  # fmt: skip
ANNEAL = [
    "anneal_avx2.c", "anneal_avx512.c", "anneal_baseline.c", "anneal_energies.c", "anneal_reduce.c", "anneal_states.c",
    "levels.c", "status.c",
]  # fmt: skip
LATTICE = ["lattice_avx2.c", "lattice_avx512.c", "lattice_baseline.c", "lattice_shamir.c", "levels.c", "status.c"]
PARTITION = [
    "levels.c", "partition_avx2.c", "partition_avx512.c", "partition_baseline.c", "partition_classes.c",
    "partition_measures.c", "partition_moves.c", "status.c",
]  # fmt: skip
ROBUST = ["levels.c", "robust.c", "robust_avx2.c", "robust_avx512.c", "robust_baseline.c", "status.c"]
DISTANCES = [
    "levels.c", "robust_distances_avx2.c", "robust_distances_avx512.c", "robust_distances_baseline.c", "status.c",
]  # fmt: skip
TENSOR = ["levels.c", "status.c", "tensor_avx2.c", "tensor_avx512.c", "tensor_baseline.c"]
#: Where what a source names may lie.
FOLDERS = ("ext", "ext/src", "ext/include")
NAMED = re.compile(r'"([\w.]+\.(?:h|pxi))"|from (\w+) cimport')


def needs(files: list[str]) -> list[str]:
    """The files, and all headers that they name, or that these name: an extension is made anew when one of them changes."""
    found, waiting = set(files), list(files)
    while waiting:
        text = Path(waiting.pop()).read_text(encoding="utf-8")
        names = {header or f"{module}.pxd" for header, module in NAMED.findall(text)}
        new = {str(path) for name in names for folder in FOLDERS if (path := Path(folder, name)).is_file()} - found
        found |= new
        waiting += new
    return sorted(found)


def extension(name: str, sources: list[str], extra_flags: tuple[str, ...] = ()) -> Extension:
    """``cdt_core.kernels._<name>`` from ``ext/<name>.pyx`` and C sources."""
    files = [f"ext/{name}.pyx", *(f"ext/src/{source}" for source in sources)]
    return Extension(
        f"cdt_core.kernels._{name}",
        sources=files,
        include_dirs=["ext/include", "ext/src"],
        depends=needs(files),
        extra_compile_args=[*FLAGS, *extra_flags],
        libraries=["m"],
    )


class SideBySide(build_ext):  # type: ignore[misc]
    """Compiles the sources of an extension side by side; extensions, which share objects, one after another."""

    parallel: int | None

    def build_extensions(self) -> None:
        """As setuptools does, on ``--parallel`` cores (default: all)."""
        compile_some: Callable[..., list[str]] = self.compiler.compile

        def compile_one(source: str, extra_postargs: list[str], options: dict[str, Any]) -> list[str]:
            flags = [*extra_postargs, *(CYTHON_FLAGS if source.startswith(CYTHON) else [])]
            return compile_some([source], extra_postargs=flags, **options)

        def compile_all(sources: list[str], extra_postargs: list[str], **options: Any) -> list[str]:
            waiting = [pool.submit(compile_one, source, extra_postargs, options) for source in sources]
            return [made for one in waiting for made in one.result()]

        with ThreadPoolExecutor(self.parallel or os.cpu_count()) as pool:
            self.parallel = None
            self.compiler.compile = compile_all
            super().build_extensions()


setup(
    cmdclass={"build_ext": SideBySide},
    ext_modules=cythonize(
        [
            extension("anneal", ANNEAL),
            extension("codec", CODEC),
            extension("lattice", LATTICE),
            extension("partition", PARTITION),
            extension("robust", ROBUST),
            extension("stats", ["stats.c", "status.c"]),
            extension("tensor_stream", ["coefficient_mixer.c", "coefficients.c", "ordered.c", "status.c"]),
            # Sums of products that no bound is checked against: fused multiply-adds make them faster and more accurate.
            extension("robust_distances", DISTANCES, ("-ffp-contract=fast",)),
            extension("tensor", TENSOR, ("-ffp-contract=fast",)),
        ],
        build_dir=CYTHON,
        include_path=["ext"],
        compiler_directives={"language_level": 3},
    ),
)
