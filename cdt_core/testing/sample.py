"""Variables in memory, before and after a treatment, cut into blocks as the engine cuts them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import field, frozen

from cdt_core.hooks.contracts import Block
from cdt_core.kernels import stats
from cdt_core.model import Bound, Packing, VariableProfile, VariableSpec
from cdt_core.model.grid import ChunkGrid

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SampleVariable", "sample_variables"]

_DTYPES = {"f": ("float32", "float64"), "i": ("int16", "int64"), "u": ("uint8", "uint32"), "b": ("bool",)}
_CODE = {"f": -9999.0, "i": -32768, "u": 255}


@frozen(eq=False)
class SampleVariable:
    """One variable, whole: what was read and what a reader of the output gets.

    Parameters
    ----------
    original, treated
        Physical values of one shape and dtype (bool, integer or floating point).
    bound
        The promise under which ``treated`` was made; ``abs``, ``pw_rel`` or ``lossless``.
    name
        What messages call it.
    attributes, missing
        Attributes of the variable, and the codes among its values that stand for no value.
    role
        ``"data"`` or ``"coordinate"``.
    """

    original: NDArray[Any] = field(converter=np.asarray)
    treated: NDArray[Any] = field(converter=np.asarray)
    bound: Bound = field(factory=lambda: Bound("lossless"))
    name: str = "sample"
    attributes: dict[str, Any] = field(factory=dict)
    missing: tuple[float | int, ...] = ()
    role: str = "data"

    @property
    def spec(self) -> VariableSpec:
        """Name, dimensions, dtype, attributes and packing."""
        dims = tuple(f"axis_{axis}" for axis in range(self.original.ndim))
        dtype = self.original.dtype.name
        packing = Packing(missing=self.missing, dtype=dtype)
        return VariableSpec(self.name, dims, self.original.shape, dtype, self.role, self.attributes, packing)

    @property
    def mask(self) -> NDArray[np.bool_] | None:
        """True where a value is declared missing; NaN counts as declared when no code is."""
        return stats.mask(self.original, self.missing or ((float("nan"),) if self.original.dtype.kind == "f" else ()))

    @property
    def profile(self) -> VariableProfile:
        """Counts, range and moments, as the profiling pass finds them."""
        found = stats.describe(self.original, missing=self.mask)
        mean, std = (found.mean, (found.m2 / found.finite) ** 0.5) if found.finite else (None, None)
        return VariableProfile(
            name=self.name,
            count=found.count,
            missing=found.missing,
            nan=found.nan,
            infinite=found.positive_infinite + found.negative_infinite,
            minimum=found.minimum,
            maximum=found.maximum,
            mean=mean,
            std=std,
            zeros=found.zeros,
        )

    def blocks(self, chunk_shape: Sequence[int] | None = None) -> list[Block]:
        """The blocks in chunk order; one for the whole variable without ``chunk_shape``."""
        shape = self.original.shape
        grid = ChunkGrid(shape, tuple(chunk_shape) if chunk_shape is not None else tuple(max(1, n) for n in shape))
        return [self.block(grid.region(index)) for index in grid]

    def block(self, region: tuple[slice, ...]) -> Block:
        """The block in ``region``: one slice per axis, with start and stop."""
        profile, mask = self.profile, self.mask
        edges = None
        if profile.minimum is not None and profile.maximum is not None:
            edges = (float(profile.minimum), float(profile.maximum))
        part = None if mask is None else mask[region]
        start = tuple(int(along.start) for along in region)
        original = np.ascontiguousarray(self.original[region]).reshape(self.original[region].shape)
        same = self.treated is self.original
        treated = original if same else np.ascontiguousarray(self.treated[region]).reshape(original.shape)
        return Block(self.spec, start, original, treated, part, edges, self.bound)

    def halves(self) -> tuple[int, ...]:
        """A chunk shape that cuts the first and the last axis, where they have more than one value."""
        ends = (0, self.original.ndim - 1)
        shape = enumerate(self.original.shape)
        return tuple(max(1, -(-length // 2) if axis in ends else length) for axis, length in shape)


def sample_variables(dtype_kinds: str = "iufb", min_ndim: int = 0) -> Iterator[SampleVariable]:
    """Ordinary and awkward variables of every NumPy kind in ``dtype_kinds`` with at least ``min_ndim`` axes.

    Smooth and noisy fields; constants; declared missing codes; for floating point also NaN, infinities, nothing but NaN, the
    largest and smallest numbers. Seeded: the same on every machine.
    """
    known: tuple[tuple[int, ...], ...] = ((), (1,), (37,), (9, 11), (4, 8, 10), (3, 2, 4, 5))
    shapes = [shape for shape in known if len(shape) >= min_ndim]
    shapes = shapes or [(2,) * min_ndim]
    for kind in dtype_kinds:
        for dtype in _DTYPES.get(kind, ()):
            for shape in shapes:
                yield from _ordinary(np.dtype(dtype), shape)
            yield from _awkward(np.dtype(dtype), shapes[-1])


def _ordinary(dtype: np.dtype[Any], shape: tuple[int, ...]) -> Iterator[SampleVariable]:
    rng = np.random.default_rng([len(shape), dtype.num])
    steps = rng.normal(0, 1, shape)
    for axis in range(len(shape)):
        steps = np.cumsum(steps, axis)
    name = f"smooth {dtype} {shape}"
    if dtype.kind == "b":
        values = steps > 0
        yield SampleVariable(values, values, name=name)
        return
    if dtype.kind == "f":
        values = (steps + 280).astype(dtype)
        treated = values + rng.uniform(-0.009, 0.009, shape).astype(dtype)
        yield SampleVariable(values, treated, Bound("abs", 0.01), name, {"units": "K"})
    else:
        values = np.asarray(np.clip(np.round(steps * 5) + 100, 3, 120)).astype(dtype)
        treated = (values + rng.integers(0, 3, shape).astype(dtype)).astype(dtype)
        yield SampleVariable(values, treated, Bound("abs", 2.0), name, {"units": "m"})
    yield SampleVariable(values, values, name=f"{name}, lossless")


def _awkward(dtype: np.dtype[Any], shape: tuple[int, ...]) -> Iterator[SampleVariable]:
    constant = np.ones(shape, dtype)
    yield SampleVariable(constant, constant, name=f"constant {dtype}")
    empty = np.zeros((0, *shape[1:]) if shape else (), dtype)
    yield SampleVariable(empty, empty, name=f"empty {dtype}")
    if dtype.kind == "b":
        return
    rng = np.random.default_rng(dtype.num)
    gaps = np.asarray(rng.integers(0, 100, shape)).astype(dtype)
    gaps = np.where(rng.random(shape) < 0.3, dtype.type(_CODE[dtype.kind]), gaps)
    yield SampleVariable(gaps, gaps, name=f"missing codes {dtype}", missing=(_CODE[dtype.kind],))
    limits = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    extreme = rng.choice(np.array([limits.min, limits.max, 0, 1], dtype), shape)
    yield SampleVariable(extreme, extreme, name=f"extremes {dtype}")
    if dtype.kind == "f":
        yield from _not_finite(dtype, shape, rng)


def _not_finite(dtype: np.dtype[Any], shape: tuple[int, ...], rng: np.random.Generator) -> Iterator[SampleVariable]:
    nothing = np.full(shape, np.nan, dtype)
    yield SampleVariable(nothing, nothing, name=f"nothing but NaN, {dtype}")
    infinite = np.full(shape, -np.inf, dtype)
    yield SampleVariable(infinite, infinite, name=f"nothing but -inf, {dtype}")
    mixed = rng.choice(np.array([np.nan, np.inf, -np.inf, 1.5, -0.0, 2.5], dtype), shape)
    yield SampleVariable(mixed, mixed, name=f"NaN and infinities among numbers, {dtype}")
    yield SampleVariable(mixed, mixed, name=f"undeclared NaN beside a missing code, {dtype}", missing=(1.5,))
    subnormal = rng.choice(np.array([0, 1, -3], dtype), shape) * np.finfo(dtype).smallest_subnormal
    yield SampleVariable(subnormal, subnormal, name=f"subnormal {dtype}")
