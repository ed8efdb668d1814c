"""Arrays whose numbers lie at odd addresses, as those of a file behind a header of 13 bytes do."""

import numpy as np
import pytest

from cdt_core.kernels import _codec, _stats, _tensor, compress, ranges, stats, tall, tensor_stream
from cdt_core.kernels.eigen import leading
from cdt_core.kernels.tensor_train import TTSketch, tt_svd
from cdt_core.kernels.tucker import hosvd, mttkrp, parafac
from cdt_core.model import Bound


def moved(x):
    """The same numbers, a byte behind where they may lie."""
    room = np.zeros(x.nbytes + 1, np.uint8)
    there = room[1:].view(x.dtype).reshape(x.shape)
    there[...] = x
    assert not there.flags.aligned
    return there


def made(*shape, dtype=np.float64):
    return np.random.default_rng(len(shape)).normal(size=shape).astype(dtype)


def sketched(x):
    sketch = TTSketch(x.shape, 3, seed=1)
    return sketch.finish(sketch.update(sketch.start(), x, (0,) * x.ndim)).full()


CUBE, MATRIX, WIDE = (6, 7, 8), (300, 20), (40, 700)
CALLS = {
    "compress": (CUBE, lambda x: np.frombuffer(compress.encode(x, Bound("abs", 0.01)).stream, np.uint8)),
    "tensor_stream": (CUBE, lambda x: np.frombuffer(tensor_stream.encode(x, Bound("abs", 0.01)).stream, np.uint8)),
    "range": (MATRIX, lambda x: np.array(ranges.finite_range(x))),
    "describe": (CUBE, lambda x: np.array(stats.describe(x).mean)),
    "compare": (CUBE, lambda x: np.array(stats.compare(x, x + 1).max_error)),
    "tt_svd": (CUBE, lambda x: tt_svd(x, 0.1).full()),
    "tt_svd, exact": (CUBE, lambda x: tt_svd(x, 0.1, exact=True).full()),
    "tt_svd, tight": (CUBE, lambda x: tt_svd(x, 1e-6).full()),
    "sketch": (CUBE, sketched),
    "hosvd": (CUBE, lambda x: hosvd(x, 0.1).full()),
    "parafac": (CUBE, lambda x: parafac(x, 2, tol=1e-2).factors[0]),
    "mttkrp": (CUBE, lambda x: mttkrp(x, [moved(made(n, 8)) for n in CUBE], 1)),
    "leading": (MATRIX, lambda x: leading(x, 2).values),
    "leading, wide": (WIDE, lambda x: leading(x, 2).values),
    "Gram matrix": (MATRIX, tall.right_gram),
    "Gram matrix, wide": (WIDE, tall.right_gram),
    "triangle": (MATRIX, tall.r_factor),
    "projection": (CUBE, lambda x: tall.project(x, moved(made(6, 2)), moved(made(8, 2)))[0]),
    "normal matrix": (MATRIX, lambda x: tall.normal_product(x, moved(made(20, 3)), moved(made(20)))),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("call", CALLS)
def test_numbers_at_odd_addresses_are_as_good_as_others(call, dtype):
    shape, function = CALLS[call]
    x = made(*shape, dtype=dtype)
    np.testing.assert_allclose(function(moved(x)), function(x), rtol=100 * np.finfo(dtype).eps, atol=1e-13)


def test_decoding_into_odd_addresses():
    x = made(*CUBE)
    out = moved(np.zeros_like(x))
    compress.decode(compress.encode(x, Bound("lossless")).stream, out=out)
    np.testing.assert_array_equal(out, x)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: _codec.value_range(x),
        lambda x: _stats.describe(x.reshape(-1), None),
        lambda x: _tensor.gram(x, np.zeros((6, 6)), True),
        lambda x: _tensor.product(x, x.T, np.zeros((6, 6))),
        lambda x: _tensor.normal_product(x, None, np.zeros((60, 8)), np.zeros((60, 8))),
        lambda x: _tensor.mttkrp(x[None], np.ones((1, 8)), None, np.ones((56, 8)), 1, np.zeros((6, 8))),
        lambda x: _tensor.mttkrp(made(1, 6, 8), x[:1, :8], None, np.ones((8, 8)), 1, np.zeros((6, 8))),
    ],
)
def test_compiled_code_refuses_them(call):
    with pytest.raises(ValueError, match="addresses"):
        call(moved(made(6, 56)))
