"""Places of batches and who may have them: what fits, what stays together, what stays apart."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import SelectError
from cdt_core.select.column import read_column

__all__ = ["Places", "read_batches"]

Array = NDArray[Any]
#: Orders in which groups are tried to fit, before they are said not to.
_TRIES = 200


def read_batches(batches: int | Sequence[int] | Mapping[Hashable, int], samples: int) -> tuple[list[Hashable], Array]:
    """Names and capacities (B,): of a number of batches of equal size, of capacities, or of names with capacities.

    Raises
    ------
    SelectError
        Fewer than two batches, a capacity below 1, or too few places.
    """
    if isinstance(batches, bool) or not isinstance(batches, int | np.integer | Mapping | Sequence | np.ndarray):
        raise SelectError(f"batches is {batches!r}; it must be a number, capacities, or names with capacities")
    if isinstance(batches, int | np.integer):
        sizes = [-(-samples // int(batches))] * int(batches) if batches > 0 else []
    else:
        sizes = list(batches.values()) if isinstance(batches, Mapping) else list(batches)
    names: list[Hashable] = list(batches if isinstance(batches, Mapping) else range(len(sizes)))
    if len(sizes) < 2:
        raise SelectError(f"{len(sizes)} batches; samples are assigned to two at least")
    for name, size in zip(names, sizes, strict=True):
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
            raise SelectError(f"batch {name!r} has the capacity {size!r}; it must be an integer of 1 or more")
    if sum(sizes) < samples:
        raise SelectError(f"{samples} samples for {sum(sizes)} places in {len(sizes)} batches")
    return names, np.array(sizes, np.int64)


@attrs.frozen(eq=False)
class Places:
    """Units (samples, or groups that stay together) and batches.

    ``unit`` (n,) of each sample; ``sizes`` (U,) of units; ``capacities`` (B,); ``shares`` (B,) int64, how many samples each
    batch should have; ``apart`` (U,) group of each unit, of which no two may share a batch, or ``None``.
    """

    unit: Array
    sizes: Array
    capacities: Array
    shares: Array
    apart: Array | None = None

    @classmethod
    def of(cls, capacities: Array, samples: int, together: Any = None, apart: Any = None) -> Self:
        """Places of samples, by the columns that say what stays together or apart."""
        shares = _shares(capacities, samples)
        if not shares.all():
            raise SelectError(
                f"{samples} samples in batches of {capacities.tolist()} leave batch {int(np.argmin(shares))} empty where all "
                "are filled to the same share; leave it out"
            )
        if together is None:
            groups = None if apart is None else _numbers("apart", apart, samples)
            if groups is not None and np.bincount(groups).max() > len(capacities):
                largest = int(np.argmax(np.bincount(groups)))
                first = int(np.argmax(groups == largest))
                raise SelectError(
                    f"the group of sample {first} has {int((groups == largest).sum())} samples to keep apart, "
                    f"and there are {len(capacities)} batches"
                )
            return cls(np.arange(samples), np.ones(samples, np.int64), shares, shares, groups)
        if apart is not None:
            raise SelectError("together and apart are both given; make one column of the two")
        unit = _numbers("together", together, samples)
        return cls(unit, np.bincount(unit), capacities, shares)

    @property
    def fixed(self) -> bool:
        """Whether all units have one place, so that each batch always has its share."""
        return bool((self.sizes == 1).all())

    def deal(self, rng: np.random.Generator) -> Array:
        """A random batch for each unit (U,) that keeps all rules.

        Raises
        ------
        SelectError
            Groups that fit in no way that was tried.
        """
        if self.fixed and self.apart is None:
            return rng.permutation(np.repeat(np.arange(len(self.shares)), self.shares))
        for _ in range(_TRIES):
            dealt = self._dealt(rng)
            if dealt is not None:
                return dealt
        raise SelectError(
            f"groups of up to {int(self.sizes.max())} samples fit in no way that was tried into batches of "
            f"{self.capacities.tolist()}; give larger batches"
        )

    def _dealt(self, rng: np.random.Generator) -> Array | None:
        """Large groups first, each to the batches with the most room; equals in random order."""
        room = self.capacities.astype(np.float64)
        if self.apart is None:
            order = np.lexsort([rng.random(len(self.sizes)), -self.sizes])
        else:
            number = np.bincount(self.apart)
            key = rng.random(len(number))[self.apart]
            order = np.lexsort([self.apart, key, -number[self.apart]])
        batch = np.full(len(self.sizes), -1, np.int64)
        last, used = -1, np.zeros(len(room), bool)
        for unit in order:
            if self.apart is not None and self.apart[unit] != last:
                last, used = self.apart[unit], np.zeros(len(room), bool)
            open_ = (room >= self.sizes[unit]) & ~used
            if not open_.any():
                return None
            batch[unit] = int(np.argmax(np.where(open_, room + rng.random(len(room)), -1.0)))
            room[batch[unit]] -= self.sizes[unit]
            used[batch[unit]] = self.apart is not None
        return batch


def _shares(capacities: Array, samples: int) -> Array:
    """Samples of each batch, in proportion to the capacities; what is left over goes to the largest remainders."""
    exact = capacities * (samples / capacities.sum())
    shares = np.floor(exact).astype(np.int64)
    first = np.argsort(shares - exact, kind="stable")[: samples - int(shares.sum())]
    shares[first] += 1
    return np.asarray(shares)


def _numbers(name: str, groups: Any, samples: int) -> Array:
    """Groups as 0 .. g - 1; a sample whose group is missing is one of its own."""
    column = read_column(groups)
    if column.values.shape != (samples,):
        raise SelectError(f"{name} has shape {column.values.shape} for {samples} samples")
    keys = [
        (i,) if missing else value for i, (value, missing) in enumerate(zip(column.values, column.missing, strict=True))
    ]
    number: dict[Any, int] = {}
    try:
        return np.array([number.setdefault(key, len(number)) for key in keys], np.int64)
    except TypeError as error:
        raise SelectError(f"{name} has groups that are no names or numbers ({error})") from error
