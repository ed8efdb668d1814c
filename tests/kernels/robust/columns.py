"""Updates that are hard for rules by coordinate."""

from __future__ import annotations

import numpy as np

DTYPES = ("f4", "f8")


def kinds(n, d, dtype, seed=0):
    """Updates of several kinds, by name."""
    rng = np.random.default_rng([seed, n, d])
    info = np.finfo(dtype)
    normal = rng.normal(size=(n, d))
    return {
        "normal": normal.astype(dtype),
        "few values": rng.integers(-2, 3, (n, d)).astype(dtype),
        "mostly zeros of both signs": np.where(rng.random((n, d)) < 0.8, np.copysign(0.0, normal), normal).astype(
            dtype
        ),
        "subnormal": (rng.integers(-50, 50, (n, d)) * info.smallest_subnormal).astype(dtype),
        "extremes": rng.choice(
            np.array([info.max, -info.max, info.tiny, -info.smallest_subnormal, 1.0], dtype), (n, d)
        ),
        "all sizes": np.ldexp(normal, rng.integers(info.minexp, info.maxexp - 4, (n, d))).astype(dtype),
        "one far away": np.concatenate([normal[:-1], np.full((1, d), info.max)]).astype(dtype),
    }


def same_bits(one, other):
    assert one.dtype == other.dtype
    np.testing.assert_array_equal(one.view(f"u{one.itemsize}"), other.view(f"u{one.itemsize}"))
