"""A sketch gives nearly the best train of its ranks, whatever the blocks, their order and the machines that saw them."""

from __future__ import annotations

import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.kernels.reference import sketch as reference
from cdt_core.kernels.reference import tensor_train as trains_by_the_book
from cdt_core.kernels.tensor_train import tiles
from cdt_core.kernels.tensor_train.sketch import TTSketch
from cdt_core.kernels.tensor_train.sketch_maps import maps_of
from tests.kernels.tensor_train.sketched import noisy, relative, whole
from tests.kernels.tensor_train.trains import hilbert_like, random_train

SHAPES = [(12,), (9, 8), (30, 2), (6, 1, 7), (8, 9, 7, 6), (5,) * 5, (3, 2, 3, 24, 20), (2,) * 10, (1, 1, 4)]

GOLDEN_SUMS = [70210.0, 60.0, -198.0, -132.0, -23.328470639058004, 13.544200709719766, 75.41081121277905]


def best_error(x, ranks):
    """No train of these ranks has less error than the worst of the unfoldings; this train has this (TT-SVD)."""
    rest, cores = x.reshape(1, -1), []
    for n, rank in zip(x.shape[:-1], ranks, strict=True):
        u, s, vh = np.linalg.svd(rest.reshape(len(rest) * n, -1), full_matrices=False)
        cores.append(u[:, :rank].reshape(len(rest), n, -1))
        rest = s[:rank, None] * vh[:rank]
    cores.append(rest.reshape(len(rest), -1, 1))
    return relative(trains_by_the_book.full(cores), x)


def blocks_of(x, cuts):
    """Every block of an array that is cut along each axis: its offset, and itself."""
    for at in np.ndindex(*(len(cut) - 1 for cut in cuts)):
        parts = tuple(slice(cut[k], cut[k + 1]) for cut, k in zip(cuts, at, strict=True))
        yield tuple(part.start for part in parts), x[parts]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_the_sums_are_those_of_the_full_maps(shape, dtype):
    x = noisy(shape, dtype=dtype)
    sketch = TTSketch(shape, 3, 2, dtype=dtype)
    maps = maps_of(shape, sketch.bonds, 2, 0)
    left, right = reference.left_maps(maps.left[:-1]), reference.right_maps(maps.right[1:])
    found = sketch._sums(whole(sketch, x))
    for psi, expected in zip(found.slices, reference.slices(x, left, right), strict=True):
        assert np.abs(psi - expected).max() <= 1e-12 * np.abs(expected).max()
    assert found.totals[1] == x.size
    assert abs(found.totals[0] - np.linalg.norm(x) ** 2) <= 1e-13


def test_the_train_is_that_of_the_full_maps_before_it_is_cut():
    x = noisy((6, 7, 5, 4))
    sketch = TTSketch(x.shape, (20, 20, 20), 0)
    maps = maps_of(x.shape, sketch.bonds, 0, 0)
    assert maps.right_ranks[1:-1] == sketch.bonds
    expected = reference.train(x, reference.left_maps(maps.left[:-1]), reference.right_maps(maps.right[1:]))
    assert np.abs(sketch.finish(whole(sketch, x)).full() - expected).max() <= 1e-9


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=6), st.data())
def test_any_blocks_in_any_order_and_any_tree_of_merges(shape, data):
    x = noisy(tuple(shape), seed=data.draw(st.integers(0, 9)))
    cuts = [sorted({0, n, *data.draw(st.lists(st.integers(0, n), max_size=2))}) for n in shape]
    blocks = data.draw(st.permutations(list(blocks_of(x, cuts))))
    sketch = TTSketch(x.shape, 3, 4)
    states = [sketch.start(), sketch.start()]
    for offset, block in blocks:
        which = data.draw(st.integers(0, len(states) - 1))
        states[which] = sketch.update(states[which], block, offset)
    found = sketch.merge(*(states if data.draw(st.booleans()) else reversed(states)))
    expected = whole(sketch, x)
    assert np.abs(found - expected).max() <= 1e-13 * np.abs(expected).max()
    assert np.abs(sketch.finish(found).full() - sketch.finish(expected).full()).max() <= 1e-9


