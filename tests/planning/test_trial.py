"""Few values are sampled however large a dataset is, from all over it; and few calls foretell the time of many."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.hooks.contracts import Encoded
from cdt_core.hooks.descriptor import CodecOffer
from cdt_core.model import Bound, Candidate, VariableSpec
from cdt_core.model.grid import ChunkGrid
from cdt_core.planning import trial
from cdt_core.planning.trial import Form, Samples, cropped, sample, sampled_values, shared

MILLION = 10**6


class Counted:
    """Values that say where they are, and how often they are read."""

    def __init__(self, shape):
        self.values = np.arange(math.prod(shape), dtype=">f4").reshape(shape)
        self.reads = []

    def read(self, name, region):
        self.reads.append(region)
        return self.values[region]

    def decoded(self, name, values):
        return 2 * values


def test_a_small_dataset_is_tried_whole():
    assert sampled_values([1000, 300_000, 700_000]) >= 700_000


@given(st.lists(st.integers(1, 10**7), min_size=1, max_size=300))
def test_samples_of_all_variables_together_are_few(sizes):
    most = sampled_values(sizes)
    taken = sum(min(size, most) for size in sizes)
    floor = sum(min(size, 1 << 12) for size in sizes)
    assert taken <= max(1 << 21, sum(sizes) // 128, floor)


@given(st.lists(st.integers(1, 10**7), min_size=1, max_size=300))
def test_no_more_could_be_sampled_of_all(sizes):
    most = sampled_values(sizes)
    if most < min(max(sizes), 3 << 18):
        assert sum(min(size, most + 1) for size in sizes) > max(1 << 21, sum(sizes) // 128) - len(sizes)


@given(
    st.lists(st.integers(1, 300), min_size=0, max_size=4),
    st.integers(1, 5000),
    st.floats(0, 1),
)
def test_a_part_lies_in_its_region_and_keeps_short_axes(lengths, most, place):
    region = tuple(slice(7, 7 + length) for length in lengths)
    part = cropped(region, most, place)
    sides = [cut.stop - cut.start for cut in part]
    assert math.prod(sides) <= most
    assert all(whole.start <= cut.start and cut.stop <= whole.stop for whole, cut in zip(region, part, strict=True))
    assert all(side in (length, max(sides)) for side, length in zip(sides, lengths, strict=True))
    longer = math.prod(min(length, max(sides, default=0) + 1) for length in lengths)
    assert longer > most or sides == lengths


def test_sampled_blocks_are_from_three_places_by_one_read_of_their_only_chunk():
    data = Counted((500, 500))
    found = sample(data, "v", ChunkGrid((500, 500), (500, 500)), 60_000)
    assert len(data.reads) == 1
    assert [block.shape for block in found.stored] == [(141, 141)] * 3
    assert len({block[0, 0] for block in found.stored}) == 3
    assert all((twice == 2 * block).all() for block, twice in zip(found.stored, found.physical, strict=True))
    assert all(block.dtype.isnative and block.flags.c_contiguous for block in found.stored)


def test_few_values_are_of_one_place_in_the_middle():
    data = Counted((500, 500))
    (block,) = sample(data, "v", ChunkGrid((500, 500), (100, 500)), 2000).stored
    assert block.size <= 2000
    assert abs(float(block.mean()) - 125_000) < 25_000


def test_large_chunks_are_not_read_whole_for_few_values():
    data = Counted((2100, 1000))
    sample(data, "v", ChunkGrid((2100, 1000), (2100, 1000)), 60_000)
    assert max(math.prod(part.stop - part.start for part in region) for region in data.reads) <= 20_000


@pytest.mark.parametrize("shape", [(0,), (3, 0), ()])
def test_the_smallest_variables_are_sampled(shape):
    grid = ChunkGrid(shape, tuple(max(1, length) for length in shape))
    assert sum(block.size for block in sample(Counted(shape), "v", grid, 4096).stored) == math.prod(shape)


class Slow:
    """A codec by whose clock a call takes 1 s, a value 1 ms, the first call 100 s more; streams of some bounds are longer."""

    now, made, longer = 0.0, 0, {}

    def __init__(self, parameters, bound, missing):
        self.bound = bound

    def _tick(self, values):
        Slow.now += 1 + 1e-3 * values + 100 * (Slow.made == 0)
        Slow.made += 1

    def encode(self, values):
        self._tick(values.size)
        off = self.bound.value / 2
        return Encoded((values + off).tobytes() + bytes(Slow.longer.get(self.bound.value, 0)), off, 0)

    def decode(self, stream, shape, dtype):
        self._tick(math.prod(shape))
        return np.frombuffer(stream, dtype, math.prod(shape)).reshape(shape)


@pytest.fixture
def slow(monkeypatch):
    monkeypatch.setattr(trial.time, "thread_time", lambda: Slow.now)
    monkeypatch.setattr(CodecOffer, "load", lambda self: Slow)
    Slow.now, Slow.made, Slow.longer = 0.0, 0, {}
    return CodecOffer(name="slow", function="x:y", dtype_kinds="f", bounds=("abs", "lossless"))


def test_a_call_is_counted_for_each_chunk_and_a_value_for_each_value(slow):
    """And what the codec makes once is not counted at all where it would be for each sampled block."""
    blocks = (np.zeros(1000), np.ones(1000), np.ones(1000))
    samples = Samples(blocks, blocks, ((0,),) * len(blocks), chunks=32, chunk_values=MILLION)
    tried = trial.tried(
        ("slow", Slow), {}, Bound("abs", 0.5), (Form("stored", "float64", (), Bound("abs", 0.5)), samples)
    )
    calls = 32 * (2 + 2 / 32)
    assert tried.seconds == pytest.approx(calls + 1e-3 * calls * MILLION, rel=2e-3)


def candidate(bound):
    return Candidate("slow", {}, "stored", bound, 1.0, 800, max_error=bound.value / 2, seconds=0.0)


def shares(offer, only_free):
    blocks = (np.zeros(100),)
    form, whole = Form("stored", "float64", (), Bound("abs", 1.0)), Bound("abs", 1.0)
    data = (Samples(blocks, blocks, ((0,),) * len(blocks), 1, 100), lambda share: Bound("abs", share))
    spec = VariableSpec("v", ("x",), (100,), "float64")
    return [found.error_share for found in shared((offer,), spec, candidate(whole), form, data, only_free)]


def test_all_shares_are_tried_where_the_least_error_is_asked_for_and_few_where_it_must_be_free(slow):
    assert shares(slow, only_free=False) == [0.5, 0.25, 0.125, 0.0625, 0.03125]
    assert shares(slow, only_free=True) == [0.5, 0.25, 0.125]


def test_free_shares_end_where_they_cost(slow):
    Slow.longer = {0.25: 17}
    assert shares(slow, only_free=True) == [0.5]
    Slow.longer = {0.25: 16}
    assert shares(slow, only_free=True) == [0.5, 0.25, 0.125]
