"""The table of compiled extensions; everything else is in pyproject.toml."""

from __future__ import annotations

from glob import glob

from Cython.Build import cythonize
from setuptools import Extension, setup

# No contraction and no fast-math: a fused multiply-add on one side only would break an error bound. No -march either: newer
# instructions are chosen when the library is loaded (CDT_DISPATCH), so that one build runs everywhere.
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
CODEC = [
    "array.c", "block.c", "block_base.c", "block_differences.c", "block_interpolation.c", "block_palette.c",
    "block_palette_get.c", "context_rows.c", "context_tables.c", "contexts.c", "contexts_encode.c", "crc32c.c",
    "distinct.c", "exact.c", "grid.c", "interpolate.c", "keys.c", "layout.c", "levels.c", "looks_few.c", "map.c",
    "mask.c", "memory.c", "planes.c", "pyramid.c", "rans.c", "residuals.c", "simd_avx2.c", "simd_avx512.c", "simd_baseline.c", "status.c",
    "stream_blocks.c", "stream_head.c", "stream_plan.c", "tables.c", "transpose.c",
]  # fmt: skip
ANNEAL = [
    "anneal_avx2.c", "anneal_avx512.c", "anneal_baseline.c", "anneal_states.c", "levels.c", "status.c",
]  # fmt: skip
TENSOR = ["levels.c", "status.c", "tensor_avx2.c", "tensor_avx512.c", "tensor_baseline.c"]
SHARED = sorted(glob("ext/*.pxi") + glob("ext/*.pxd") + glob("ext/include/*.h") + glob("ext/src/*.h"))


def extension(name: str, sources: list[str], extra_flags: tuple[str, ...] = ()) -> Extension:
    """``cdt_core.kernels._<name>`` from ``ext/<name>.pyx`` and C sources."""
    files = [f"ext/{name}.pyx", *(f"ext/src/{source}" for source in sources)]
    return Extension(
        f"cdt_core.kernels._{name}",
        sources=files,
        include_dirs=["ext/include", "ext/src"],
        depends=[*files, *SHARED],
        extra_compile_args=[*FLAGS, *extra_flags],
        libraries=["m"],
    )


setup(
    ext_modules=cythonize(
        [
            extension("anneal", ANNEAL),
            extension("codec", CODEC),
            extension("stats", ["stats.c", "status.c"]),
            extension("tensor_stream", ["coefficient_mixer.c", "coefficients.c", "ordered.c", "status.c"]),
            # Sums of products that no bound is checked against: fused multiply-adds make them faster and more accurate.
            extension("tensor", TENSOR, ("-ffp-contract=fast",)),
        ],
        build_dir="build/cython",
        include_path=["ext"],
        compiler_directives={"language_level": 3},
    )
)
