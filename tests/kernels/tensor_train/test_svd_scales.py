"""Tensor trains of dense arrays at the limits of their numbers: a certificate that holds, or a refusal."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cdt_core.errors import TensorError
from cdt_core.kernels.tensor_train import sweep, tt_svd
from cdt_core.kernels.tensor_train.bases import chain
from tests.kernels.tensor_train.dense import check, noisy, true_error


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("options", [{"exact": True}, {}, {"rtol": 1e-9}])
def test_what_is_no_number_is_refused(monkeypatch, wrong, options):
    monkeypatch.setattr(sweep, "_LARGE", 1 << 10)
    x = noisy((16, 12, 10, 6), 2, 0.0)
    x[3, 4, 5, 1] = wrong
    with pytest.raises(TensorError, match="NaN or infinite"):
        tt_svd(x, **{"rtol": 1e-3, **options})


@pytest.mark.parametrize("scale", [1e-120, 1e-30, 1e100])
def test_certificates_hold_at_any_scale(scale):
    x = noisy((6, 7, 8), 2, 1e-2) * scale
    train = tt_svd(x, 1e-1)
    assert true_error(x / scale, train * (1 / scale)) <= train.error * (1 + 1e-12)


@pytest.mark.parametrize("dtype", ["f4", "c8"])
@pytest.mark.parametrize("scale", [1e-44, 1e-42, 1e-40, 1e-38, 1e37])
def test_single_precision_at_its_limits_is_certified_or_refused(dtype, scale):
    x = noisy((20, 30, 20), 2, 0.0) * math.sqrt(12000)
    x = (x * scale).astype(dtype)
    try:
        train = tt_svd(x, 1e-3)
    except TensorError as error:
        assert scale <= 1e-42, error  # noqa: PT017
    else:
        check(x, train, 1e-3)


@pytest.mark.parametrize("dtype", ["f4", "c8"])
@pytest.mark.parametrize("scale", [1e-25, 1e25])
def test_samples_of_single_precision_are_squared_in_double(monkeypatch, dtype, scale):
    monkeypatch.setattr(sweep, "_LARGE", 1 << 10)
    found = []
    monkeypatch.setattr(sweep, "chain", lambda *args, **options: found.append(chain(*args, **options)) or found[-1])
    x = noisy((32, 16, 8, 8), 3, 1e-3, dtype)
    train = tt_svd((x * scale).astype(dtype), 1e-2)
    check((x * scale).astype(dtype), train, 1e-2)
    assert train.ranks == (1, 3, 3, 3, 1)
    assert found[0].basis.shape == (8, 3)


@pytest.mark.parametrize("dtype", ["f4", "c8"])
@pytest.mark.parametrize("exact", [False, True])
def test_norms_that_single_precision_cannot_hold_are_refused(monkeypatch, dtype, exact):
    monkeypatch.setattr(sweep, "_LARGE", 1 << 10)
    with pytest.raises(TensorError, match="scale"):
        tt_svd(np.full((20, 20, 20), 2e38, dtype), 1e-3, exact=exact)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_squares_that_vanish_or_overflow_are_refused(scale):
    with pytest.raises(TensorError, match="scale"):
        tt_svd(noisy((6, 7, 8), 2, 1e-2) * scale, 1e-1)


@pytest.mark.parametrize("workers", [1, 3])
def test_no_floating_point_error_reaches_whoever_raises_them(monkeypatch, workers):
    from cdt_core.kernels import tall

    monkeypatch.setattr(tall, "_PART_BYTES", 1 << 10)
    x = (noisy((6, 700, 8), 2, 1e-2) * 1e-38).astype("f4")
    with np.errstate(all="raise"):
        train = tt_svd(x, 0.1, workers=workers)
        with pytest.raises(TensorError, match="NaN or infinite"):
            tt_svd(np.full((6, 700, 8), 1e200, complex), 0.1, workers=workers)
    check(x, train, 0.1)
