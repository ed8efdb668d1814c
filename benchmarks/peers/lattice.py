"""The integer lattice beside NumPy and Flower: ``python -m benchmarks.peers.lattice [--only WORD,...] [--json FILE]``.

Medians of CPU seconds of calls that take turns, on one core: run it with ``OPENBLAS_NUM_THREADS=1 taskset -c 1``. The peer is
``pip install flwr``: its secure aggregation quantises, masks and shares in ``flwr.common.secure_aggregation`` (masks there have
seeds of 32 bits, which is no protection, and cost what they cost).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from benchmarks.peers.summary import Row
from benchmarks.peers.table import main, seconds
from cdt_core.kernels import _lattice
from cdt_core.kernels.lattice import Lattice, Stream, add_mask, combine, discrete_gaussian, discrete_laplace, share
from cdt_core.kernels.lattice.exact import below
from cdt_core.kernels.reference import lattice as reference

LENGTH = 1_000_000
CLIP = 1.0
SITES = 100
KEY = bytes(range(32))
#: Draws by integers and fractions of Python, one after another.
PLAIN_DRAWS = 2000


def update() -> Any:
    return np.random.default_rng(0).normal(size=LENGTH).astype(np.float32)


def by_numpy(values: Any, step: float, stream: Stream) -> Any:
    """The plain way: clip, compare with uniform floats, add words of the stream."""
    scaled = values * (min(1.0, CLIP / float(np.linalg.norm(values))) / step)
    whole = np.floor(scaled)
    ring = (whole + (np.random.default_rng().random(values.size) < scaled - whole)).astype(np.int64).astype(np.uint32)
    ring += stream.words(values.size, np.uint32)
    return ring


def by_flower(values: Any) -> Any:
    from flwr.common.secure_aggregation.quantization import quantize
    from flwr.common.secure_aggregation.secaggplus_utils import pseudo_rand_gen

    quantised = quantize([values], 8.0, 1 << 22)[0]
    return (quantised + pseudo_rand_gen(KEY, 1 << 32, [values.shape])[0]) % (1 << 32)


def encoding() -> Iterator[Row]:
    values, stream, mask = update(), Stream.fresh(), Stream.fresh()
    lattice = Lattice.for_sum(CLIP, SITES)
    ten = [(Stream.fresh(), 1) for _ in range(10)]
    ours, bare, many = seconds(
        lambda: lattice.encode_masked(values, CLIP, stream, [(mask, 1)]),
        lambda: lattice.encode(values, CLIP, stream),
        lambda: lattice.encode_masked(values, CLIP, stream, ten),
        repeats=25,
    )
    # Not in turn with these: what they give back to the system, the next call would have to ask for again.
    (plain,) = seconds(lambda: by_numpy(values, lattice.step, stream), repeats=9)
    (theirs,) = seconds(lambda: by_flower(values), repeats=3)
    yield Row("clip + round + one mask + add, 1e6 float32: ms", (3,), (1,), (1e3 * ours,), at_most=True)
    yield Row("the same / NumPy, / Flower's quantise + mask + add", (4, 10), (6, 20), (plain / ours, theirs / ours))
    yield Row(
        "clip + round alone, each of ten masks: ms",
        (2, 1.2),
        (0.6, 0.5),
        (1e3 * bare, 1e3 * (many - bare) / 10),
        at_most=True,
    )


def masks() -> Iterator[Row]:
    from flwr.common.secure_aggregation.secaggplus_utils import pseudo_rand_gen

    ring, stream = np.zeros(LENGTH, np.uint32), Stream.fresh()
    ours, ring64 = seconds(
        lambda: add_mask(ring, stream, 1), lambda: add_mask(ring.view(np.uint64), stream, -1), repeats=15
    )
    (theirs,) = seconds(lambda: ring + pseudo_rand_gen(KEY, 1 << 32, [ring.shape])[0], repeats=3)
    yield Row("one mask, 1e6 uint32, 5e5 uint64: ms", (1.2, 1.2), (0.6, 0.6), (1e3 * ours, 1e3 * ring64), at_most=True)
    yield Row("one mask / Flower's", (3,), (5,), (theirs / ours,))


def sharing() -> Iterator[Row]:
    from flwr.common.secure_aggregation.crypto.shamir import combine_shares, create_shares

    stream = Stream.fresh()
    shares, theirs = share(KEY, 51, 100, stream), create_shares(KEY, 51, 100)
    some = dict(list(enumerate(shares))[30:81])
    shared, combined = seconds(lambda: share(KEY, 51, 100, stream), lambda: combine(some), repeats=50)
    their_shared, their_combined = seconds(
        lambda: create_shares(KEY, 51, 100), lambda: combine_shares(theirs[30:81]), repeats=1
    )
    milliseconds = (1e3 * shared, 1e3 * combined)
    yield Row(
        "Shamir 51 of 100, 32 bytes: ms to share, to combine", (0.5, 0.5), (0.15, 0.15), milliseconds, at_most=True
    )
    yield Row(
        "Shamir / Flower's: share, combine",
        (1000, 1000),
        (5000, 5000),
        (their_shared / shared, their_combined / combined),
    )


def noise() -> Iterator[Row]:
    stream = Stream.fresh()

    def rate(draw: Callable[[Stream, float, int], Any], width: float) -> float:
        return LENGTH / seconds(lambda: draw(stream, width, LENGTH), repeats=7)[0]

    for sigma, must, aim in (
        (1.0, 5e7, 3e8),
        (10.5, 5e7, 3e8),
        (1e3, 5e7, 3e8),
        (1e4, 5e7, 1.5e8),
        (1e9, 5e6, 1.5e8),
        (2.0**57, 5e6, 1.5e8),
    ):
        yield Row(
            f"exact discrete Gaussian, sigma {sigma:g}: draws/s", (must,), (aim,), (rate(discrete_gaussian, sigma),)
        )
    for scale in (1.0, 1e3, 1e9):
        yield Row(
            f"exact discrete Laplace, scale {scale:g}: draws/s", (5e6,), (1.5e8,), (rate(discrete_laplace, scale),)
        )
    rounded = LENGTH / seconds(lambda: np.rint(np.random.default_rng().normal(0, 1e3, LENGTH)).astype(np.int64))[0]
    plain = (
        PLAIN_DRAWS
        / seconds(
            lambda: [
                reference.discrete_gaussian(Fraction(1000), lambda count: below(count, stream))
                for _ in range(PLAIN_DRAWS)
            ],
            repeats=1,
        )[0]
    )
    ours = rate(discrete_gaussian, 1e3)
    yield Row(
        "sigma 1e3 / NumPy's rounded normal (not exact), / CKS in Python",
        (1, 1000),
        (5, 5000),
        (ours / rounded, ours / plain),
    )


PARTS: dict[str, Callable[[], Iterator[Row]]] = {
    "encoding": encoding, "masks": masks, "sharing": sharing, "noise": noise,
}  # fmt: skip


if __name__ == "__main__":
    main(__doc__, PARTS, _lattice.kernels_name)
