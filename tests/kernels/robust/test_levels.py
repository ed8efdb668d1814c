"""Every instruction set gives the bits of the plain versions, for any number of rows, dtype and kind of number."""

from __future__ import annotations

import numpy as np
import pytest

from cdt_core.kernels import _robust
from cdt_core.kernels.reference import robust as reference
from tests.kernels.instruction_sets import LEVELS, using
from tests.kernels.robust.columns import DTYPES, kinds, same_bits

ROWS = (*range(1, 131, 3), 31, 32, 33, 64, 65, 66, 96, 97, 128, 129, 130, 500)
MANY = (1000, 2001, 2500)


@pytest.fixture(params=LEVELS)
def level(request):
    with using(request.param, _robust):
        yield request.param


def made(rule, x, *arguments):
    out = np.empty(x.shape[1], x.dtype)
    assert rule(list(x), out, *arguments) == x.shape[1]
    return out


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [ROWS, MANY], ids=["some", "many"])
def test_medians(level, dtype, rows):
    for n in rows:
        for x in kinds(n, 37 if n < 200 else 9, dtype).values():
            same_bits(made(_robust.median, x), reference.median(x))


@pytest.mark.parametrize("dtype", DTYPES)
def test_weighted_medians(level, dtype):
    rng = np.random.default_rng(3)
    for n in (1, 2, 3, 10, 33, 128, 129, 700):
        for most in (1, 2, 1000):
            votes = rng.integers(1, most + 1, n).astype(f"i{dtype[1]}")
            for x in kinds(n, 19, dtype).values():
                same_bits(made(_robust.weighted_median, x, votes), reference.weighted_median(x, votes))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("share", [0, 0.2, 0.49])
def test_trimmed_means(level, dtype, share):
    for n in (*ROWS[::2], 2500):
        for x in kinds(n, 37 if n < 200 else 9, dtype).values():
            cut = int(share * n)
            same_bits(made(_robust.trimmed, x, cut), reference.trimmed_mean(x, cut))


@pytest.mark.parametrize("dtype", DTYPES)
def test_means(level, dtype):
    for n in (1, 2, 7, 100, 300):
        shares = np.random.default_rng(n).dirichlet(np.ones(n))
        for name, x in kinds(n, 70, dtype).items():
            found, expected = made(_robust.mean, x, shares), reference.mean(x, shares)
            assert np.array_equal(found, expected), name


@pytest.mark.parametrize("columns", [0, 1, 15, 63, 64, 65, 127, 128, 129, 20_000])
def test_any_number_of_columns(level, columns):
    x = np.random.default_rng(columns).normal(size=(5, columns)).astype(np.float32)
    same_bits(made(_robust.median, x), np.median(x, axis=0) if columns else np.empty(0, np.float32))
    same_bits(made(_robust.trimmed, x, 1), reference.trimmed_mean(x, 1) if columns else np.empty(0, np.float32))


def test_a_level_that_is_not_here_is_refused():
    with pytest.raises(ValueError, match="outside"):
        _robust.use_kernels("sse9")


@pytest.mark.parametrize(
    "call",
    [
        lambda x, out: _robust.median([], out),
        lambda x, out: _robust.median([x[0].astype(np.float64)], out),
        lambda x, out: _robust.median([x[0, :3]], out),
        lambda x, out: _robust.median([x[:, 0]], out[:4]),
        lambda x, out: _robust.median(list(x), out.astype(np.int32)),
        lambda x, out: _robust.trimmed(list(x), out, 2),
        lambda x, out: _robust.mean(list(x), out, np.ones(3)),
        lambda x, out: _robust.weighted_median(list(x), out, np.ones(4)),
        lambda x, out: _robust.weighted_median(list(x), out, np.array([1, 1, 0, 1], np.int32)),
        lambda x, out: _robust.weighted_median(list(x), out, np.full(4, 2**29, np.int32)),
    ],
)
def test_arrays_of_other_shapes_and_types_are_refused(call):
    with pytest.raises(ValueError, match=r".+"):
        call(np.ones((4, 6), np.float32), np.empty(6, np.float32))
