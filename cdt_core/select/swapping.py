"""Batches that are alike: annealing by exchanges of two units of different batches.

The energy is the sum over batches of ``|sum of the members' columns|^2 / share``. It is quadratic in the one-hot variables
"unit u is in batch b", but these have two kinds of groups, one for each unit and one for each batch, which share
variables: swaps within disjoint groups of fixed cardinality do not keep both. Exchanging two units does, changes two sums,
and costs a few products instead of couplings of all units with each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.select.places import Places

__all__ = ["annealed", "energies", "greedy"]

Array = NDArray[Any]
#: Draws of a Gumbel law that all steps use in slices, from a place that is drawn.
_POOL = 2**16
#: Partners that a step looks at, where there are more, and times that all units go down.
_PARTNERS, _PASSES = 256, 3
#: Samples of assignments that are summed at once.
_VALUES = 2**20
#: Last temperature over the first.
_COLD = 1e-4
#: What lowers the energy by less is rounding.
_LEAST = 1e-12


def energies(columns: Array, batches: Array, shares: Array) -> Array:
    """Of assignments (r, n) of samples with columns (n, p) to batches: (r,) float64."""
    found, count = np.zeros(len(batches)), len(shares)
    step = max(1, _VALUES // batches.shape[1])
    for start in range(0, len(batches), step):
        part = batches[start : start + step]
        places = (part + count * np.arange(len(part))[:, None]).ravel()
        for column in columns.T:
            sums = np.bincount(places, np.tile(column, len(part)), minlength=len(part) * count)
            found[start : start + step] += (sums.reshape(len(part), count) ** 2 / shares).sum(axis=1)
    return found


def annealed(columns: Array, places: Places, starts: Sequence[Array], steps: int, rng: np.random.Generator) -> Array:
    """Batches (r, U) of units, from r starts.

    Columns are (n, p), of samples. Each step exchanges one unit of each start with one of all others, or of 256 that are
    drawn, by its chance at the step's temperature (heat bath); then each goes down until no exchange that is tried helps.
    """
    swaps = _Swaps.of(columns, places, starts)
    pool = rng.gumbel(size=_POOL + _PARTNERS)
    # What an exchange costs by its squares alone: no exchange is dear at first.
    hot = 2 * float((swaps.columns**2).sum()) / (swaps.units * places.shares.mean())
    for temperature in hot * _COLD ** np.linspace(0, 1, max(steps, 2)):
        among = swaps.partners(rng)
        noise = pool[rng.integers(_POOL, size=swaps.reads)[:, None] + np.arange(len(among))]
        swaps.exchange(rng.integers(swaps.units, size=swaps.reads), among, temperature * noise)
    for _ in range(_PASSES):
        if not swaps.descend(rng):
            break
    return swaps.batch[:, : swaps.units]


@attrs.define(eq=False)
class _Swaps:
    """Reads that exchange units; after the units come empty places, one for each batch, where units differ in size."""

    places: Places
    columns: Array  #: (W, p) of units and empty places
    norms: Array  #: (W,) their squares
    sizes: Array  #: (W,)
    batch: Array  #: (r, W)
    sums: Array  #: (r, B, p) of each batch's members
    loads: Array  #: (r, B) samples in each batch
    met: Array | None  #: (r, B, groups) units of each group that is kept apart

    @classmethod
    def of(cls, columns: Array, places: Places, starts: Sequence[Array]) -> _Swaps:
        units, count, reads = len(places.sizes), len(places.shares), len(starts)
        extra = 0 if places.fixed else count
        width = columns.shape[1] + (extra > 0)
        own = np.zeros((units + extra, width))
        np.add.at(own, places.unit, np.column_stack([columns, np.ones(len(columns))])[:, :width])
        sizes = np.append(places.sizes, np.zeros(extra, np.int64))
        batch = np.concatenate([np.array(starts), np.tile(np.arange(extra), (reads, 1))], axis=1).astype(np.int64)
        members = (batch[:, None, :] == np.arange(count)[:, None]).astype(np.float64)
        sums = members @ own
        if extra:
            # The number of samples is a column, too: that of a batch, less its share.
            sums[:, :, -1] -= places.shares
        met = None
        if places.apart is not None:
            met = (members @ np.eye(int(places.apart.max()) + 1)[places.apart]).astype(np.int64)
        loads = (members @ sizes).astype(np.int64)
        return cls(places, own, np.einsum("ij,ij->i", own, own), sizes, batch, sums, loads, met)

    @property
    def units(self) -> int:
        """Without empty places."""
        return len(self.places.sizes)

    @property
    def reads(self) -> int:
        """How many assignments are looked for at once."""
        return len(self.batch)

    def partners(self, rng: np.random.Generator) -> Array:
        """All units and empty places, or as many as a step looks at."""
        width = len(self.columns)
        return np.arange(width) if width <= _PARTNERS else rng.integers(width, size=_PARTNERS)

    def exchange(self, units: Array, among: Array, noise: Array | float) -> Array:
        """Exchange each read's unit with the partner of least cost less noise, if that is less than nothing; which reads
        did, (r,) bool.
        """
        cost = self._costs(units, among) - noise
        best = np.argmin(cost, axis=1)
        moved = cost[np.arange(self.reads), best] < -_LEAST
        self._move(np.flatnonzero(moved), units, among[best])
        return np.asarray(moved)

    def descend(self, rng: np.random.Generator) -> bool:
        """Exchange each unit with its best partner where that lowers the energy; whether it did for any."""
        better = False
        for unit in range(self.units):
            better |= bool(self.exchange(np.full(self.reads, unit), self.partners(rng), 0.0).any())
        return better

    def _costs(self, units: Array, among: Array) -> Array:
        """(r, m): what exchanging each read's unit with each of ``among`` costs; infinite where a rule forbids."""
        reads = np.arange(self.reads)[:, None]
        here, there = self.batch[reads[:, 0], units][:, None], self.batch[:, among]
        inverse = 1.0 / self.places.shares
        others, own = self.columns[among], self.columns[units]
        squares = self.norms[units, None] + self.norms[among] - 2 * own @ others.T
        with_unit = np.einsum("rbp,rp->rb", self.sums, own)
        left = self.sums[reads[:, 0], here[:, 0]] @ others.T - with_unit[reads, here]
        right = with_unit[reads, there] - np.einsum("rmp,mp->rm", self.sums[reads, there], others)
        cost = inverse[here] * (2 * left + squares) + inverse[there] * (2 * right + squares)
        cost[self._forbidden(units, among, here, there)] = np.inf
        return np.asarray(cost)

    def _forbidden(self, units: Array, among: Array, here: Array, there: Array) -> Array:
        wrong = here == there
        reads = np.arange(self.reads)[:, None]
        if not self.places.fixed:
            more = self.sizes[units][:, None] - self.sizes[among]
            room = self.places.capacities - self.loads
            wrong |= (room[reads, there] < more) | (room[reads, here] < -more)
        if self.met is not None and self.places.apart is not None:
            mine, others = self.places.apart[units][:, None], self.places.apart[among]
            same = mine == others
            wrong |= (self.met[reads, there, mine] > same) | (self.met[reads, here, others] > same)
        return np.asarray(wrong)

    def _move(self, reads: Array, units: Array, partners: Array) -> None:
        left, right = units[reads], partners[reads]
        here, there = self.batch[reads, left], self.batch[reads, right]
        for gone, come, batch in ((left, right, here), (right, left, there)):
            self.sums[reads, batch] += self.columns[come] - self.columns[gone]
            self.loads[reads, batch] += self.sizes[come] - self.sizes[gone]
            if self.met is not None and self.places.apart is not None:
                self.met[reads, batch, self.places.apart[gone]] -= 1
                self.met[reads, batch, self.places.apart[come]] += 1
        self.batch[reads, left] = there
        real = right < self.units
        self.batch[reads[real], right[real]] = here[real]


def greedy(columns: Array, places: Places, rng: np.random.Generator) -> Array:
    """Units one after the other, in random order, each where it costs least: (1, U); (0, U) after a dead end."""
    units, count = len(places.sizes), len(places.shares)
    own = np.zeros((units, columns.shape[1]))
    np.add.at(own, places.unit, columns)
    sums, loads = np.zeros((count, columns.shape[1])), np.zeros(count, np.int64)
    batch = np.full(units, -1, np.int64)
    groups = np.zeros(units, np.int64) if places.apart is None else places.apart
    order = np.lexsort([rng.random(units), groups, -np.bincount(groups)[groups], -places.sizes])
    for unit in order:
        closed = loads + places.sizes[unit] > places.capacities
        if places.apart is not None:
            closed[batch[(places.apart == places.apart[unit]) & (batch >= 0)]] = True
        if closed.all():
            return np.empty((0, units), np.int64)
        # The emptier one among equals.
        cost = (2 * sums @ own[unit] + own[unit] @ own[unit]) / places.shares + 1e-9 * loads / places.shares
        chosen = int(np.argmin(np.where(closed, np.inf, cost)))
        batch[unit] = chosen
        sums[chosen] += own[unit]
        loads[chosen] += places.sizes[unit]
    return batch[None]
