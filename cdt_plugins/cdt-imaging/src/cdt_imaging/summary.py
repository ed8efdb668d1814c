"""What the checks of images share: which variables are images, their planes and volumes, and sums that merge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdt_core.hooks.contracts import Block, State
from cdt_core.model import Bound, Finding, VariableProfile, VariableSpec
from cdt_core.model.finding import Dimension

__all__ = ["OfImage", "has_intensities", "is_image", "merged", "per_group"]

#: At most this many planes or volumes are followed, so that the state stays under a megabyte.
_MOST = 16384
_FEWEST_BITS = 8


def is_image(spec: VariableSpec) -> bool:
    """True for pixels that this plugin read, with rows and columns; label images are none."""
    attributes = spec.attributes
    return "image_format" in attributes and attributes.get("image_kind") != "labels" and {"y", "x"} <= set(spec.dims)


def has_intensities(spec: VariableSpec) -> bool:
    """True where a larger number means more of something: not for masks of a few bits, nor indices of a palette."""
    bits, meaning = spec.attributes.get("bits_stored", _FEWEST_BITS), spec.attributes.get("photometric_interpretation")
    return is_image(spec) and bits >= _FEWEST_BITS and meaning != "PALETTE COLOR"


class OfImage:
    """A check of one image; on other variables it does nothing."""

    def __init__(self, spec: VariableSpec, profile: VariableProfile, bound: Bound) -> None:
        self.spec = spec
        self.profile = profile
        self.bound = bound
        self.applies = is_image(spec) and spec.size > 0

    def finding(self, check: str, dimension: Dimension, value: float | int | None, **more: Any) -> Finding:
        """A finding on this image."""
        return Finding(check=check, dimension=dimension, value=value, variable=self.spec.name, **more)

    def axes_but(self, inner: Sequence[str]) -> tuple[int, ...]:
        """Places of the axes that are not in ``inner``, nor of colours."""
        return tuple(axis for axis, dim in enumerate(self.spec.dims) if dim not in inner and dim != "sample")


def per_group(
    spec: VariableSpec, block: Block, lead: tuple[int, ...]
) -> tuple[NDArray[np.int64], list[NDArray[Any]], int]:
    """The block's values by group: one group for each position along the axes ``lead``.

    Returns the groups' numbers, ``[original, treated, valid]`` as (groups, values), and the stride: when there are more
    groups than are followed, one in ``stride``.
    """
    shape = tuple(spec.shape[axis] for axis in lead)
    stride = max(1, -(-int(np.prod(shape, dtype=np.int64)) // _MOST))
    rest = tuple(axis for axis in range(len(spec.dims)) if axis not in lead)
    places = [np.arange(block.start[axis], block.start[axis] + block.original.shape[axis]) for axis in lead]
    numbers = np.zeros(1, np.int64)
    if lead:
        numbers = np.ravel_multi_index(np.ix_(*places), shape).reshape(-1).astype(np.int64)
    kept = numbers % stride == 0
    arrays = []
    for values in (block.original, block.treated, block.valid):
        rows = np.transpose(values, (*lead, *rest)).reshape(len(numbers), -1)
        arrays.append(rows if kept.all() else rows[kept])
    return numbers[kept], arrays, stride


def merged(left: State, right: State, how: Mapping[str, np.ufunc]) -> State:
    """Both states together: values of the same group are joined by the function that ``how`` names for each key."""
    if not len(left["index"]) or not len(right["index"]):
        return left if len(left["index"]) else right
    index, where = np.unique(np.concatenate([left["index"], right["index"]]), return_inverse=True)
    result: State = {"index": index}
    for key, function in how.items():
        values = np.concatenate([left[key], right[key]])
        neutral = np.inf if function is np.minimum else -np.inf if function is np.maximum else 0.0
        joined = np.full(len(index), neutral)
        function.at(joined, where, values)
        result[key] = joined
    return result
