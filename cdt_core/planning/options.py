"""The options of one variable: what was tried on its sampled blocks, and the plan that each would be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial

import numpy as np
from attrs import evolve, field, frozen

from cdt_core.errors import PlanError
from cdt_core.model import Bound, Candidate, Profile, VariablePlan, VariableSpec
from cdt_core.model.grid import ChunkGrid
from cdt_core.planning.chunks import chunk_shape_of, is_text
from cdt_core.planning.objective import Rated, Tiers, ratings
from cdt_core.planning.pace import Paces
from cdt_core.planning.promise import applied_as, applied_bound, codec_bound
from cdt_core.planning.request import PlanRequest
from cdt_core.planning.text import TEXT_CODEC, text_plan
from cdt_core.planning.trial import (
    Form,
    SampledValues,
    Samples,
    forms_of,
    sample,
    sampled_values,
    shared,
    trials_of,
)
from cdt_core.readers.stored import StoredDataset

__all__ = ["TEXT_CODEC", "Basis", "VariableOptions", "base_plan", "options_of"]


@frozen(eq=False)
class VariableOptions:
    """Every option of a variable, in the order in which they were tried; ``tiers`` of those that may be chosen."""

    base: VariablePlan
    forms: tuple[Form, ...]
    rated: tuple[Rated, ...]
    tiers: tuple[Tiers | None, ...]
    applied: tuple[Bound, ...] = ()

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
        listed = tuple(evolve(other.candidate, chosen=at == best) for at, other in enumerate(self.rated))
        note = ""
        if candidate.codec_bound.is_lossless and not self.base.bound.is_lossless:
            smallest = all(candidate.sample_bytes <= other.sample_bytes for other in listed)
            note = "lossless is at least as small as any lossy choice on the sampled blocks" if smallest else _WITHIN
        elif candidate.error_share < 1:
            near = rated.predicted_bytes <= 1.02 * rated.whole_bytes
            note = f"keeps to {candidate.error_share:g} of the allowed error, {_LITTLE if near else _WITHIN}"
        return evolve(
            self.base,
            dtype=form.dtype,
            codec=candidate.codec,
            parameters=candidate.parameters,
            applied=self.applied[best],
            codec_bound=candidate.codec_bound,
            form=form.name,
            error_share=candidate.error_share,
            predicted_bytes=rated.predicted_bytes,
            predicted_seconds=candidate.seconds,
            candidates=listed,
            note=note,
        )


_WITHIN = "since the limits allow it"
_LITTLE = "which takes hardly more space"


@frozen(eq=False)
class Basis:
    """What the options of all variables come from; samples are of ``sampled``, and ``paces`` say what goes beside the
    codecs.
    """

    dataset: StoredDataset
    sampled: SampledValues
    profile: Profile
    request: PlanRequest
    paces: Mapping[str, Paces] = field(factory=dict)

    @cached_property
    def sampled_values(self) -> int:
        """How many values of a variable are sampled at most."""
        return sampled_values([spec.size for spec in self.dataset.specs.values() if not is_text(spec)])


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
    base = base_plan(basis, spec)
    samples = sample(basis.sampled, name, ChunkGrid(spec.shape, base.chunk_shape), basis.sampled_values)
    tried = _Tried(basis, base, samples)
    tried.run(("balanced" if request.objective == "fidelity" else request.objective, *objectives))
    return tried.options()


def base_plan(basis: Basis, spec: VariableSpec) -> VariablePlan:
    """What is known of a variable's plan before its codec is."""
    dataset, profile, request = basis.dataset, basis.profile, basis.request
    asked = request.bounds.bound_for(spec.name) if spec.role == "data" else Bound("lossless")
    applied = applied_bound(spec, profile[spec.name], asked)
    return VariablePlan(
        name=spec.name,
        dtype=spec.dtype,
        shape=spec.shape,
        chunk_shape=chunk_shape_of(dataset, spec, request.chunk_bytes),
        codec="",
        parameters={},
        bound=asked,
        applied=applied,
        codec_bound=applied,
        processors=request.processors_for(spec),
    )


