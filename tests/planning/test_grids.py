"""Other chunk grids: which are tried, that a plan takes one only where it saves space, and that its bytes are as foretold."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

import cdt_core as cdt
from cdt_core.execute.processing import ProcessedValues
from cdt_core.hooks.manager import catalog
from cdt_core.model import BoundRules
from cdt_core.model.grid import choose_chunk_shape
from cdt_core.planning.chunks import grids_of
from cdt_core.planning.grids import other_grids, window_of
from cdt_core.planning.make import make_plan
from cdt_core.planning.request import PlanRequest
from cdt_core.profiling import scan
from cdt_core.readers.stored import from_xarray
from tests.datasets import smooth


def test_a_chunk_may_be_long_along_an_axis_that_the_default_cuts():
    assert (50, 4, 100, 100) in other_grids((50, 40, 100, 100), (5, 40, 100, 100), (1, 1, 1, 1), 4)


def test_levels_may_be_stored_apart():
    assert other_grids((2, 3, 241, 480), (2, 3, 241, 480), (1, 1, 1, 1), 2)[:2] == [(1, 3, 241, 480), (2, 1, 241, 480)]


def test_small_chunks_stay_as_they_are():
    assert other_grids((100, 100), (100, 100), (1, 1), 4) == []
    assert other_grids((), (), (), 8) == []


SHAPES = st.lists(st.tuples(st.integers(1, 700), st.integers(1, 64)), min_size=1, max_size=4)


@given(SHAPES, st.sampled_from([1, 2, 4, 8]), st.booleans())
def test_other_grids_keep_to_the_units_of_the_source_and_to_the_size_of_the_default(axes, itemsize, is_chunked):
    shape = [length for length, _ in axes]
    source = [min(chunk, length) for length, chunk in axes] if is_chunked else None
    default = choose_chunk_shape(shape, itemsize, source, 1 << 20)
    unit = [min(pair) for pair in zip(source or [1] * len(shape), default, strict=True)]
    for chunk in other_grids(shape, default, unit, itemsize):
        assert chunk != default
        assert all(1 <= part <= length for part, length in zip(chunk, shape, strict=True))
        assert all(p % u == 0 or p == n for p, u, n in zip(chunk, unit, shape, strict=True))
        assert math.prod(default) <= 4 * math.prod(chunk)
        assert 4 * math.prod(chunk) <= 5 * math.prod(default)
        region, shrunk = window_of(shape, default, chunk, 1 << 12)
        lengths = [part.stop - part.start for part in region]
        assert all(0 <= part.start < part.stop <= length for part, length in zip(region, shape, strict=True))
        assert math.prod(lengths) <= 1 << 12
        assert all(0 < part <= 1 for part in shrunk)


def planned(data: xr.Dataset, chunk_bytes: int = 8 << 20, bound: str = "lossless", **more):
    """A plan whose default chunks are as small as is asked for."""
    stored = from_xarray(data)
    values = ProcessedValues(stored, {})
    profile = scan(values, grids_of(stored, chunk_bytes), map, lambda name, count: None)
    request = PlanRequest(BoundRules.parse(bound), catalog().codecs, chunk_bytes=chunk_bytes)
    return make_plan(stored, profile, evolve(request, **more))


def repeats() -> xr.Dataset:
    """Two frames of the same noise: alike along an axis that a chunk of the default grid never holds two of."""
    noise = np.random.default_rng(0).integers(0, 30000, (8, 96, 128)).astype("i2")
    return xr.Dataset({"v": (("t", "z", "y", "x"), np.stack([noise, noise]))})


def test_chunks_hold_together_what_is_alike_and_their_bytes_are_as_foretold(tmp_path):
    plan = planned(repeats(), 1 << 17)["v"]
    assert plan.chunk_shape[0] == 2
    (chosen,) = (c for c in plan.candidates if c.chosen)
    usual = [c for c in plan.candidates if c.chunk_shape[0] == 1 and c.parameters == chosen.parameters]
    assert chosen.chunk_shape == plan.chunk_shape
    assert plan.note == "chunks are of another shape than usual, which takes less space"
    assert chosen.sample_bytes < 0.7 * min(c.sample_bytes for c in usual)
    out = cdt.treat(repeats(), tmp_path / "out", plan=planned(repeats(), 1 << 17))
    assert out.plan["v"] == plan
    (outcome,) = out.outcomes
    assert plan.predicted_bytes == pytest.approx(outcome.stored_bytes, rel=0.1)
    assert cdt.verify(out.path, original=repeats()).ok


def test_where_no_other_grid_saves_space_the_default_one_stays():
    data = xr.Dataset({"v": (("t", "y", "x"), np.random.default_rng(0).integers(0, 99, (64, 64, 64)).astype("i2"))})
    plan = planned(data, 1 << 17)["v"]
    assert {c.chunk_shape for c in plan.candidates} == {plan.chunk_shape} == {(16, 64, 64)}


def test_chunks_that_somebody_chose_are_kept():
    pytest.importorskip("dask")
    data = repeats().chunk({"t": 1, "z": 8})
    plan = planned(data, 1 << 17)["v"]
    assert plan.chunk_shape == planned(data, 1 << 17, codecs=catalog().codecs[:1])["v"].chunk_shape
    assert plan.chunk_shape[0] == 1
    assert len({c.chunk_shape for c in plan.candidates}) == 1


def test_speed_alone_asks_for_no_other_grid():
    plan = planned(repeats(), 1 << 17, objective="speed")["v"]
    assert len({c.chunk_shape for c in plan.candidates}) == 1


def test_coordinates_keep_their_grid():
    values = np.add.outer(np.arange(400.0), np.zeros(300))
    data = xr.Dataset({"v": (("y", "x"), smooth((400, 300)))}, coords={"lat": (("y", "x"), values)})
    plan = planned(data, 1 << 18)
    assert len({c.chunk_shape for c in plan["lat"].candidates}) == 1
