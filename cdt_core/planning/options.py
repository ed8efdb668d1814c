"""The options of one variable: what was tried on its sampled blocks, and the plan that each would be."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import evolve, field, frozen

from cdt_core.errors import PlanError
from cdt_core.model import Bound, VariablePlan
from cdt_core.model.grid import ChunkGrid
from cdt_core.planning.basis import Basis
from cdt_core.planning.chunks import chunk_shape_of, chunk_unit_of, is_text
from cdt_core.planning.grids import LEAST_BYTES, bytes_of, other_grids, shrunk_chunk, window_of
from cdt_core.planning.metrics import lost_metrics
from cdt_core.planning.objective import Rated, Tiers, ratings
from cdt_core.planning.promise import applied_as, codec_bound
from cdt_core.planning.settings import Scope, Trial, trials_of
from cdt_core.planning.text import TEXT_CODEC, text_plan
from cdt_core.planning.trial import (
    Form,
    Samples,
    forms_of,
    sample,
    shared,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["TEXT_CODEC", "VariableOptions", "options_of"]

#: Part of the default grid's bytes that another grid may take at most to be an option.
_GRID_GAIN = 0.97
#: Values on which grids are compared at most: less says little of whole chunks. Fewer for codecs that are not for every day.
_WINDOW, _WINDOW_OF_SLOW = 1 << 20, 1 << 16


@frozen(eq=False)
class VariableOptions:
    """Every option of a variable, in the order in which they were tried; ``tiers`` of those that may be chosen; and the
    seconds that decoding took by setting.
    """

    base: VariablePlan
    forms: tuple[Form, ...]
    rated: tuple[Rated, ...]
    tiers: tuple[Tiers | None, ...]
    applied: tuple[Bound, ...] = ()
    timed: Mapping[Hashable, float] = field(factory=dict)

    @property
    def grids(self) -> set[tuple[int, ...]]:
        """Other grids that make the variable smaller."""
        return {rated.candidate.chunk_shape for rated in self.rated} - {self.base.chunk_shape}

    @property
    def usable(self) -> list[int]:
        """Positions of the options that may be chosen; one, of the base itself, for text."""
        return [position for position, tiers in enumerate(self.tiers) if tiers is not None] or [0]

    def costs(self) -> list[Tiers]:
        """What each usable option lacks."""
        return [tiers for tiers in self.tiers if tiers is not None] or [(0, 0, 0)]

    def bytes(self) -> list[int]:
        """Predicted bytes of each usable option."""
        return [self.rated[at].predicted_bytes for at in self.usable] if self.rated else [self.base.predicted_bytes]

    def seconds(self) -> list[float]:
        """Predicted seconds of each usable option."""
        if not self.rated:
            return [self.base.predicted_seconds or 0.0]
        return [self.rated[at].candidate.seconds or 0.0 for at in self.usable]

    def plan(self, choice: int) -> VariablePlan:
        """The variable's plan with one of the usable options."""
        if not self.rated:
            return self.base
        best = self.usable[choice]
        rated, form = self.rated[best], self.forms[best]
        candidate = rated.candidate
        listed = [other.candidate for other in self.rated]
        listed[best] = evolve(candidate, chosen=True)
        return evolve(
            self.base,
            dtype=form.dtype,
            chunk_shape=candidate.chunk_shape,
            codec=candidate.codec,
            parameters=candidate.parameters,
            applied=self.applied[best],
            codec_bound=candidate.codec_bound,
            form=form.name,
            error_share=candidate.error_share,
            predicted_bytes=rated.predicted_bytes,
            predicted_seconds=candidate.seconds,
            candidates=tuple(listed),
            note="; ".join(
                filter(None, (self._note(best), _OTHER_GRID * (candidate.chunk_shape != self.base.chunk_shape)))
            ),
        )

    def _note(self, best: int) -> str:
        """Why less error is made than was allowed; empty where all of it is."""
        rated, candidate = self.rated[best], self.rated[best].candidate
        losing = [other.candidate for other in self.rated if other.candidate.lost]
        lost = ", ".join(sorted({check for other in losing for check in other.lost}))
        if candidate.codec_bound.is_lossless and not self.base.bound.is_lossless:
            if all(candidate.sample_bytes <= other.candidate.sample_bytes for other in self.rated):
                return "lossless is at least as small as any lossy choice on the sampled blocks"
            if losing and all(tiers is None for _, tiers in self._lossy()):
                return f"lossless, since on the sampled blocks no lossy choice kept {lost}"
            return _WITHIN
        if candidate.error_share < 1:
            near = rated.position != best and rated.predicted_bytes <= 1.02 * rated.whole_bytes
            whole = (candidate.codec, candidate.parameters, candidate.form, 1.0)
            if any((o.codec, o.parameters, o.form, o.error_share) == whole for o in losing):
                why = f"since more loses {lost} on the sampled blocks"
            else:
                why = _LITTLE if near else _WITHIN
            return f"keeps to {candidate.error_share:g} of the allowed error, {why}"
        return ""

    def _lossy(self) -> list[tuple[Rated, Tiers | None]]:
        pairs = zip(self.rated, self.tiers, strict=True)
        return [(rated, tiers) for rated, tiers in pairs if not rated.candidate.codec_bound.is_lossless]


