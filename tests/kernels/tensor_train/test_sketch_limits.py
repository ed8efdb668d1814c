"""What a sketch cannot hold is refused by name, and what lies near the limits of numbers is sketched as all else."""

from __future__ import annotations

import numpy as np
import pytest

from cdt_core.errors import TensorError
from cdt_core.kernels.tensor_train.sketch import TTSketch
from tests.kernels.tensor_train.sketched import noisy, relative, whole
from tests.kernels.tensor_train.trains import random_train


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_is_named_with_its_index(bad):
    x = np.ones((3, 4, 5))
    x[1, 2, 3] = bad
    sketch = TTSketch((9, 8, 7), 2)
    with pytest.raises(TensorError, match=r"at index \(3, 4, 5\)"):
        sketch.update(sketch.start(), x, (2, 2, 2))


def test_squares_that_overflow_are_said_to():
    sketch = TTSketch((3, 4), 2)
    with pytest.raises(TensorError, match="overflow"):
        whole(sketch, np.full((3, 4), 1e200))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"shape": ()}, "at least one axis"),
        ({"shape": (3, 0)}, "of shape is 0"),
        ({"shape": (3.5, 4)}, "of shape is 3.5"),
        ({"shape": 5}, "shape is 5"),
        ({"ranks": 0}, "from 1 on"),
        ({"ranks": 2.7}, "ranks is 2.7"),
        ({"ranks": None}, "ranks is None"),
        ({"ranks": "23"}, "ranks is '23'"),
        ({"ranks": (2,)}, "one, or 2"),
        ({"ranks": (2, 0)}, "of ranks is 0"),
        ({"oversampling": -1}, "oversampling is -1"),
        ({"oversampling": 2.0}, "oversampling is 2.0"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": "1"}, "seed is '1'"),
        ({"seed": 1 << 63}, "to 9223372036854775807"),
        ({"dtype": "int32"}, "dtype int32"),
        ({"dtype": "nothing"}, "'nothing' is none"),
    ],
)
def test_sketches_that_make_no_sense_are_refused(given, words):
    with pytest.raises(TensorError, match=words):
        TTSketch(**{"shape": (3, 4, 5), "ranks": 2, **given})


def test_sketches_larger_than_memory_are_refused():
    with pytest.raises(TensorError, match="does not fit into memory"):
        TTSketch((1 << 50, 3), 2).start()


def test_blocks_and_states_that_do_not_fit_are_refused():
    sketch = TTSketch((3, 4, 5), 2)
    with pytest.raises(TensorError, match="does not lie in"):
        sketch.update(sketch.start(), np.ones((2, 4, 5)), (2, 0, 0))
    with pytest.raises(TensorError, match="does not lie in"):
        sketch.update(sketch.start(), np.ones((2, 4)))
    with pytest.raises(TensorError, match="does not lie in"):
        sketch.update(sketch.start(), np.ones((1, 1, 1)), (0, 4, 0))
    for offset in ((0, -1, 0), (0, 0.5, 0), 0, "abc"):
        with pytest.raises(TensorError, match="offset is"):
            sketch.update(sketch.start(), np.ones((1, 1, 1)), offset)
    with pytest.raises(TensorError, match="no block of a tensor"):
        sketch.update(sketch.start(), [[1, 2], [3]])
    with pytest.raises(TensorError, match="a list is no state"):
        sketch.update([0.0], np.ones((3, 4, 5)))
    state = sketch.start()
    state.flags.writeable = False
    with pytest.raises(TensorError, match="read-only"):
        sketch.update(state, np.ones((3, 4, 5)))
    with pytest.raises(TensorError, match="complex128"):
        sketch.update(sketch.start(), np.ones((3, 4, 5), complex))
    with pytest.raises(TensorError, match="not of this sketch"):
        sketch.merge(sketch.start(), TTSketch((3, 4, 6), 2).start())
    with pytest.raises(TensorError, match="no approximation"):
        sketch.error(sketch.start(), random_train((3, 4), 2))
    with pytest.raises(TensorError, match="a ndarray is no approximation"):
        sketch.error(sketch.start(), np.ones((3, 4, 5)))
    with pytest.raises(TensorError, match="NaN or infinity"):
        sketch.finish(sketch.start() + np.nan)
    with pytest.raises(TensorError, match="NaN or infinity"):
        sketch.norm(sketch.merge(sketch.start() + 1e308, sketch.start() + 1e308))


@pytest.mark.parametrize("exponent", [-1030, -565, -500, 500, 508])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_scales_whose_squares_or_products_no_number_holds(exponent, dtype):
    x = noisy((6, 5, 7, 4), 1e-2, dtype)
    down, up = 2.0 ** (exponent // 2), 2.0 ** -(exponent // 2)
    sketch = TTSketch(x.shape, 4, dtype=dtype)
    state = whole(sketch, x * down * down)
    train = sketch.finish(state)
    true = relative(train.full() * up * up, x)
    assert true <= 1.01 * relative(sketch.finish(whole(sketch, x)).full(), x)
    assert true / 2 <= sketch.error(state, train) <= 2 * true
    assert 0.5 <= sketch.norm(state) * up * up <= 2.0


def test_what_single_precision_does_not_hold_is_refused():
    sketch = TTSketch((5, 6), 2, dtype="float32")
    state = whole(sketch, np.full((5, 6), 1e40))
    with pytest.raises(TensorError, match="too large for float32"):
        sketch.finish(state)


def test_missing_values_are_named_and_masks_without_any_are_none():
    x = np.arange(60.0).reshape(3, 4, 5)
    sketch = TTSketch((9, 8, 7), 2)
    with pytest.raises(TensorError, match=r"a missing value at index \(4, 3, 2\)"):
        sketch.update(sketch.start(), np.ma.masked_equal(x, x[2, 1, 0]), (2, 2, 2))
    found = sketch.update(sketch.start(), np.ma.masked_equal(x, -1.0), (2, 2, 2))
    assert np.array_equal(found, sketch.update(sketch.start(), x, (2, 2, 2)))


@pytest.mark.parametrize("bad", [1 + 1j * np.nan, complex(1e200, 0), complex(0, 1e200)])
def test_a_tile_that_is_refused_adds_nothing(bad):
    x = np.ones((3, 4, 5), complex)
    x[1, 2, 3] = bad
    sketch = TTSketch(x.shape, 2, dtype="complex128")
    state = sketch.start()
    with pytest.raises(TensorError, match=r"nan|overflow"):
        sketch.update(state, x)
    assert not state.any()


@pytest.mark.skipif(np.finfo(np.longdouble).maxexp <= 1024, reason="longdouble is double here")
def test_numbers_that_double_precision_does_not_hold_are_refused():
    sketch = TTSketch((2, 3), 1)
    with pytest.raises(TensorError, match="overflow"):
        whole(sketch, np.full((2, 3), np.longdouble("1e4000")))
