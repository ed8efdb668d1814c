"""The regular grid of chunks over a variable: pure integer arithmetic."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

from attrs import frozen

from cdt_core.errors import PlanError

__all__ = ["REPLAY_EVERY", "ChunkGrid", "choose_chunk_shape"]

#: One chunk in this many is encoded a second time and must give the same bytes.
REPLAY_EVERY = 16


@frozen
class ChunkGrid:
    """Chunks of ``chunk_shape`` that tile ``shape``; those at the far edges are clipped.

    Raises
    ------
    PlanError
        A chunk shape that tiles nothing.

    >>> grid = ChunkGrid((5,), (2,))
    >>> [grid.region(index) for index in grid]
    [(slice(0, 2, None),), (slice(2, 4, None),), (slice(4, 5, None),)]
    """

    shape: tuple[int, ...]
    chunk_shape: tuple[int, ...]

    def __attrs_post_init__(self) -> None:
        if len(self.shape) != len(self.chunk_shape) or min((*self.shape, 0)) < 0 or min((*self.chunk_shape, 1)) < 1:
            raise PlanError(
                f"chunks of shape {self.chunk_shape} do not tile shape {self.shape}; one length of 1 or more for each axis"
            )

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of chunks along each axis."""
        return tuple(-(-length // chunk) for length, chunk in zip(self.shape, self.chunk_shape, strict=True))

    def __len__(self) -> int:
        return math.prod(self.counts)

    def __iter__(self) -> Iterator[tuple[int, ...]]:
        return itertools.product(*(range(count) for count in self.counts))

    def index(self, position: int) -> tuple[int, ...]:
        """The chunk at ``position`` of the iteration order (C order)."""
        index = []
        for count in reversed(self.counts):
            position, along = divmod(position, count)
            index.append(along)
        return tuple(reversed(index))

    def region(self, index: Sequence[int]) -> tuple[slice, ...]:
        """Where the chunk lies in the variable."""
        return tuple(
            slice(i * chunk, min((i + 1) * chunk, length))
            for i, chunk, length in zip(index, self.chunk_shape, self.shape, strict=True)
        )


def choose_chunk_shape(
    shape: Sequence[int], itemsize: int, source_chunks: Sequence[int] | None, target_bytes: int
) -> tuple[int, ...]:
    """A chunk shape of about ``target_bytes`` whose edges fall on the edges of the source's own chunks.

    A source without chunks is cut along its leading axes, so that each chunk is one contiguous read. Source chunks are
    joined along the trailing axes first; those above twice the target are cut along their leading axes.
    """
    if not shape or 0 in shape:
        return tuple(max(1, length) for length in shape)
    target = max(1, target_bytes // max(1, itemsize))
    if source_chunks is None:
        return _cut(list(shape), target)
    chunk = [min(max(1, c), length) for c, length in zip(source_chunks, shape, strict=True)]
    if math.prod(chunk) > 2 * target:
        return _cut(chunk, target)
    for axis in reversed(range(len(chunk))):
        room = target // math.prod(chunk)
        if room <= 1:
            break
        needed = -(-shape[axis] // chunk[axis])
        chunk[axis] = min(shape[axis], chunk[axis] * min(room, needed))
    return tuple(chunk)


def _cut(chunk: list[int], target: int) -> tuple[int, ...]:
    for axis in range(len(chunk)):
        rest = math.prod(chunk[axis + 1 :])
        if chunk[axis] * rest <= target:
            break
        pieces = -(-chunk[axis] // max(1, target // rest))
        chunk[axis] = -(-chunk[axis] // pieces)
    return tuple(chunk)