_OTHER_GRID = "chunks are of another shape than usual, which takes less space"
_WITHIN = "since the limits allow it"
_LITTLE = "which takes hardly more space"


def options_of(basis: Basis, name: str, objectives: Sequence[str] = ()) -> VariableOptions:
    """Try every form, codec, setting and share of the error on sampled blocks of one variable.

    Codecs list settings by objective: those of the request's own are tried first, then those of ``objectives``.

    Raises
    ------
    PlanError
        No codec holds the variable's type, or none could be tried.
    """
    spec, request = basis.dataset.specs[name], basis.request
    if is_text(spec):
        shape = chunk_shape_of(basis.dataset, spec, request.chunk_bytes)
        return VariableOptions(text_plan(basis.sampled, spec, shape), (), (), ())
    base = basis.bases[name]
    samples = sample(basis.sampled, name, ChunkGrid(spec.shape, base.chunk_shape), basis.most_values[0])
    if name in basis.known:
        samples = evolve(samples, known=basis.known[name].timed)
    tried = _Tried(basis, base, samples)
    tried.run(("balanced" if request.objective == "fidelity" else request.objective, *objectives))
    return tried.options()


@frozen
class _Cut:
    """A chunk grid of so many chunks, and its bytes as a part of the default one's."""

    chunk_shape: tuple[int, ...]
    chunks: int
    ratio: float = 1.0


