"""Hypothesis strategies: arrays, bounds, variables, blocks and datasets of the kinds that cdt treats.

Hypothesis is imported when a strategy is made; it comes with the extra ``test``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.hooks.contracts import Block
from cdt_core.model import Bound
from cdt_core.testing.sample import SampleVariable

if TYPE_CHECKING:
    import xarray as xr
    from hypothesis.strategies import SearchStrategy
    from numpy.typing import NDArray

__all__ = ["arrays", "blocks", "bounds", "datasets", "variables"]

_DTYPES = {
    "f": ("float16", "float32", "float64"),
    "i": ("int8", "int16", "int32", "int64"),
    "u": ("uint8", "uint16", "uint32", "uint64"),
    "b": ("bool",),
}


def arrays(
    dtype_kinds: str = "iufb", *, min_ndim: int = 0, max_ndim: int = 4, max_side: int = 8, finite: bool = False
) -> SearchStrategy[NDArray[Any]]:
    """Arrays of any dtype of the kinds, with empty axes, NaN, infinities, subnormals and extremes (unless ``finite``)."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as npst

    names = [name for kind in dtype_kinds for name in _DTYPES[kind]]
    shapes = npst.array_shapes(min_dims=max(min_ndim, 1), max_dims=max_ndim, min_side=0, max_side=max_side)
    if min_ndim == 0:
        shapes = st.just(()) | shapes

    def of(dtype: str) -> SearchStrategy[NDArray[Any]]:
        elements = {"allow_nan": not finite, "allow_infinity": not finite} if dtype.startswith("f") else None
        return npst.arrays(dtype, shapes, elements=elements)

    return st.sampled_from(names).flatmap(of)


def bounds(kinds: tuple[str, ...] = ("abs", "rel", "pw_rel", "lossless")) -> SearchStrategy[Bound]:
    """Bounds from generous to finer than the numbers themselves."""
    from hypothesis import strategies as st

    def of(kind: str) -> SearchStrategy[Bound]:
        exact = kind == "lossless"
        return st.just(Bound(kind)) if exact else st.floats(-12, 1).map(lambda exponent: Bound(kind, 10.0**exponent))

    return st.sampled_from(kinds).flatmap(of)


def variables(dtype_kinds: str = "iufb", *, min_ndim: int = 0, max_ndim: int = 4) -> SearchStrategy[SampleVariable]:
    """A variable before and after a treatment that kept its bound: exact, or moved within an absolute bound."""
    from hypothesis import strategies as st

    def treated(original: NDArray[Any]) -> SearchStrategy[SampleVariable]:
        exact = st.just(SampleVariable(original, original))
        if original.dtype.kind != "f":
            return exact
        moved = st.tuples(st.floats(-6, 2), st.integers(0, 2**32 - 1)).map(lambda drawn: _moved(original, *drawn))
        return exact | moved

    return arrays(dtype_kinds, min_ndim=min_ndim, max_ndim=max_ndim).flatmap(treated)


def _moved(original: NDArray[Any], exponent: float, seed: int) -> SampleVariable:
    """Values moved by up to half an absolute bound; the ones that rounding would carry past it stay."""
    bound = 10.0**exponent
    with np.errstate(over="ignore", invalid="ignore"):
        step = np.random.default_rng(seed).uniform(-bound / 2, bound / 2, original.shape)
        treated = np.asarray(original + step).astype(original.dtype)
        error = np.abs(treated.astype(np.float64) - original.astype(np.float64))
    kept: NDArray[Any] = np.where(error <= bound, treated, original)
    return SampleVariable(original, kept, Bound("abs", bound))


def blocks(dtype_kinds: str = "iufb", *, min_ndim: int = 0, max_ndim: int = 4) -> SearchStrategy[Block]:
    """One block of a variable that :func:`variables` makes, anywhere in it."""
    from hypothesis import strategies as st

    def of(variable: SampleVariable) -> SearchStrategy[Block]:
        cut = variable.blocks(variable.halves()) or variable.blocks()
        return st.sampled_from(cut) if cut else st.nothing()

    made = variables(dtype_kinds, min_ndim=min_ndim, max_ndim=max_ndim)
    return made.filter(lambda variable: variable.original.size > 0).flatmap(of)


def datasets(dtype_kinds: str = "iufb", *, max_variables: int = 3) -> SearchStrategy[xr.Dataset]:
    """Datasets in memory: variables ``v0``, ``v1`` ... with dimensions of their own, units, and a coordinate here and there."""
    from hypothesis import strategies as st

    each = st.tuples(arrays(dtype_kinds), st.sampled_from(["", "1", "K", "m s-1"]), st.booleans())
    return st.lists(each, min_size=1, max_size=max_variables).map(_dataset)


def _dataset(drawn: list[tuple[NDArray[Any], str, bool]]) -> xr.Dataset:
    import xarray as xr

    data: dict[str, Any] = {}
    coordinates: dict[str, Any] = {}
    for number, (values, units, placed) in enumerate(drawn):
        dims = tuple(f"v{number}_{axis}" for axis in range(values.ndim))
        data[f"v{number}"] = (dims, values, {"units": units} if units else {})
        if placed and dims:
            coordinates[dims[0]] = (dims[0], np.arange(values.shape[0], dtype="float64"))
    return xr.Dataset(data, coordinates)