class _Tried:
    """The options of one variable as they are tried, and what they are measured by."""

    def __init__(self, basis: Basis, base: VariablePlan, samples: Samples) -> None:
        self.spec, self.profile = basis.dataset.specs[base.name], basis.profile[base.name]
        self.request, self.base, self.samples = basis.request, base, samples
        sampled = max(1, sum(block.size for block in samples.stored))
        self.growth = self.spec.size / sampled
        self.is_extra = False
        self.forms: list[Form] = []
        self.rated: list[Rated] = []
        self.paces, self.chunks = basis.paces.get(base.name), len(ChunkGrid(base.shape, base.chunk_shape))

    def run(self, objectives: Sequence[str]) -> None:
        """Try all settings of the codecs that these objectives list, and smaller shares of the error."""
        forms = forms_of(self.spec, self.profile, self.base.bound, bool(self.base.processors))
        for objective in objectives:
            self.is_extra = objective != objectives[0]
            for form in forms:
                known = [option.candidate for option in self.rated]
                data = (self.samples, objective, known)
                for candidate in trials_of(self.request.codecs, self.spec, self.profile, form, data):
                    self._add(form, candidate, None)
        if not self.rated:
            raise PlanError(
                f"variable {self.spec.name!r}: no codec holds dtype {self.spec.dtype}; install a plugin that offers one"
            )
        self.is_extra = False
        self._add_shares()

    def _add(self, form: Form, candidate: Candidate, whole: Rated | None) -> None:
        seconds = None
        if candidate.seconds is not None and self.paces is not None:
            seconds = (candidate.seconds + self._beside(candidate.codec_bound)) / self.request.workers
        size = round(candidate.sample_bytes * self.growth)
        position = len(self.rated) if whole is None else whole.position
        self.forms.append(form)
        whole_bytes = size if whole is None else whole.whole_bytes
        self.rated.append(Rated(evolve(candidate, seconds=seconds), size, position, whole_bytes, self.is_extra))

    def _beside(self, bound: Bound) -> float:
        """Seconds that the variable takes beside encoding and decoding."""
        return 0.0 if self.paces is None else self.paces.of(bound).seconds(self.chunks, self.spec.size)

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
            if option.candidate.codec_bound.is_lossless:
                continue
            form = self.forms[at]
            applied = self._applied(option)
            bound_for = partial(codec_bound, self.spec, self.profile, applied, form.name)
            data, is_free = (self.samples, bound_for), objective == "balanced"
            for tighter in shared(self.request.codecs, self.spec, option.candidate, form, data, is_free):
                self._add(form, tighter, option if is_free else None)

    def _applied(self, option: Rated) -> Bound:
        """The promise on physical values where that option is taken: of each value, or of all together."""
        return applied_as(self.spec, self.profile, self.base.bound, option.candidate.codec_bound)

    def _with_retry(self, option: Rated, raw: int) -> Rated:
        """With the time of the second encoding, lossless, that chunks get which a bound makes little smaller."""
        lossy, rest = option.candidate, self._beside(Bound("lossless")) / self.request.workers
        if lossy.seconds is None or lossy.codec_bound.is_lossless or 2 * option.predicted_bytes <= raw:
            return option
        settings = (lossy.codec, lossy.parameters, lossy.form)
        for other in (rated.candidate for rated in self.rated):
            if (
                other.codec_bound.is_lossless
                and (other.codec, other.parameters, other.form) == settings
                and other.seconds
            ):
                return evolve(option, candidate=evolve(lossy, seconds=lossy.seconds + other.seconds - rest))
        return option

    def _tiers(self) -> list[Tiers | None]:
        """What each option lacks now."""
        return ratings(self.spec, self.spec.size * self.base_itemsize, self.rated, self.request.objective)

    @property
    def base_itemsize(self) -> int:
        """Bytes of a value as the source stores it."""
        return np.dtype(self.spec.dtype).itemsize

    def options(self) -> VariableOptions:
        """All that was tried."""
        raw = self.spec.size * self.base_itemsize
        self.rated = [self._with_retry(option, raw) for option in self.rated]
        applied = tuple(map(self._applied, self.rated))
        return VariableOptions(self.base, tuple(self.forms), tuple(self.rated), tuple(self._tiers()), applied)
