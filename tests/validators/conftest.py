"""A variable in memory, cut into blocks and put through one validator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from attrs import field, frozen

from cdt_core.hooks.contracts import Block, Subject
from cdt_core.kernels import stats
from cdt_core.model import Bound, Finding, Packing, VariableProfile, VariableSpec
from cdt_core.model.grid import ChunkGrid
from cdt_core.model.state import state_from_json, state_to_json


@frozen(eq=False)
class Case:
    """Original and treated values of one variable, with the promise that was given."""

    original: np.ndarray
    treated: np.ndarray
    bound: Bound = field(factory=lambda: Bound("lossless"))
    attributes: dict[str, Any] = field(factory=dict)
    packing: Packing = field(factory=Packing)
    dims: tuple[str, ...] | None = None
    dtype: str | None = None

    @property
    def spec(self) -> VariableSpec:
        dims = self.dims or tuple(f"d{i}" for i in range(self.original.ndim))
        return VariableSpec(
            name="v",
            dims=dims,
            shape=self.original.shape,
            dtype=self.dtype or self.original.dtype.name,
            attributes=self.attributes,
            packing=self.packing,
        )

    @property
    def missing(self) -> np.ndarray | None:
        found = stats.mask(self.original, self.packing.missing)
        if found is not None:
            return found
        return np.isnan(self.original) if self.original.dtype.kind == "f" and not self.packing.missing else None

    @property
    def profile(self) -> VariableProfile:
        d = stats.describe(self.original, missing=self.missing)
        return VariableProfile(name="v", count=d.count, missing=d.missing, minimum=d.minimum, maximum=d.maximum)

    def blocks(self, chunk: Sequence[int] | None = None) -> list[Block]:
        grid = ChunkGrid(self.original.shape, tuple(max(1, n) for n in chunk or self.original.shape))
        profile, missing = self.profile, self.missing
        edges = None if profile.minimum is None else (float(profile.minimum), float(profile.maximum))
        blocks = []
        for index in grid:
            region = grid.region(index)
            part = None if missing is None else missing[region]
            part = part if part is not None and part.any() else None
            start = tuple(r.start for r in region)
            blocks.append(Block(self.spec, start, self.original[region], self.treated[region], part, edges, self.bound))
        return blocks

    def run(self, kind: Any, chunk: Sequence[int] | None = None, *, tree: bool = False) -> dict[str, Finding]:
        """The findings by check; every state goes through JSON on its way, as in an interrupted run."""
        summary = kind(self.spec, self.profile, self.bound)
        states = [summary.update(summary.start(), block) for block in self.blocks(chunk)]
        states = [state_from_json(state_to_json(state)) for state in states] or [summary.start()]
        while len(states) > 1:
            if tree:
                pairs = [states[i : i + 2] for i in range(0, len(states), 2)]
                states = [summary.merge(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
            else:
                states = [summary.merge(states[0], states[1]), *states[2:]]
        return {finding.check: finding for finding in summary.finish(states[0])}


@pytest.fixture(scope="session")
def case() -> type[Case]:
    return Case


def subject_of(
    variables: dict[str, tuple[Any, ...]], attributes: dict[str, Any] | None = None, notes: Sequence[Finding] = ()
) -> Subject:
    """A dataset as stored, from ``(dims, values, attributes)`` per path; index variables are its coordinates."""
    import xarray as xr

    from cdt_core.readers.meaning import packing_of

    specs, stored = {}, {}
    for name, (dims, values, *more) in variables.items():
        array = np.asarray(values)
        stored[name] = xr.Variable(dims, array, *more)
        specs[name] = VariableSpec(
            name=name,
            dims=tuple(dims),
            shape=array.shape,
            dtype=array.dtype.name if array.dtype.kind != "U" else "object",
            role="coordinate" if tuple(dims) == (name.rpartition("/")[2],) else "data",
            attributes=dict(*more),
            packing=packing_of(array.dtype, dict(*more)) if array.dtype.kind in "iuf" else Packing(),
        )
    return Subject(stored, specs, {}, {"": attributes or {}}, notes=notes)


@pytest.fixture(scope="session")
def subject() -> Any:
    return subject_of


@pytest.fixture
def smooth() -> np.ndarray:
    """A smooth field (6, 80, 90), float32, around 280."""
    t, y, x = np.meshgrid(np.arange(6), np.arange(80), np.arange(90), indexing="ij")
    noise = np.random.default_rng(5).normal(0, 0.2, t.shape)
    return (280 + 10 * np.sin(x / 9 + t) + 8 * np.cos(y / 11 - t) + noise).astype(np.float32)
