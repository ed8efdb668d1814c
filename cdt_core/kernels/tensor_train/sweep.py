"""A dense tensor taken apart from both ends.

The axes at one end are the short side of a tall matrix; a basis of its leading directions becomes cores, and the tensor is
projected on it. What all projections leave out adds up exactly, because each is orthogonal: ``||x||^2 - ||projected||^2``,
summed while projecting, is the certificate.

Bases come from a sample of the tensor where it is large: directions that matter are in every part of it, and where the
certificate says that the sample missed some, the basis is made of everything. A sample serves several axes in one projection,
so that a large tensor is read once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import define, field

from cdt_core.errors import TensorError
from cdt_core.kernels import tall
from cdt_core.kernels.tensor_train.bases import Chain, Limits, chain, check_finite, of_gram, root_of_gram, single
from cdt_core.kernels.tensor_train.comparing import relative_error
from cdt_core.kernels.tensor_train.sources import Tensor
from cdt_core.kernels.tensor_train.train import TensorTrain
from cdt_core.kernels.tensor_train.trimming import moved, trimmed

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["Sweep"]

#: Tensors of fewer numbers are looked at as a whole.
_LARGE = 1 << 20
#: A sample has so many times more rows than columns, and at most this share of all rows.
_SAMPLE_ROWS, _SAMPLE_SHARE = 16, 1 / 4
#: Axes that are projected together from a sample, or as a whole, have so many places at most.
_SAMPLED_COLUMNS, _GRAM_COLUMNS = 1024, 64
#: The share of its budget that a basis from a sample may use, as the sample sees it.
_SAMPLE_SHARE_OF_BUDGET = 0.5
#: Directions from a sample beyond a fixed rank: the best ones of these are chosen at the end.
_SPARE = 8
#: Gram matrices resolve tolerances above this, the energy identity those above the next.
_GRAM_RTOL, _IDENTITY_RTOL = 1e-7, 1e-6
#: Energies below this may have lost squares that matter.
_LEAST_ENERGY = 1e-270
#: The least step of single precision, and a norm up to which it holds all projections.
_SINGLE_STEP, _SINGLE_NORM = 2.0**-149, 2.0**127
#: What sums of squares are certain to, as a share of the whole.
_ENERGY_EPSILON = 2.0**-44
#: An error that energies bound within this factor is not measured.
_TIGHT = 1.1


@define(eq=False)
class Sweep:
    """A tensor (edge, *lengths, edge) that is still to be taken apart, and the cores of both ends."""

    tensor: Tensor
    rtol: float | None
    max_rank: int | None
    exact: bool
    workers: int
    progress: Callable[[float], None]
    whole: Tensor = field(init=False)
    lengths: list[int] = field(init=False)
    edges: list[int] = field(factory=lambda: [1, 1])
    left: list[NDArray[Any]] = field(factory=list)
    right: list[NDArray[Any]] = field(factory=list)
    energy: float = field(default=math.nan)
    lost: list[float] = field(init=False)
    sampled: bool = field(default=False)
    moved: tuple[float, float] | None = field(default=None)

    def __attrs_post_init__(self) -> None:
        self.whole = self.tensor
        self.lengths = list(self.tensor.shape)
        self.lost = [0.0] * (len(self.lengths) - 1)

    @property
    def share(self) -> float:
        """Of the energy, what each bond may leave out."""
        return 0.0 if self.rtol is None else self.rtol**2 / max(1, len(self.whole.shape) - 1)

    @property
    def precise(self) -> bool:
        """True when Gram matrices do not resolve the tolerance."""
        return self.rtol is not None and self.rtol < _GRAM_RTOL

    def train(self) -> TensorTrain:
        """All of it."""
        total = max(1, len(self.lengths) - 1)
        while len(self.lengths) > 1:
            if not (self._sample_right() or self._both_ends()):
                self._one_end()
            self.progress(0.9 * (1 - (len(self.lengths) - 1) / total))
        cores, dtype = self._cores(), self.whole.dtype
        stored = tuple(np.ascontiguousarray(core, dtype=dtype) for core in cores)
        self._check_held(*stored)
        train = TensorTrain(stored, self._certified(stored))
        self.progress(1.0)
        return train

    def _cores(self) -> list[NDArray[Any]]:
        center = self._values().reshape(self.edges[0], self.lengths[0], self.edges[1])
        if math.isnan(self.energy):
            wide = center.astype(np.result_type(center.dtype, np.float64))
            self._whole_energy(float(np.vdot(wide, wide).real))
        wide = center.astype(np.result_type(center.dtype, np.float64))
        cores, middle = [*self.left, wide, *self.right], len(self.left)
        if not self.sampled:
            return cores
        budgets = [self.share * self.energy - lost for lost in self.lost]
        made = trimmed(cores, middle, budgets, self.max_rank)
        if any(a.shape != b.shape for a, b in zip(cores, made, strict=True)):
            self.moved = moved(cores, middle, made)
        return made

    def _certified(self, cores: tuple[NDArray[Any], ...]) -> float:
        if self.energy < _LEAST_ENERGY:
            self._check_zero()
            return 0.0
        single = cores[0].dtype in (np.float32, np.complex64)
        rounding = 2.0**-24 * sum(math.sqrt(core.shape[2]) for core in cores) if single else 0.0
        if single:  # steps between the smallest numbers do not shrink with them
            rounding += _SINGLE_STEP * math.sqrt(math.prod(self.whole.shape)) * len(cores) / math.sqrt(self.energy)
        least, most = self._errors()
        found, resolved = most + rounding, (20 if single else 1) * _IDENTITY_RTOL
        if self.rtol is None:
            certain = found >= resolved and most <= _TIGHT * least
        else:
            certain = self.rtol >= resolved and (found <= self.rtol or self.moved is None)
        return found if certain else relative_error(self.whole, cores, math.sqrt(self.energy), self.workers)

    def _errors(self) -> tuple[float, float]:
        """The least and the largest relative error that the energies allow."""
        left_out = math.sqrt(sum(self.lost) / self.energy + _ENERGY_EPSILON)
        if self.moved is None:
            return left_out, left_out
        # Cuts of inner bonds leave the spaces of the projections: that part may add to what those left out, or take from it.
        within, beyond = (distance / math.sqrt(self.energy) for distance in self.moved)
        beyond = math.hypot(beyond, math.sqrt(_ENERGY_EPSILON))
        return math.hypot(within, max(0.0, left_out - beyond)), math.hypot(within, left_out + beyond)

    def _check_zero(self) -> None:
        """Raise :class:`TensorError` unless the tensor is zero: its squares may have vanished."""
        for _, piece in self.whole.pieces(self.whole.shape[-1]):
            if piece.any():
                raise TensorError(
                    "the squares of numbers as small as these underflow: scale the array, by 2**500 for instance"
                )

    def _check_held(self, *arrays: NDArray[Any]) -> None:
        """Raise :class:`TensorError` where single precision did not hold the entries of a projection."""
        if self.whole.dtype in (np.float32, np.complex64) and self.energy > _SINGLE_NORM**2:
            for array in arrays:
                check_finite(array)

    def _values(self) -> NDArray[Any]:
        """What is left, in memory."""
        if self.tensor.values is None:
            values = self.tensor.read((slice(None),) * len(self.tensor.shape))
            self.tensor = Tensor(values, values.shape, values.dtype)
        assert self.tensor.values is not None
        return self.tensor.values

    def _group(self, most: int, *, left: bool, keep: int = 1) -> int:
        """How many axes at one end have at most ``most`` places together with the edge; ``keep`` axes are left at least."""
        n, count = self.edges[0 if left else 1], 0
        for length in self.lengths if left else self.lengths[::-1]:
            n *= length
            if n > most or count + keep >= len(self.lengths):
                break
            count += 1
        return count

    def _places(self, count: int, *, left: bool) -> int:
        lengths = self.lengths[:count] if left else self.lengths[len(self.lengths) - count :]
        return self.edges[0 if left else 1] * math.prod(lengths)

    def _sample_right(self) -> bool:
        """Project the last axes on a basis from a sample of rows; False where that does not pay, or missed too much."""
        size = math.prod(self.lengths) * self.edges[0] * self.edges[1]
        if self.exact or self.precise or self.tensor.values is None or size < _LARGE:
            return False
        count = self._group(_SAMPLED_COLUMNS, left=False)
        while count and _SAMPLE_ROWS * self._places(count, left=False) ** 2 > _SAMPLE_SHARE * size:
            count -= 1
        if not count:
            return False
        columns = self._places(count, left=False)
        rows = self.tensor.sample(columns, _SAMPLE_ROWS * columns, max(1, 4096 // columns))
        energy = tall.energy(rows)
        check_finite(energy)
        rank = None if self.max_rank is None else self.max_rank + _SPARE
        limits = Limits(_SAMPLE_SHARE_OF_BUDGET * self.share * energy, rank)
        lengths = self.lengths[len(self.lengths) - count :]
        found = chain(rows, lengths, self.edges[1], limits, left=False)
        if 2 * found.basis.shape[1] > columns:
            return False
        made, before, after = self._project_right(found)
        lost = max(0.0, before - after)
        capped = rank is not None and max(core.shape[0] for core in found.cores) >= rank
        if lost > self.share * count * self._whole_energy(before) and not capped:
            return False
        self.sampled = True
        self._take(None, found, made, lost)
        return True

    def _whole_energy(self, here: float) -> float:
        """The energy of the whole tensor, first known when all of it has been read."""
        if math.isnan(self.energy):
            check_finite(here)
            self.energy = here
        return self.energy

    def _both_ends(self) -> bool:
        """Project on exact bases of both ends in one pass; False where an end is long, or the tensor is not in memory."""
        if self.tensor.values is None or self.precise or len(self.lengths) < 3:
            return False
        counts = [self._group(_GRAM_COLUMNS, left=left, keep=2) or 1 for left in (True, False)]
        if sum(counts) >= len(self.lengths):
            counts = [1, 1]
        sides = [self._places(count, left=left) for count, left in zip(counts, (True, False), strict=True)]
        if max(sides) > 2 * _GRAM_COLUMNS:
            return False
        values = self.tensor.values
        grams = [
            tall.left_gram(values.reshape(sides[0], -1), workers=self.workers),
            tall.right_gram(values.reshape(-1, sides[1]), workers=self.workers),
        ]
        check_finite(grams[0])
        limits = Limits(self.share * self._whole_energy(float(np.trace(grams[0]).real)), self.max_rank)
        ends = [
            self._chain_of(grams[0], self.lengths[: counts[0]], self.edges[0], limits, left=True),
            self._chain_of(grams[1], self.lengths[len(self.lengths) - counts[1] :], self.edges[1], limits, left=False),
        ]
        bases = [None if _is_whole(end) else end.basis for end in ends]
        made, lost = None, 0.0
        if bases[0] is not None or bases[1] is not None:
            cube = values.reshape(sides[0], -1, sides[1])
            made, (before, after) = tall.project(cube, bases[0], bases[1], workers=self.workers)
            lost = min(max(0.0, before - after), sum(end.left_out for end in ends))
        self._take(ends[0], ends[1], made, lost)
        return True

    def _one_end(self) -> None:
        """Project one end, the shorter one, on an exact basis."""
        lazy = self.tensor.values is None and self._places(1, left=False) ** 2 <= math.prod(self.tensor.shape)
        left = not lazy and self._places(1, left=True) <= self._places(1, left=False)
        count = max(1, self._group(_GRAM_COLUMNS, left=left))
        n = self._places(count, left=left)
        lengths = self.lengths[:count] if left else self.lengths[len(self.lengths) - count :]
        edge = self.edges[0 if left else 1]
        if self.precise:
            end = self._precise_chain(lengths, edge, n, left=left)
        else:
            gram = self._gram(n, left=left)
            check_finite(gram)
            limits = Limits(self.share * self._whole_energy(float(np.trace(gram).real)), self.max_rank)
            end = self._chain_of(gram, lengths, edge, limits, left=left)
        made = None
        if left and not _is_whole(end):
            cube = self._values().reshape(n, -1, 1)
            made = tall.project(cube, end.basis, None, workers=self.workers, measure=False)[0]
        elif not left and not _is_whole(end):
            made = self._project_right(end, measure=False)[0]
        self._take(end if left else None, None if left else end, made, end.left_out)

    def _gram(self, n: int, *, left: bool) -> NDArray[Any]:
        if left:
            return tall.left_gram(self._values().reshape(n, -1), workers=self.workers)
        sums = np.zeros((n, n), np.result_type(self.tensor.dtype, np.float64))
        for _, piece in self.tensor.pieces(n):
            sums += tall.right_gram(piece, workers=self.workers)
        return sums

    def _chain_of(self, gram: NDArray[Any], lengths: list[int], edge: int, limits: Limits, *, left: bool) -> Chain:
        """Cores of one end from the Gram matrix of all its axes together."""
        if len(lengths) > 1:
            root = root_of_gram(gram)
            return chain(root if left else np.ascontiguousarray(root.conj().T), lengths, edge, limits, left=left)
        vectors, left_out = of_gram(gram, limits, exact=self.exact)
        return single(vectors, lengths[0], edge, left_out, left=left)

    def _precise_chain(self, lengths: list[int], edge: int, n: int, *, left: bool) -> Chain:
        """Cores of one end from the triangle of all its axes together."""
        if left:
            triangle = tall.r_factor(self._values().reshape(n, -1).T).conj()
        else:
            triangle = np.zeros((0, n), np.result_type(self.tensor.dtype, np.float64))
            for _, piece in self.tensor.pieces(n):
                rows = tall.r_factor(piece)
                triangle = tall.r_factor(np.vstack([triangle, rows])) if len(triangle) else rows
        check_finite(triangle)
        limits = Limits(self.share * self._whole_energy(float(np.vdot(triangle, triangle).real)), self.max_rank)
        values = np.ascontiguousarray(triangle.conj().T) if left else np.ascontiguousarray(triangle)
        return chain(values, lengths, edge, limits, left=left, precise=True)

    def _project_right(self, end: Chain, *, measure: bool = True) -> tuple[NDArray[Any], float, float]:
        """The rows of the tensor times a basis, and the energies before and after."""
        columns, rank = end.basis.shape
        made = np.empty((self.tensor.rows(columns), rank), self.tensor.dtype)
        before = after = 0.0
        for start, piece in self.tensor.pieces(columns):
            out = made[start : start + len(piece)][None]
            _, energies = tall.project(piece[None], None, end.basis, out=out, workers=self.workers, measure=measure)
            before, after = before + energies[0], after + energies[1]
        return made, before, after

    def _take(self, left: Chain | None, right: Chain | None, made: NDArray[Any] | None, lost: float) -> None:
        """Cores of the ends are ready; what is left of the tensor is ``made``, or all of it (None)."""
        counts = [0 if end is None else len(end.cores) for end in (left, right)]
        first = len(self.left)
        last = len(self.whole.shape) - 1 - len(self.right)
        bonds = [first + i for i in range(counts[0])] + [last - 1 - i for i in range(counts[1])]
        for bond in bonds:
            self.lost[bond] += lost / len(bonds)
        if left is not None:
            self.left += left.cores
            self.edges[0] = left.basis.shape[1]
        if right is not None:
            self.right = right.cores + self.right
            self.edges[1] = right.basis.shape[1]
        self.lengths = self.lengths[counts[0] : len(self.lengths) - counts[1]]
        if made is not None:
            self._check_held(made)
            values = made.reshape(self.edges[0], *self.lengths, self.edges[1])
            self.tensor = Tensor(values, values.shape, values.dtype)


def _is_whole(end: Chain) -> bool:
    """True when a basis keeps every direction: the tensor stays as it is then."""
    return bool(end.basis.shape[0] == end.basis.shape[1])
