"""A tensor as a train of cores (Oseledets 2011), each quantised by what is multiplied with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from attrs import frozen

from cdt_core.errors import CorruptStreamError
from cdt_core.kernels import _tensor_stream, tall
from cdt_core.kernels.spectrum import leading
from cdt_core.kernels.tensor_stream.coded import DEAD
from cdt_core.kernels.tensor_stream.factor import coded_factor, read_factor
from cdt_core.kernels.tensor_stream.fields import Reading, packed
from cdt_core.kernels.tensor_stream.tucker import slice_sizes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["LONGEST_BOND", "Train", "pack_train", "read_train", "train_of"]

#: Bonds and axes of trains are at most so long.
LONGEST_BOND = 1024


@frozen(eq=False)
class Train:
    """Cores (rank, length, next rank) with orthonormal columns, and the last one (rank, length) that has the sizes.

    ``sizes`` are the norms of what each core's columns are multiplied by.
    """

    shape: tuple[int, ...]
    cores: tuple[NDArray[np.float64], ...]
    sizes: tuple[NDArray[np.float64], ...]
    last: NDArray[np.float64]


def train_of(x: NDArray[np.float64], step: float) -> Train | None:
    """The train of ``x`` without the directions that are below the quantiser's dead zone; None when a bond is too long."""
    rank, rest, cores, sizes = 1, x, [], []
    for n in x.shape[:-1]:
        flat = np.ascontiguousarray(rest.reshape(rank * n, -1))
        if min(flat.shape) > LONGEST_BOND:
            return None
        vectors = _leading(flat, DEAD * step)
        cores.append(vectors.reshape(rank, n, -1))
        rest, rank = tall.left_project(vectors, flat), vectors.shape[1]
        sizes.append(np.linalg.norm(rest, axis=1))
    return Train(x.shape, tuple(cores), tuple(sizes), rest.reshape(rank, x.shape[-1]))


def _leading(flat: NDArray[np.float64], least: float) -> NDArray[np.float64]:
    """Left singular vectors (rows, rank) whose singular values are above ``least``; one at least."""
    is_wide = flat.shape[0] <= flat.shape[1]
    vectors, values = leading(tall.left_gram(flat) if is_wide else tall.right_gram(flat), 0.0, min(flat.shape))
    vectors = np.ascontiguousarray(vectors[:, : max(1, int((values > least * least).sum()))])
    return vectors if is_wide else np.linalg.qr(tall.right_project(flat, vectors))[0]


def pack_train(train: Train, step: float, dead: float) -> tuple[Callable[[], bytes], NDArray[np.float64]]:
    """What makes the cores' bytes, the last one first, and the array that a decoder makes of them."""
    ranks = [core.shape[2] for core in train.cores]
    lead = b"".join(map(packed, ranks))
    part, tail = coded_factor(train.last, np.ones(len(train.last)), step, dead)
    parts = [part]
    for core in reversed(train.cores):
        part, rows = coded_factor(np.ascontiguousarray(core.transpose(2, 0, 1)), slice_sizes(tail, 0), step, dead)
        parts.append(part)
        tail = _lengthened(rows, tail)
    return lambda: lead + b"".join(part() for part in parts), tail.reshape(train.shape)


def read_train(reading: Reading, shape: tuple[int, ...], step: float, most: int) -> NDArray[np.float64]:
    """The array of what :func:`pack_train` wrote; no array on the way is of more than ``most`` numbers.

    Raises
    ------
    CorruptStreamError
        The bytes contradict themselves.
    """
    ranks = [1, *(reading.number() for _ in shape[:-1])]
    lengths = zip(ranks, shape, [*ranks[1:], 1], strict=True)
    if not all(0 < r <= LONGEST_BOND and n > 0 and s > 0 and r * n * s <= most for r, n, s in lengths):
        raise CorruptStreamError(f"ranks {ranks[1:]} are not those of a train of shape {shape}")
    if any(rank > left * n for left, n, rank in zip(ranks, shape, ranks[1:], strict=False)):
        raise CorruptStreamError(f"ranks {ranks[1:]} are above those of shape {shape}")
    tail = read_factor(reading, np.ones(ranks[-1]), shape[-1], step)
    for rank, n in zip(reversed(ranks[:-1]), reversed(shape[:-1]), strict=True):
        if rank * n * tail.shape[1] > most:
            raise CorruptStreamError(f"ranks {ranks[1:]} need more room than shape {shape}")
        tail = _lengthened(read_factor(reading, slice_sizes(tail, 0), n, step, rank), tail)
    return tail.reshape(shape)


def _lengthened(rows: NDArray[np.float64], tail: NDArray[np.float64]) -> NDArray[np.float64]:
    """(left rank, n * m) of rows (rank, left rank, n) and a tail (rank, m)."""
    rank, left, n = rows.shape
    return np.asarray(_tensor_stream.product(rows.reshape(rank, left * n), tail[None])[0].reshape(left, -1))