def test_slabs_in_order_give_the_bits_of_the_whole(monkeypatch):
    monkeypatch.setattr(tiles, "_MOST_ELEMENTS", 1 << 10)
    x = noisy((13, 6, 7, 8))
    sketch = TTSketch(x.shape, 4)
    assert sketch.tile == (3, 6, 7, 8)
    expected = whole(sketch, x)
    state = sketch.start()
    for first, last in ((0, 3), (3, 9), (9, 13)):
        state = sketch.update(state, x[first:last], (first, 0, 0, 0))
    assert np.array_equal(state, expected)
    strided = np.asfortranarray(x)
    assert np.array_equal(whole(sketch, strided), expected)


@pytest.mark.parametrize("shape", [(9, 8), (8, 9, 7, 6), (5,) * 5, (3, 2, 3, 24, 20), (2,) * 10, (100, 3, 40)])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_the_error_is_within_a_small_factor_of_the_best(shape, dtype):
    """The expected square at one bond is 2 (1 + r / (p - 1)) times the best; what no rank can hold, the bonds that cut add."""
    x = noisy(shape, dtype=dtype)
    r, p = 4, 8
    constant = (2 * (1 + r / (p - 1))) ** 0.5
    for seed in range(5):
        sketch = TTSketch(shape, r, p, seed, dtype)
        train = sketch.finish(whole(sketch, x))
        assert max(train.ranks) <= r
        cutting = sum(rank == r for rank in sketch.bonds) ** 0.5
        assert relative(train.full(), x) <= constant * cutting * best_error(x, sketch.bonds)


@pytest.mark.parametrize(("shape", "rank"), [((10,) * 5, 4), ((3, 2, 3, 24, 20), 3), ((30, 40), 3)])
def test_where_singular_values_fall_fast_the_train_is_the_best(shape, rank):
    x = hilbert_like(shape)
    for seed in range(5):
        sketch = TTSketch(shape, rank, seed=seed)
        assert relative(sketch.finish(whole(sketch, x)).full(), x) <= 1.01 * best_error(x, sketch.bonds)


def test_flat_noise_costs_no_more_than_four_times_the_best():
    x = random_train((8,) * 6, 5, seed=2).full()
    x = x / np.linalg.norm(x) + 1e-4 * np.random.default_rng(2).standard_normal(x.shape) / 8**3
    for oversampling, most in ((8, 4.0), (20, 2.0)):
        sketch = TTSketch(x.shape, 5, oversampling)
        assert relative(sketch.finish(whole(sketch, x)).full(), x) <= most * 1e-4


@pytest.mark.parametrize("shape", SHAPES)
def test_a_tensor_of_these_ranks_is_found_to_rounding(shape):
    x = random_train(shape, 3, seed=1).full()
    sketch = TTSketch(shape, 3)
    assert relative(sketch.finish(whole(sketch, x)).full(), x) <= 1e-11


@pytest.mark.parametrize("noise", [1e-1, 1e-3, 1e-6, 1e-10])
def test_the_error_is_estimated_within_a_factor_of_two(noise):
    for seed in range(8):
        x = noisy((7, 6, 8, 9), noise, seed=seed)
        sketch = TTSketch(x.shape, 6, seed=seed)
        state = whole(sketch, x)
        train = sketch.finish(state)
        true = relative(train.full(), x)
        assert true / 2 <= sketch.error(state, train) <= 2 * true
        assert abs(sketch.norm(state) - np.linalg.norm(x)) <= 1e-12


def test_the_error_of_any_other_train_can_be_asked_for():
    x = noisy((7, 6, 8, 9), 1e-2)
    sketch = TTSketch(x.shape, 4)
    other = random_train(x.shape, 2, seed=8)
    found = sketch.error(whole(sketch, x), other)
    assert relative(other.full(), x) / 2 <= found <= 2 * relative(other.full(), x)


def test_tensors_of_several_sites_add_up():
    parts = [noisy((6, 5, 7, 4), seed=seed) for seed in range(4)]
    sketch = TTSketch((6, 5, 7, 4), 12)
    state = sketch.start()
    for part in parts:
        state = sketch.merge(state, whole(sketch, part))
    total = sum(parts)
    expected = whole(sketch, total)
    assert np.abs(state[2:] - expected[2:]).max() <= 1e-12 * np.abs(expected).max()
    train = sketch.finish(state)
    assert relative(train.full(), total) <= 0.1
    assert np.linalg.norm(total) / 2 <= sketch.norm(state) <= 2 * np.linalg.norm(total)
    assert relative(train.full(), total) / 4 <= sketch.error(state, train) <= 4 * relative(train.full(), total)


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_single_precision_is_summed_in_double(dtype):
    x = noisy((8, 7, 6, 5), 1e-5, dtype)
    sketch = TTSketch(x.shape, 6, dtype=dtype)
    state = whole(sketch, x)
    assert np.array_equal(state, whole(sketch, x.astype(np.result_type(dtype, np.float64))))
    assert state.dtype == np.result_type(dtype, np.float64)
    assert sketch.finish(state).dtype == np.dtype(dtype)


