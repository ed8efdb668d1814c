"""Updates as the kernels take them: one vector for each row, and blocks of columns of those that have to be copied."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray

from cdt_core.errors import AggregationError

__all__ = ["Kernel", "Rows", "Updates", "as_array"]

#: An array of shape (n, d), or n vectors of d numbers each.
Updates: TypeAlias = NDArray[Any] | Sequence[NDArray[Any]]

#: A compiled rule, of rows and of room for its result: the columns before a few of which one is not finite, else all.
Kernel: TypeAlias = Callable[[list[NDArray[Any]], NDArray[Any]], int]

#: Bytes of a block of columns that has to be copied: it stays in a core's own cache.
_BLOCK_BYTES = 1 << 20


@frozen(eq=False)
class Rows:
    """Vectors of one length, checked but for their values, each as it was given.

    Parameters
    ----------
    vectors
        One of shape (d,) for each row.
    numbers
        The row that each had among all updates: what errors call it.
    dtype
        The widest among them, in this machine's byte order: the result's.
    """

    vectors: tuple[NDArray[Any], ...]
    numbers: tuple[int, ...]
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, updates: Updates | Rows) -> Rows:
        """Check shapes and dtypes; rows that were checked are taken as they are.

        Raises
        ------
        AggregationError
            No updates; one that is no vector of floats, or has another length than the first.
        """
        if isinstance(updates, Rows):
            return updates
        try:
            given = iter(updates)
        except TypeError as error:
            raise AggregationError(
                f"updates are {type(updates).__name__}; give an array of shape (sites, length), or one vector per site"
            ) from error
        vectors = tuple(as_array(update, f"update {row}") for row, update in enumerate(given))
        if not vectors:
            raise AggregationError("there are no updates; a rule needs at least one")
        for row, vector in enumerate(vectors):
            if vector.dtype.kind != "f" or vector.dtype.itemsize > 8:
                raise AggregationError(f"update {row} has dtype {vector.dtype}; give float16, float32 or float64")
            if vector.ndim != 1:
                raise AggregationError(f"update {row} has shape {vector.shape}; flatten each update to one vector")
            if vector.size != vectors[0].size:
                raise AggregationError(
                    f"update {row} has {vector.size} values, update 0 has {vectors[0].size}; give updates of one model"
                )
        dtype = np.result_type(*{vector.dtype for vector in vectors}).newbyteorder("=")
        return cls(vectors, tuple(range(len(vectors))), dtype)

    def only(self, chosen: NDArray[np.intp]) -> Rows:
        """Some of the rows; errors name them as before."""
        picked = [int(i) for i in chosen]
        return evolve(
            self, vectors=tuple(self.vectors[i] for i in picked), numbers=tuple(self.numbers[i] for i in picked)
        )

    def reduce(self, kernel: Kernel, least: type[np.floating[Any]] = np.float32) -> NDArray[Any]:
        """What the kernel makes of all columns, (d,), in ``dtype``; its own numbers are as wide as ``least`` at least.

        Raises
        ------
        AggregationError
            A value is NaN or infinite.
        """
        result = np.empty(self.vectors[0].size, self.dtype)
        wide = np.result_type(self.dtype, least)
        for columns, block in self._blocks(wide):
            made = np.empty(block[0].size, wide) if wide != self.dtype else result[columns]
            done = kernel(block, made)
            if done < made.size:
                self._refuse(columns.start + done)
            result[columns] = made
        return result

    def _blocks(self, dtype: np.dtype[Any]) -> Iterator[tuple[slice, list[NDArray[Any]]]]:
        """All columns at once where the rows can be read as they are, else copies of blocks of them."""
        size = self.vectors[0].size
        if all(v.dtype == dtype and v.flags.c_contiguous and v.flags.aligned for v in self.vectors):
            yield slice(0, size), list(self.vectors)
            return
        width = max(64, _BLOCK_BYTES // (len(self.vectors) * dtype.itemsize))
        for start in range(0, size, width):
            columns = slice(start, min(start + width, size))
            yield columns, list(np.stack([vector[columns] for vector in self.vectors], dtype=dtype))

    def _refuse(self, start: int) -> None:
        """Name the first value that is not finite from that column on."""
        for column in range(start, self.vectors[0].size):
            for number, vector in zip(self.numbers, self.vectors, strict=True):
                if not np.isfinite(vector[column]):
                    raise AggregationError(
                        f"update {number} is {vector[column]} at coordinate {column}; "
                        "have its site send finite values, or leave it out (weight 0)"
                    )
        raise AggregationError("the updates changed while they were read; give arrays that nobody writes to")


def as_array(given: object, name: str) -> NDArray[Any]:
    """What was given, as an array (no copy).

    Raises
    ------
    AggregationError
        It has no shape.
    """
    try:
        return np.asarray(given)
    except ValueError as error:
        raise AggregationError(f"{name} has parts of several lengths; give one array of numbers") from error