class _Tried:
    """The options of one variable as they are tried, and what they are measured by."""

    def __init__(self, basis: Basis, base: VariablePlan, samples: Samples) -> None:
        self.basis = basis
        self.spec, self.profile = basis.dataset.specs[base.name], basis.profile[base.name]
        self.request, self.base, self.samples = basis.request, base, samples
        sampled = max(1, sum(block.size for block in samples.stored))
        self.growth = self.spec.size / sampled
        self.raw_bytes = self.spec.size * np.dtype(self.spec.dtype).itemsize
        self.is_extra = False
        self.forms: list[Form] = []
        self.trials: list[Trial] = []
        self.cuts: list[_Cut] = []
        self.rated: list[Rated] = []
        self.paces = basis.paces.get(base.name)
        self.default = self._cut(base.chunk_shape, 1.0)

    def _cut(self, chunk_shape: tuple[int, ...], ratio: float) -> _Cut:
        return _Cut(chunk_shape, len(ChunkGrid(self.base.shape, chunk_shape)), ratio)

    def run(self, objectives: Sequence[str]) -> None:
        """Try all settings of the codecs that these objectives list, and smaller shares of the error."""
        forms = forms_of(self.spec, self.profile, self.base.bound, bool(self.base.processors))
        for objective in objectives:
            self.is_extra = objective != objectives[0]
            for form in forms:
                known = [option.candidate for option in self.rated]
                apart = self.request.metrics is not None or self.request.objective == "fidelity"
                scope = Scope(self.samples, objective, known, self.basis.most_values[1], apart)
                for trial in trials_of(self.request.codecs, self.spec, self.profile, form, scope):
                    self._add(form, trial)
        if not self.rated:
            raise PlanError(
                f"variable {self.spec.name!r}: no codec holds dtype {self.spec.dtype}; install a plugin that offers one"
            )
        self.is_extra = False
        self._add_keeping()
        self._add_grids()
        self._add_shares()

    def _add(self, form: Form, trial: Trial, like: Rated | None = None, cut: _Cut | None = None) -> None:
        """One more option: a ``trial`` on the default grid, as on the grid of ``cut``. With the position of the
        option that it is ``like``, and with its bytes as the whole ones, where that is no other grid or lost.
        """
        (tried, samples), cut, seconds = trial, cut or self.default, None
        if tried.seconds is not None and self.paces is not None:
            seconds = (tried.seconds + self._beside(tried.codec_bound, cut)) / self.request.workers
        size = round(cut.ratio * tried.sample_bytes * self.growth)
        position = len(self.rated) if like is None else like.position
        is_own = like is None or like.candidate.lost or like.candidate.chunk_shape != cut.chunk_shape
        whole_bytes = size if is_own or like is None else like.whole_bytes
        applied = applied_as(self.spec, self.profile, self.base.bound, tried.codec_bound)
        candidate = evolve(
            tried,
            seconds=seconds,
            lost=lost_metrics(self.request, self.base, form, (tried, applied), samples),
            chunk_shape=cut.chunk_shape,
            sample_bytes=round(cut.ratio * tried.sample_bytes),
            ratio=tried.ratio / cut.ratio,
        )
        self.forms.append(form)
        self.trials.append(trial)
        self.cuts.append(cut)
        self.rated.append(Rated(candidate, size, position, whole_bytes, self.is_extra))

    def _beside(self, bound: Bound, cut: _Cut) -> float:
        """Seconds that the variable takes beside encoding and decoding."""
        return 0.0 if self.paces is None else self.paces.of(bound).seconds(cut.chunks, self.spec.size)

    def _add_shares(self) -> None:
        """Less error: for ``balanced`` of the best option where that is almost free, for ``fidelity`` of every option."""
        objective = self.request.objective
        whole = list(enumerate(self.rated))
        if objective == "balanced":
            order = self._tiers()
            whole = [min(whole, key=lambda item: order[item[0]] or (1 << 62, 0, 0))]
        elif objective != "fidelity":
            return
        for at, option in whole:
            for tighter in self._shares(at, only_free=objective == "balanced"):
                self._add(self.forms[at], tighter, option if objective == "balanced" else None, self.cuts[at])

    def _add_keeping(self) -> None:
        """Of every option that loses a metric, the largest smaller share of the error that keeps all of them."""
        if self.request.objective == "fidelity":
            return  # tries all shares of all options
        for at, option in enumerate(tuple(self.rated)):
            for tighter in self._shares(at) if option.candidate.lost else ():
                self._add(self.forms[at], tighter, option)
                if not self.rated[-1].candidate.lost:
                    break

    def _add_grids(self) -> None:
        """Other chunk grids for the best option and for the smallest, where they make it smaller."""
        request, itemsize = self.request, self.raw_bytes // max(1, self.spec.size)
        limited = request.max_size is not None or request.max_seconds is not None
        is_small = self.raw_bytes < LEAST_BYTES
        if self.spec.role != "data" or is_small or (request.objective == "speed" and not limited):
            return
        unit = chunk_unit_of(self.basis.dataset, self.spec, self.base.chunk_shape)
        grids = other_grids(self.base.shape, self.base.chunk_shape, unit, itemsize) if unit else []
        if self.base.name in self.basis.known:
            grids = [grid for grid in grids if grid in self.basis.known[self.base.name].grids]
        usable = [at for at in range(len(self.rated)) if not self.rated[at].candidate.lost]
        if not grids or not usable:
            return
        order = self._tiers()
        best = min(usable, key=lambda at: order[at] or (1 << 62, 0, 0))
        smallest = min(usable, key=lambda at: self.rated[at].predicted_bytes) if limited else best
        for at in dict.fromkeys((best, smallest)):
            for grid, ratio in self._ratios(at, grids):
                if ratio <= _GRID_GAIN:
                    self._add(self.forms[at], self.trials[at], self.rated[at], self._cut(grid, ratio))

    def _ratios(self, at: int, grids: Sequence[tuple[int, ...]]) -> Iterator[tuple[tuple[int, ...], float]]:
        """Other grids, and an option's bytes by each on a region as a part of those by the default grid.

        Codecs that are not for every day are slow; they find more alike in what is long alone.
        """
        (tried, _), form, default = self.trials[at], self.forms[at], self.base.chunk_shape
        offer = next(offer for offer in self.request.codecs if offer.name == tried.codec)
        described = evolve(self.spec, dtype=form.dtype)
        is_slow = not offer.load().candidates(described, self.profile, tried.codec_bound, "balanced")
        codec = offer.load()(tried.parameters, tried.codec_bound, form.missing)
        usual: dict[str, int] = {}
        for grid in grids:
            if is_slow and all(length <= own for length, own in zip(grid, default, strict=True)):
                continue
            region, shrunk = window_of(self.base.shape, default, grid, _WINDOW_OF_SLOW if is_slow else _WINDOW)
            block = self._block(region, form)
            if str(region) not in usual:
                usual[str(region)] = bytes_of(codec, block, shrunk_chunk(default, shrunk))
            yield grid, bytes_of(codec, block, shrunk_chunk(grid, shrunk)) / max(1, usual[str(region)])

    def _block(self, region: tuple[slice, ...], form: Form) -> NDArray[Any]:
        """Values of a region in that form."""
        block = self.basis.sampled.read(self.base.name, region)
        block = block.astype(block.dtype.newbyteorder("="), copy=False)
        return self.basis.sampled.decoded(self.base.name, block) if form.name == "decoded" else block

    def _shares(self, at: int, only_free: bool = False) -> list[Trial]:
        """One option with smaller shares of the error, those that cost next to nothing or all; none of one without loss."""
        (tried, samples), form = self.trials[at], self.forms[at]
        if tried.codec_bound.is_lossless or tried.error_share < 1:
            return []
        bound_for = partial(codec_bound, self.spec, self.profile, self._applied(self.rated[at]), form.name)
        tighter = shared(self.request.codecs, self.spec, tried, form, (samples, bound_for), only_free)
        return [(candidate, samples) for candidate in tighter]

    def _applied(self, option: Rated) -> Bound:
        """The promise on physical values where that option is taken: of each value, or of all together."""
        return applied_as(self.spec, self.profile, self.base.bound, option.candidate.codec_bound)

    def _with_retry(self, option: Rated, raw: int) -> Rated:
        """With the time of the second encoding, lossless, that chunks get which a bound makes little smaller."""
        lossy, rest = option.candidate, self._beside(Bound("lossless"), self.default) / self.request.workers
        if lossy.seconds is None or lossy.codec_bound.is_lossless or 2 * option.predicted_bytes <= raw:
            return option
        settings = (lossy.codec, lossy.parameters, lossy.form)
        for other in (rated.candidate for rated in self.rated):
            if (
                other.codec_bound.is_lossless
                and (other.codec, other.parameters, other.form) == settings
                and other.chunk_shape == self.base.chunk_shape
                and other.seconds
            ):
                return evolve(option, candidate=evolve(lossy, seconds=lossy.seconds + other.seconds - rest))
        return option

    def _tiers(self) -> list[Tiers | None]:
        """What each option lacks now."""
        return ratings(self.spec, self.raw_bytes, self.rated, self.request.objective)

    def options(self) -> VariableOptions:
        """All that was tried."""
        self.rated = [self._with_retry(option, self.raw_bytes) for option in self.rated]
        tiers = self._tiers()
        if all(tier is None for tier in tiers):
            raise PlanError(
                f"variable {self.spec.name!r}: its metrics are to be kept, but no lossy option keeps them, and no codec "
                f"holds dtype {self.spec.dtype} lossless; install a plugin that offers one"
            )
        applied = tuple(map(self._applied, self.rated))
        return VariableOptions(
            self.base, tuple(self.forms), tuple(self.rated), tuple(tiers), applied, self.samples.timed
        )
