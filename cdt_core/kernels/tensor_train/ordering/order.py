"""How the axes of an array become those of a train: split into digits, put in another order, and joined."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from cdt_core.errors import TensorError
from cdt_core.kernels.tensor_train.arguments import axis_lengths, whole_numbers
from cdt_core.kernels.tensor_train.sources import array_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MOST_DIGITS", "Order", "prime_digits"]

#: Digits of all axes together: an array of NumPy, which is split into them, has no more axes.
MOST_DIGITS = 64


def _digits(values: Any) -> tuple[tuple[int, ...], ...]:
    return _nested(values, "digits", 1)


def _groups(values: Any) -> tuple[tuple[int, ...], ...]:
    return _nested(values, "groups", 0)


def _nested(values: Any, name: str, least: int) -> tuple[tuple[int, ...], ...]:
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise TensorError(f"{name} is {values!r}; give a sequence of sequences of whole numbers")
    return tuple(whole_numbers(part, name, least) for part in values)


@attrs.frozen(repr=False)
class Order:
    """Axes split into digits, and which of all digits are one mode of a train.

    Parameters
    ----------
    shape
        Of the array.
    digits
        For each axis the lengths that it is split into, the coarsest first: an index is the mixed-radix number of its
        digits. One length where an axis stays whole, none where it has one place only.
    groups
        For each mode of the train the digits that it joins, as places in the list of all digits, axis after axis.

    Raises
    ------
    TensorError
        Digits whose product is not the axis, or more than 64 of them; a group of none, or groups that do not hold every
        digit once.

    Examples
    --------
    >>> order = Order((6, 4), ((3, 2), (4,)), ((2,), (0,), (1,)))
    >>> order, order.modes
    (Order(1 | 0.0 | 0.1), (4, 3, 2))
    """

    shape: tuple[int, ...] = attrs.field(converter=axis_lengths)
    digits: tuple[tuple[int, ...], ...] = attrs.field(converter=_digits)
    groups: tuple[tuple[int, ...], ...] = attrs.field(converter=_groups)

    def __attrs_post_init__(self) -> None:
        if tuple(map(math.prod, self.digits)) != self.shape:
            raise TensorError(f"digits {self.digits} do not make an array of shape {self.shape}")
        count = len(self.lengths)
        if count > MOST_DIGITS:
            raise TensorError(f"{count} digits: an array has at most {MOST_DIGITS} axes; leave some of them joined")
        if sorted(k for group in self.groups for k in group) != list(range(count)) or () in self.groups:
            raise TensorError(f"groups {self.groups}: give each of {count} digits once, and no group without any")

    @classmethod
    def own(cls, shape: Sequence[int]) -> Order:
        """Every axis as it is, in the order of the array."""
        return cls(tuple(shape), tuple((n,) for n in shape), tuple((k,) for k in range(len(shape))))

    @property
    def lengths(self) -> tuple[int, ...]:
        """Of all digits, axis after axis."""
        return tuple(n for axis in self.digits for n in axis)

    @property
    def modes(self) -> tuple[int, ...]:
        """Lengths of the train's axes."""
        lengths = self.lengths
        return tuple(math.prod(lengths[k] for k in group) for group in self.groups)

    @property
    def places(self) -> tuple[tuple[int, int], ...]:
        """(axis, which of its digits) of all digits."""
        return tuple((axis, j) for axis, parts in enumerate(self.digits) for j in range(len(parts)))

    def __repr__(self) -> str:
        def name(place: tuple[int, int]) -> str:
            axis, j = place
            return str(axis) if len(self.digits[axis]) == 1 else f"{axis}.{j}"

        places = self.places
        return f"Order({' | '.join('+'.join(name(places[k]) for k in group) for group in self.groups)})"

    def applied(self, x: NDArray[Any]) -> NDArray[Any]:
        """An array of ``shape`` as the array of ``modes`` that is decomposed; a copy unless nothing moves.

        ``TensorError`` where its shape is another one, or values are masked.
        """
        split = _of_shape(x, self.shape).reshape(self.lengths)
        moved = split.transpose([k for group in self.groups for k in group])
        return np.ascontiguousarray(moved).reshape(self.modes)

    def undone(self, y: NDArray[Any]) -> NDArray[Any]:
        """The array of ``shape`` of one of ``modes``: the inverse of :meth:`applied`."""
        lengths = self.lengths
        order = [k for group in self.groups for k in group]
        split = _of_shape(y, self.modes).reshape([lengths[k] for k in order])
        return np.ascontiguousarray(split.transpose(np.argsort(order))).reshape(self.shape)

    def indices(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Places (m, modes) in the train of places (m, axes) in the array."""
        found = np.empty((len(indices), len(self.lengths)), dtype=np.int64)
        place = len(self.lengths)
        for axis in range(len(self.shape) - 1, -1, -1):
            rest = indices[:, axis]
            for length in reversed(self.digits[axis]):
                place -= 1
                rest, found[:, place] = np.divmod(rest, length)
        lengths, start = self.lengths, np.zeros(len(indices), np.int64)
        joined = [reduce(lambda sum_, k: sum_ * lengths[k] + found[:, k], group, start) for group in self.groups]
        return np.stack(joined, axis=1) if joined else np.empty((len(indices), 0), np.int64)

    def simplified(self) -> Order:
        """The same modes, with neighbouring digits of an axis joined where they follow each other in one mode."""
        places = self.places
        follows = {b for group in self.groups for a, b in pairwise(group) if b == a + 1}
        joined = {k for k in follows if places[k][0] == places[k - 1][0]}
        number = np.cumsum([k not in joined for k in range(len(places))]) - 1
        digits: list[list[int]] = [[] for _ in self.shape]
        for k, ((axis, _), length) in enumerate(zip(places, self.lengths, strict=True)):
            if k in joined:
                digits[axis][-1] *= length
            else:
                digits[axis].append(length)
        groups = tuple(tuple(int(number[k]) for k in group if k not in joined) for group in self.groups)
        return Order(self.shape, tuple(map(tuple, digits)), groups)


def _of_shape(x: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    array = array_of(x)
    if array.shape != shape:
        raise TensorError(f"an array of shape {array.shape} for an order of arrays of shape {shape}")
    return array


def prime_digits(shape: Sequence[int], most: int) -> tuple[tuple[int, ...], ...]:
    """The prime factors of each axis, the largest first and so the coarsest; at most ``most`` in all, where axes allow.

    Beyond that, the two neighbouring digits of one axis with the smallest product are joined, the coarsest of equal ones.
    """
    digits = [_primes(n) for n in shape]
    while sum(map(len, digits)) > most and any(len(parts) > 1 for parts in digits):
        pairs = [
            (parts[j] * parts[j + 1], -len(parts), axis, j)
            for axis, parts in enumerate(digits)
            for j in range(len(parts) - 1)
        ]
        product, _, axis, j = min(pairs)
        digits[axis][j : j + 2] = [product]
    return tuple(map(tuple, digits))


def _primes(n: int) -> list[int]:
    """Prime factors, falling."""
    found, factor = [], 2
    while factor * factor <= n:
        while n % factor == 0:
            found.append(factor)
            n //= factor
        factor += 1
    return sorted([*found, n] if n > 1 else found, reverse=True)
