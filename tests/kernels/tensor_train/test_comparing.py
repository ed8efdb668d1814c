"""The error of a train, measured in parts of any size."""

import tracemalloc

import numpy as np
import pytest

from cdt_core.kernels.tensor_train import comparing
from cdt_core.kernels.tensor_train.sources import tensor_of
from tests.kernels.tensor_train.trains import DTYPES, random_train


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("part", [1, 7, 64, 1 << 21])
@pytest.mark.parametrize("shape", [(9,), (1, 1), (3, 40), (40, 3), (5, 1, 7), (4, 9, 3, 5), (2, 2, 2, 2, 2, 2, 2)])
def test_the_error_is_that_of_the_whole(monkeypatch, shape, part, dtype):
    monkeypatch.setattr(comparing, "_PART", part)
    train = random_train(shape, 3, dtype)
    x = train.full() + 1e-2 * random_train(shape, 2, dtype, seed=1).full()
    double = np.result_type(dtype, np.float64)
    whole = type(train)([core.astype(double) for core in train.cores]).full()
    norm = float(np.linalg.norm(x.astype(double)))
    expected = np.linalg.norm(x - whole) / norm
    for workers in (1, 3):
        found = comparing.relative_error(tensor_of(x), train.cores, norm, workers)
        assert expected <= found * (1 + 1e-12) <= expected * (1 + 1e-9) + 1e-14


@pytest.mark.parametrize("shape", [(2, 1 << 18), (1 << 18, 2), (1 << 19,), (64, 64, 128)])
def test_memory_does_not_grow_with_the_tensor(monkeypatch, shape):
    monkeypatch.setattr(comparing, "_PART", 1 << 12)
    train = random_train(shape, 64 if len(shape) == 3 else 2)
    x = train.full()
    tracemalloc.start()
    comparing.relative_error(tensor_of(x), train.cores, float(np.linalg.norm(x)), 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= x.nbytes / 8
