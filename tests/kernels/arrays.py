"""Arrays that are hard to keep: hypothesis strategies, and the exact check of what a bound promises."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from cdt_core.model import Bound

FLOATS = ("f4", "f8")
INTEGERS = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")
TIMES = ("M8[s]", "m8[ns]", "M8[25us]")
ALL = (*FLOATS, *INTEGERS, "f2", "b1", "c8", "c16", *TIMES)
MISSING = (-999.0, 100.0)

_SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0, *MISSING)


def shapes(most: int = 600) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes of rank 0 to 5, with axes of length 0 and 1 too."""
    side = st.sampled_from([0, 1, 1, 2, 2, 3, 3, 4, 5, 7, 8, 9, 17, 64])
    return st.lists(side, max_size=5).map(tuple).filter(lambda shape: np.prod(shape, dtype=np.int64) <= most)


@st.composite
def arrays(draw: st.DrawFn, dtypes: Sequence[str] = ALL) -> NDArray[Any]:
    """An array of one of ``dtypes``: smooth, noise of any bits, or few levels, with special values, of any layout."""
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    shape = draw(shapes())
    make = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    made = _values(draw, make, dtype, int(np.prod(shape, dtype=np.int64))).reshape(shape)
    return _laid_out(draw(st.sampled_from(["C", "F", "big", "strided", "reversed"])), made)


def _values(draw: st.DrawFn, make: np.random.Generator, dtype: np.dtype[Any], size: int) -> NDArray[Any]:
    kind = draw(st.sampled_from(["smooth", "bits", "levels"]))
    if dtype.kind == "b":
        return make.integers(0, 2, size).astype(bool)
    if kind == "bits":
        return np.frombuffer(make.bytes(size * dtype.itemsize), dtype).copy()
    part = np.dtype(f"f{dtype.itemsize // 2}") if dtype.kind == "c" else dtype
    count = 2 * size if dtype.kind == "c" else size
    steps = np.cumsum(make.normal(size=count)) if kind == "smooth" else make.integers(-3, 4, count).astype(float)
    if part.kind != "f":
        return _integers(make, steps, part)
    largest = float(np.finfo(part).max)
    with np.errstate(over="ignore"):
        values = (steps * draw(st.sampled_from([1.0, 1e-3, 1e4, largest / 8, float(np.finfo(part).tiny) * 4]))).astype(
            part
        )
    spots = make.random(count) < draw(st.sampled_from([0.0, 0.05, 0.5]))
    values[spots] = make.choice(np.array([*_SPECIAL, largest, np.finfo(part).smallest_subnormal], part), spots.sum())
    return values.view(dtype)


def _integers(make: np.random.Generator, steps: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    plain = np.dtype("i8") if dtype.kind in "mM" else dtype
    limits = np.iinfo(plain)
    values = np.clip(steps, max(limits.min, -(2**53)), min(limits.max, 2**53)).astype(plain)
    spots = make.random(values.size) < 0.05
    values[spots] = make.choice(np.array([limits.min, limits.max, 100], plain), spots.sum())
    return values.view(dtype)


def _laid_out(layout: str, values: NDArray[Any]) -> NDArray[Any]:
    if layout == "F":
        return np.asfortranarray(values)
    if layout == "big":
        return values.astype(values.dtype.newbyteorder(">"))
    if layout == "strided" and values.ndim:
        return np.repeat(values, 2, axis=-1)[..., ::2]
    if layout == "reversed" and values.ndim:
        return np.ascontiguousarray(values[::-1])[::-1]
    return values


def bits(values: NDArray[Any]) -> NDArray[Any]:
    """The bytes of each value, in native order."""
    native = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("="), copy=False))
    return native.reshape(-1).view(np.uint8).reshape(native.size, native.dtype.itemsize)


def same_bits(left: NDArray[Any], right: NDArray[Any]) -> bool:
    """True when both have one shape, one dtype and the same bits."""
    return (
        left.shape == right.shape
        and left.dtype.newbyteorder("=") == right.dtype.newbyteorder("=")
        and bool((bits(left) == bits(right)).all())
    )


def worst_error(x: NDArray[Any], y: NDArray[Any], bound: Bound, missing: Sequence[float]) -> Fraction:
    """The largest error of numbers that ``bound`` allows to change, without rounding (relative for ``pw_rel``).

    Asserts that everything else kept its bits, and that the largest error is within the bound.
    """
    assert x.shape == y.shape
    x, y = x.reshape(-1).astype(x.dtype.newbyteorder("=")), y.reshape(-1)
    assert x.dtype == y.dtype
    is_code = np.isin(x, np.array(missing).astype(x.dtype)) if len(missing) else np.zeros(x.size, bool)
    is_code_now = np.isin(y, np.array(missing).astype(x.dtype)) if len(missing) else is_code
    assert (is_code == is_code_now).all()
    changed = (bits(x) != bits(y)).any(axis=1)
    assert not (changed & (is_code | ~np.isfinite(x) | ~np.isfinite(y))).any()
    assert not (bound.is_lossless and changed.any())
    worst = Fraction(0)
    for a, b in zip(x[changed].tolist(), y[changed].tolist(), strict=True):
        error, size = abs(Fraction(a) - Fraction(b)), abs(Fraction(a))
        assert bound.kind != "pw_rel" or size or not error
        worst = max(worst, error / size if bound.kind == "pw_rel" and size else error)
    assert worst <= Fraction(bound.value)
    return worst


def states(stated: float, worst: Fraction) -> bool:
    """Whether ``stated`` is the largest error, rounded up or to nearest."""
    return float(worst) in (stated, math.nextafter(stated, 0.0))
