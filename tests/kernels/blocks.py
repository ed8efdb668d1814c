"""Streams in blocks of few values, so that small arrays have many."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from cdt_core.kernels import _codec


@contextmanager
def blocks_of(side: int | None) -> Iterator[None]:
    """Blocks with sides of at most ``side`` values, until the end of the ``with``; None: as the profile has them."""
    plan = _codec.plan

    def cut(dtype: int, unit: str, shape: tuple[int, ...], *rest: Any) -> _codec.Stream:
        return plan(dtype, unit, shape, *rest, tuple(min(side or 1, max(1, n)) for n in box_of(shape)))

    with mock.patch.object(_codec, "plan", plan if side is None else cut):
        yield


def box_of(shape: tuple[int, ...]) -> list[int]:
    """The axes that blocks cut: without those of length 1, leading ones joined to at most five."""
    box = [n for n in shape if n != 1] or [1]
    while len(box) > 5:
        box[:2] = [box[0] * box[1]]
    return box


def block_count(shape: tuple[int, ...], block: tuple[int, ...]) -> int:
    """How many blocks a stream has."""
    return math.prod(-(-n // side) for n, side in zip(box_of(shape), block, strict=True))
