"""The choice of one chain for the digits of an array's axes, from ranks that samples and earlier trains show."""

from __future__ import annotations

from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from cdt_core.kernels.tensor_train.ordering.annealed import annealed
from cdt_core.kernels.tensor_train.ordering.chains import Chains, Groups, every_chain
from cdt_core.kernels.tensor_train.ordering.order import Order
from cdt_core.kernels.tensor_train.ordering.spectra import SampledRanks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Splitting"]

#: Up to so many digits every set of them is looked at; beyond, annealing looks at so many new sets, in walks of so many steps.
_EXACT, _SETS, _STEPS = 8, 600, 1500
#: Up to so many digits every chain is looked at, and not only the best of each number of modes.
_EVERY = 5
#: Rows of sampled blocks: where all sets are looked at, and where many are.
_SIDE, _SIDE_OF_MANY = 256, 128
#: In annealing the number of bonds, which shares out the tolerance, is guessed so often.
_ROUNDS = 2
#: Tolerances below need singular values that are no roots of a Gram matrix's.
_PRECISE = 1e-5


class Splitting:
    """An array whose axes are split into these digits, and what is known of its ranks."""

    def __init__(
        self, values: NDArray[Any], rtol: float, digits: tuple[tuple[int, ...], ...], *, joins: bool, seed: int
    ) -> None:
        self.shape, self.rtol, self.digits, self.joins, self.seed = values.shape, rtol, digits, joins, seed
        self.places = [(axis, j) for axis, parts in enumerate(digits) for j in range(len(parts))]
        self.lengths = tuple(n for parts in digits for n in parts)
        self.is_small = len(self.lengths) <= _EXACT
        self.ranks = SampledRanks(
            values, self.lengths, _SIDE if self.is_small else _SIDE_OF_MANY, seed, precise=rtol < _PRECISE
        )
        self.before: list[int] | None = None
        self.bonds = max(1, len(digits) - 1)

    def choices(self, axes: Sequence[int], sharing: float = 1.0) -> list[tuple[int, Order]]:
        """Good orders, with the parameters that are expected of them, the fewest first.

        Parameters
        ----------
        axes
            In an order that is known to be good.
        sharing
            Of b bonds each is expected to leave out a ``b ** sharing``-th part of the energy that the tolerance allows. 1:
            errors of bonds add up. 0: they are the same, as where noise is left out, which one bond does for all.
        """
        if len(self.lengths) <= _EVERY:
            found = self._every(sharing)
        else:
            found = self._by_count(sharing) if self.is_small else self._annealed(axes, sharing)
        return [(expected, self._order(groups)) for expected, groups in sorted(found)]

    def _every(self, sharing: float) -> list[tuple[int, Groups]]:
        """All chains."""
        chains = [self._chains(max(1, count) ** sharing) for count in range(len(self.lengths))]
        every = every_chain(len(self.lengths), joins=self.joins)
        return [(chains[len(groups) - 1].parameters(groups), groups) for groups in every]

    def _by_count(self, sharing: float) -> list[tuple[int, Groups]]:
        """The best chains of each number of modes, which says how the tolerance is shared out."""
        found = []
        for count in range(1, len(self.lengths) + 1):
            chains = self._chains(max(1, count - 1) ** sharing)
            found += [one for one in chains.best_by_count() if len(one[1]) == count]
        return found

    def _annealed(self, axes: Sequence[int], sharing: float) -> list[tuple[int, Groups]]:
        """The number of bonds is guessed until the choice has it."""
        found = []
        for _ in range(_ROUNDS):
            chains = self._chains(self.bonds**sharing)
            first, starts = self.ranks.count, self._starts(axes) if self.before is None else [self.before]
            allowed = _SETS * len(starts) / 3
            spent = partial(_share, self.ranks, first, allowed)
            _, groups = annealed(chains, starts, self.seed, _STEPS, spent)
            self.before = [k for group in groups for k in range(len(self.lengths)) if group >> k & 1]
            before, self.bonds = self.bonds, max(1, len(groups) - 1)
            found.append((self._chains(self.bonds**sharing).parameters(groups), groups))
            if before == self.bonds or not sharing:
                break
        return [min(found)]

    def learn(self, order: Order, ranks: Sequence[int]) -> None:
        """Take the ranks of a train in an order of these digits for the truth."""
        bonds, subset = len(order.groups) - 1, 0
        for group, rank in zip(order.groups[:-1], ranks[1:], strict=False):
            subset |= sum(1 << k for k in group)
            self.ranks.correct(subset, self.rtol**2 / bonds, rank)

    def learn_own(self, ranks: Sequence[int]) -> None:
        """Take the ranks of a train of the axes as they are for the truth."""
        for axis in range(1, len(self.shape)):
            subset = sum(1 << k for k, place in enumerate(self.places) if place[0] < axis)
            if 0 < subset < (1 << len(self.lengths)) - 1:
                self.ranks.correct(subset, self.rtol**2 / (len(self.shape) - 1), ranks[axis])

    def _chains(self, parts: float) -> Chains:
        share, known = self.rtol**2 / parts, dict[int, int]()

        def rank(subset: int) -> int:
            if subset not in known:
                known[subset] = self.ranks.rank(subset, share)
            return known[subset]

        return Chains(self.lengths, rank, self.joins)

    def _starts(self, axes: Sequence[int]) -> list[list[int]]:
        """The good order and the own one, each axis with its digits together; and digits that alternate, the coarsest first."""
        by_axis = [[k for k, place in enumerate(self.places) if place[0] == axis] for axis in range(len(self.shape))]
        alternate = [k for level in zip_longest(*by_axis) for k in level if k is not None]
        orders = [[k for axis in axes for k in by_axis[axis]], list(range(len(self.lengths))), alternate]
        return [order for k, order in enumerate(orders) if order not in orders[:k]]

    def _order(self, groups: Groups) -> Order:
        places = range(len(self.lengths))
        return Order(self.shape, self.digits, tuple(tuple(k for k in places if group >> k & 1) for group in groups))


def _share(ranks: SampledRanks, first: int, allowed: float) -> float:
    """Of the new sets that may be looked at, the part that was."""
    return (ranks.count - first) / allowed
