"""TensorLy and the trains here mean the same array."""

from __future__ import annotations

import numpy as np
import pytest
import tensorly
from hypothesis import given
from tensorly.decomposition import tensor_train
from tensorly.tt_tensor import TTTensor

from cdt_core.errors import TensorError
from cdt_core.kernels.tensor_train import TensorTrain
from tests.kernels.tensor_train.trains import close, hilbert_like, random_train, trains


@given(trains())
def test_both_ways(train):
    theirs = train.to_tensorly()
    assert isinstance(theirs, TTTensor)
    back = TensorTrain.from_tensorly(theirs)
    assert all(np.shares_memory(a, b) for a, b in zip(back.cores, train.cores, strict=True))
    scale = float(np.abs(tensorly.tt_to_tensor([np.abs(core) for core in train.cores])).max())
    assert close(train.full(), np.asarray(theirs.to_tensor()).reshape(train.shape), scale)


def test_their_decomposition_is_read():
    x = hilbert_like((6, 5, 7))
    train = TensorTrain.from_tensorly(tensor_train(x, rank=[1, 6, 7, 1]))
    assert np.abs(train.full() - x).max() <= 1e-13
    assert train.round(1e-4).ranks < train.ranks


def test_what_is_no_train_is_refused():
    with pytest.raises(TensorError, match="core 1"):
        TensorTrain.from_tensorly([random_train((3, 4), 2).cores[0]] * 2)
