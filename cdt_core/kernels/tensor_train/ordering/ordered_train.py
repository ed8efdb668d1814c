"""Tensor trains of arrays whose axes were put in another order."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Self

import attrs
import numpy as np

from cdt_core.errors import TensorError
from cdt_core.kernels.tensor_train import slicing, stored
from cdt_core.kernels.tensor_train.arguments import whole
from cdt_core.kernels.tensor_train.ordering.stored import pack, unpack

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from cdt_core.kernels.tensor_train.ordering.order import Order
    from cdt_core.kernels.tensor_train.train import TensorTrain

__all__ = ["OrderedTrain"]


def _own(parameters: Any) -> int:
    return whole(parameters, "own", 1, (1 << 64) - 1)


@attrs.frozen(eq=False, repr=False)
class OrderedTrain:
    """A tensor train of an array whose axes were put in another order.

    Parameters
    ----------
    order
        What was done to the axes.
    train
        Of the array after that; ``train.error`` is the certified relative error of both.
    own
        Parameters of the train of the axes as they were, at the same tolerance.

    Raises
    ------
    TensorError
        A train of another shape than that of the order's modes.

    Examples
    --------
    >>> from cdt_core.kernels.tensor_train import best_order
    >>> found = best_order(np.kron(np.eye(4), np.ones((8, 8))), 1e-6)
    >>> again = OrderedTrain.from_bytes(found.to_bytes())
    >>> again.shape, again.order == found.order, bool((again.full() == found.full()).all())
    ((32, 32), True, True)
    """

    order: Order
    train: TensorTrain
    own: int = attrs.field(converter=_own)

    def __attrs_post_init__(self) -> None:
        if self.train.shape != self.order.modes:
            raise TensorError(f"a train of shape {self.train.shape} where the order has modes {self.order.modes}")

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array."""
        return self.order.shape

    @property
    def gain(self) -> float:
        """Parameters in the own order over those in this one: at least 1."""
        return self.own / self.train.parameters

    def __repr__(self) -> str:
        return f"OrderedTrain({self.order!r}, {self.train!r}, gain={self.gain:.4g})"

    def full(self) -> NDArray[Any]:
        """The array itself."""
        return self.order.undone(self.train.full())

    def __array__(self, dtype: np.dtype[Any] | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("a tensor train cannot become an array without making one; leave out copy=False")
        return self.full() if dtype is None else self.full().astype(dtype, copy=False)

    def entries(self, indices: ArrayLike) -> NDArray[Any]:
        """The values at (m, axes) places of the array: (m,)."""
        return self.train.entries(self.order.indices(slicing.positions(indices, self.shape)))

    def to_bytes(self) -> bytes:
        """The stream of FORMAT.md, section "Ordered tensor trains"."""
        return pack(self.order, self.train, self.own)

    @classmethod
    def from_bytes(cls, stream: bytes | bytearray | memoryview) -> Self:
        """The train of a stream; ``CorruptStreamError`` where it is truncated, mutated or of something else."""
        return cls(*unpack(stream))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the stream to a file, which has its name only once it is complete; ``OutputError`` where that fails."""
        stored.write(path, self.to_bytes())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what :meth:`save` wrote; ``ReaderError`` where there is no file, ``CorruptStreamError`` where it is damaged."""
        return cls.from_bytes(stored.read(path))