@pytest.mark.parametrize("dtype", ["int16", "uint8", "bool", ">f8", "float16"])
def test_blocks_of_other_real_numbers(dtype):
    x = (100 * noisy((5, 6, 7))).astype(dtype)
    sketch = TTSketch(x.shape, 4)
    assert np.array_equal(whole(sketch, x), whole(sketch, x.astype(np.float64)))


def test_a_tensor_of_zeros():
    sketch = TTSketch((5, 6, 7), 3)
    for state in (sketch.start(), whole(sketch, np.zeros((5, 6, 7)))):
        train = sketch.finish(state)
        assert train.ranks == (1, 1, 1, 1)
        assert train.norm() == 0.0
        assert sketch.error(state, train) == 0.0
    assert sketch.error(sketch.start(), random_train((5, 6, 7), 2)) == 1.0


def test_memory_depends_on_the_shape_alone():
    """What is added while a ten times longer stream is sketched stays the same, and is less than one block of it."""
    shape = (400, 40, 30, 20)
    sketch = TTSketch(shape, 4)
    slab = np.random.default_rng(0).standard_normal((10, 40, 30, 20))
    state = sketch.update(sketch.start(), slab, (0, 0, 0, 0))
    peaks = []
    for slabs in (4, 40):
        tracemalloc.start()
        for at in range(slabs):
            sketch.update(state, slab, (10 * at, 0, 0, 0))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert max(peaks) <= slab.nbytes
    assert peaks[1] <= 1.1 * peaks[0]
    assert state.nbytes <= 8 * 25 * sum(shape) * 20


def test_blocks_that_are_read_when_they_are_sliced(tmp_path):
    x = noisy((6, 7, 8))
    np.save(tmp_path / "x.npy", x)
    sketch = TTSketch(x.shape, 3)
    assert np.array_equal(whole(sketch, np.load(tmp_path / "x.npy", mmap_mode="r")), whole(sketch, x))


def test_bytes_and_pickles_of_states_and_sketches():
    x = noisy((5, 6, 7), dtype="complex128")
    sketch = TTSketch(x.shape, (3, 4), seed=5, dtype="complex128")
    state = whole(sketch, x)
    data = sketch.to_bytes(state)
    assert np.array_equal(TTSketch(x.shape, (3, 4), seed=5, dtype="complex128").from_bytes(data), state)
    assert sketch.update(sketch.from_bytes(data), x[:1]).shape == state.shape
    assert pickle.loads(pickle.dumps(sketch)) == sketch


def test_golden_sums():
    """States of different versions add up: these sums stay."""
    sketch = TTSketch((3, 4, 5), 1, 1, seed=3)
    found = whole(sketch, np.arange(60.0).reshape(3, 4, 5))
    assert np.abs(found[[0, 1, 2, 257, 258, 270, -1]] - GOLDEN_SUMS).max() <= 1e-10


def test_differences_of_states_are_those_of_tensors():
    x = noisy((6, 5, 7))
    sketch = TTSketch(x.shape, 4)
    left = whole(sketch, x) - whole(sketch, 3 * x)
    assert 0.5 <= sketch.norm(left) <= 8.0  # the estimate: no energy is below zero
    assert relative(sketch.finish(left).full(), -2 * x) <= 1e-2


def test_progress_rises_to_one_and_no_element_is_no_work(monkeypatch):
    monkeypatch.setattr(tiles, "_MOST_ELEMENTS", 16)
    sketch, seen = TTSketch((4, 5, 6), 2), []
    sketch.update(sketch.start(), np.ones((4, 5, 6)), progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert len(seen) > 5
    assert not sketch.update(sketch.start(), np.ones((0, 5, 6))).any()


def test_lists_are_blocks_too():
    sketch = TTSketch((2, 3), 1)
    assert np.array_equal(whole(sketch, [[1, 2, 3], [4, 5, 6]]), whole(sketch, np.arange(1.0, 7.0).reshape(2, 3)))
