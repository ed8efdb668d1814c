"""The order in which a block's axes are coded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cdt_core.kernels.reference.reading import Bytes, need

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Layout", "read_layout"]


class Layout(NamedTuple):
    """``order[i]`` is the axis of the block's ``sides`` that is coded as axis ``i``."""

    sides: tuple[int, ...]
    order: tuple[int, ...]

    def lengths(self, spatial: int) -> tuple[int, ...]:
        """Batch, z, y and x, of which the last ``spatial`` are axes of the block, and the batch all others."""
        coded = [self.sides[axis] for axis in self.order]
        first = max(0, len(coded) - spatial)
        rest = coded[first:]
        return (math.prod(coded[:first]), *(1 for _ in range(3 - len(rest))), *rest)

    def back(self, coded: NDArray[Any]) -> NDArray[Any]:
        """What is in the order of coded axes, flat, in that of the sides."""
        shaped = coded.reshape([self.sides[axis] for axis in self.order])
        return shaped.transpose(np.argsort(self.order)).reshape(-1)


def read_layout(source: Bytes, sides: tuple[int, ...]) -> Layout:
    """The order of axes of a block.

    Raises
    ------
    CorruptStreamError
        It is no permutation.
    """
    number = source.number()
    axes = len(sides)
    order = tuple(number >> 3 * (axes - 1 - i) & 7 for i in range(axes))
    need(sorted(order) == list(range(axes)) and number < 8**axes, "order of axes")
    return Layout(sides, order)
