"""How long calls for dense problems are cut: into pieces of so little work that who wants to stop is heard soon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from cdt_core.kernels._anneal import DENSE_BLOCK, DENSE_EPOCH, DENSE_TEAM

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MOST_WORK", "Descent", "Piece", "Range", "descent", "pieces", "steps_at_once"]

#: First, and before which one to stop.
Range = tuple[int, int]

#: Couplings that one call adds to fields at most, were all its moves made by reads that share them: some 15 ms on one core.
MOST_WORK = 1 << 28
#: In additions of a shared row of couplings: what an exchange of two spins takes, for which no other read waits; a step of tabu
#: search; and, in a group, a look for the best partner of a spin among all others.
_EXCHANGE, _STEP, _PARTNER = 8, 8, 32
#: Sweeps of a descent in one call.
_DESCENT = 16


@attrs.frozen
class Piece:
    """The part of some sweeps that one call makes: some of the reads, of the sweeps and of the spins."""

    reads: slice
    sweeps: slice
    spins: Range


def _stride(spins: int) -> int:
    """Additions of a row."""
    return -(-spins // DENSE_BLOCK) * DENSE_BLOCK


def pieces(reads: int, sweeps: int, spins: int, *, swaps: bool = False) -> Iterator[Piece]:
    """So many sweeps of all reads, in order, each piece of MOST_WORK at most.

    Of sweeps that are cut within, a piece has as many reads as kernels take at once: one where spins are swapped.
    """
    team, visit = (1, _EXCHANGE * _stride(spins)) if swaps else (DENSE_TEAM, _stride(spins))
    sweep = spins * visit
    at_once = min(reads, max(team, MOST_WORK // sweep // team * team))
    count = max(1, MOST_WORK // (at_once * sweep))
    blocks = max(1, MOST_WORK // (at_once * visit * DENSE_BLOCK))
    visits = spins if at_once * sweep <= MOST_WORK else blocks * DENSE_BLOCK
    for read in range(0, reads, at_once):
        for first in range(0, sweeps, count):
            for spin in range(0, spins, visits):
                yield Piece(
                    slice(read, min(read + at_once, reads)),
                    slice(first, min(first + count, sweeps)),
                    (spin, min(spin + visits, spins)),
                )


@attrs.frozen
class Descent:
    """How a descent is cut."""

    reads: int  #: of a call
    most: int  #: sweeps of a call
    parts: list[tuple[Range, Range]]  #: spins, and places of the members of groups; together one sweep


def descent(reads: int, spins: int, members: int) -> Descent:
    """Calls of MOST_WORK at most: many sweeps of many reads, or a part of one."""
    stride = _stride(spins)
    sweep = (spins + _PARTNER * members) * stride
    if sweep <= MOST_WORK:
        most = min(_DESCENT, MOST_WORK // sweep)
        return Descent(min(reads, MOST_WORK // (sweep * most)), most, [((0, spins), (0, members))])
    places = max(1, MOST_WORK // (_PARTNER * stride))
    loose = [(piece.spins, (0, 0)) for piece in pieces(1, 1, spins)]
    return Descent(1, 1, loose + [((0, 0), (k, min(k + places, members))) for k in range(0, members, places)])


def steps_at_once(reads: int, spins: int) -> int:
    """Steps of tabu search of a call: a multiple of those that have one tenure."""
    return max(1, MOST_WORK // (_STEP * reads * _stride(spins) * DENSE_EPOCH)) * DENSE_EPOCH
