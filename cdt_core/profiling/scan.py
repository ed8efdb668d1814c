"""The profiling pass: every value is read once, in blocks, and summarised by mergeable statistics."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from cdt_core.kernels import stats
from cdt_core.kernels.parts import parts_of, parts_of_mask
from cdt_core.model import Profile, VariableProfile, VariableSpec
from cdt_core.model.grid import ChunkGrid
from cdt_core.profiling.texture import Texture, texture_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["StoredValues", "scan", "scan_block"]

#: Every block whose position is a power of two, or a multiple of this, gives a sample of the texture.
_TEXTURE_EVERY = 64


class StoredValues(Protocol):
    """What the pass needs of a dataset: the specs, and reading and decoding by slices (thread-safe)."""

    @property
    def specs(self) -> Mapping[str, VariableSpec]:
        """What is known of each variable, in order."""
        ...

    def read(self, name: str, region: tuple[slice, ...]) -> NDArray[Any]:
        """Stored values of a region."""
        ...

    def decoded(self, name: str, values: NDArray[Any]) -> NDArray[Any]:
        """Physical values of stored ones."""
        ...

    def missing_mask(self, name: str, values: NDArray[Any]) -> NDArray[np.bool_] | None:
        """Where stored values stand for no value; ``None`` when nowhere."""
        ...


type_of_map = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]


def scan_block(
    dataset: StoredValues, name: str, region: tuple[slice, ...], with_texture: bool
) -> tuple[stats.Description, Texture | None]:
    """Summaries of one block of physical values."""
    stored = dataset.read(name, region)
    missing = dataset.missing_mask(name, stored)
    values = dataset.decoded(name, stored)
    if values.dtype.kind == "c":
        values, missing = parts_of(values), parts_of_mask(missing)
    texture = texture_of(values, missing) if with_texture else None
    return stats.describe(values, missing=missing), texture


def scan(
    dataset: StoredValues,
    grids: Mapping[str, ChunkGrid],
    run: type_of_map,
    progress: Callable[[str, int], None] = lambda name, values: None,
) -> Profile:
    """Profile the variables in ``grids``; the others (strings) get their count only.

    Parameters
    ----------
    dataset
        What is read, by slices.
    grids
        Variable name -> the blocks to read it by.
    run
        An ordered parallel map: calls its first argument on each item, yields results in the items' order with a bounded
        number in flight.
    progress
        Called with the variable's name and the number of values after each block.
    """
    items = ((name, position) for name, grid in grids.items() for position in range(len(grid)))

    def block(item: tuple[str, int]) -> tuple[str, int, stats.Description, Texture | None]:
        name, position = item
        grid = grids[name]
        region = grid.region(grid.index(position))
        wanted = position % _TEXTURE_EVERY == 0 or position & (position - 1) == 0
        description, texture = scan_block(dataset, name, region, wanted)
        return name, math.prod(part.stop - part.start for part in region), description, texture

    descriptions: dict[str, stats.Description] = {}
    textures: dict[str, list[Texture]] = {}
    for name, count, description, texture in run(block, items):
        known = descriptions.get(name)
        descriptions[name] = description if known is None else known.merge(description)
        if texture is not None:
            textures.setdefault(name, []).append(texture)
        progress(name, count)
    return Profile(
        tuple(_profile(spec, descriptions.get(name), textures.get(name, [])) for name, spec in dataset.specs.items())
    )


def _profile(spec: VariableSpec, description: stats.Description | None, textures: list[Texture]) -> VariableProfile:
    if description is None:
        return VariableProfile(name=spec.name, count=spec.size)
    finite = description.minimum is not None
    count = description.count - description.missing - description.nan
    count -= description.positive_infinite + description.negative_infinite
    std = math.sqrt(description.m2 / count) if finite and count else None
    roughness, noise_floor = Texture.combine(textures, std, len(spec.shape))
    return VariableProfile(
        name=spec.name,
        count=spec.size,
        missing=description.missing,
        nan=description.nan,
        infinite=description.positive_infinite + description.negative_infinite,
        minimum=description.minimum,
        maximum=description.maximum,
        mean=description.mean if finite else None,
        std=std,
        zeros=description.zeros,
        roughness=roughness,
        noise_floor=noise_floor,
    )
