"""Which settings of which codecs are tried for a variable, and on how much of its sampled blocks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from attrs import evolve, frozen

from cdt_core.errors import PlanError
from cdt_core.hooks.descriptor import CodecOffer
from cdt_core.model import Bound, Candidate, VariableProfile, VariableSpec
from cdt_core.planning.trial import Form, Samples, tried

__all__ = ["Scope", "Trial", "trials_of"]

_log = logging.getLogger("cdt.plugins")

#: A codec's later settings are tried where its first takes at most so many times the bytes of the smallest that is known.
_WORTH = 2.0
#: Settings of a codec that are tried on all sampled blocks; those after them are slow.
_ON_ALL = 2

#: A setting with what it made of sampled blocks, and those blocks.
Trial = tuple[Candidate, Samples]


@frozen(eq=False)
class Scope:
    """The blocks that settings are tried on, and what is not tried: ``known`` ones, and by ``objective`` what codecs leave out.

    Slow settings are tried on at most ``slow_values`` values. Where lossless settings count however large they are
    (``is_exact_apart``), they are compared with one another alone.
    """

    samples: Samples
    objective: str
    known: Sequence[Candidate] = ()
    slow_values: int = 1 << 62
    is_exact_apart: bool = False


@frozen(eq=False)
class _Setting:
    """One setting of a codec for a bound: the ``rank``-th that the codec lists, fast ones first."""

    codec: tuple[str, Callable[..., Any]]
    parameters: Mapping[str, Any]
    bound: Bound
    rank: int
    is_slow: bool

    @property
    def family(self) -> tuple[str, Bound]:
        """What the settings have in common that one codec lists."""
        return self.codec[0], self.bound


def trials_of(
    offers: Sequence[CodecOffer], spec: VariableSpec, profile: VariableProfile, form: Form, scope: Scope
) -> list[Trial]:
    """Every applicable codec and parameter set that may be worth it, fast ones first as their codecs list them.

    A lossy promise is also tried lossless: on data that lies on a grid, that is often smaller. The later settings of a
    codec are left out where its first one is far from the smallest. A codec that raises, or does not keep its promise
    on a sample, is logged and left out.

    Raises
    ------
    PlanError
        Every applicable codec failed.
    """
    attempt = _Attempt(spec.name, form, scope)
    bounds = [form.bound] if form.bound.is_lossless else [form.bound, Bound("lossless")]
    bounds += [] if form.together is None else [form.together]
    kind, described = np.dtype(form.dtype).kind, evolve(spec, dtype=form.dtype)
    for bound in bounds:
        for offer in offers:
            if kind in offer.dtype_kinds and bound.kind in offer.bounds:
                attempt.take(offer, described, profile, bound)
    found = attempt.trials()
    if attempt.failures and not found:
        raise PlanError(f"variable {spec.name!r}: no codec could be tried: {'; '.join(attempt.failures)}")
    return found


class _Attempt:
    """The settings for one form of a variable, what was found of them by their place in the list, and what failed."""

    def __init__(self, name: str, form: Form, scope: Scope) -> None:
        self.name, self.form, self.scope = name, form, scope
        self.settings: list[_Setting] = []
        self.found: dict[int, Trial] = {}
        self.failures: list[str] = []
        self.failed: set[tuple[str, Bound]] = set()

    def take(self, offer: CodecOffer, spec: VariableSpec, profile: VariableProfile, bound: Bound) -> None:
        """Take up what the codec of ``offer`` lists, but for what is known."""
        seen = [(each.codec, each.parameters, each.codec_bound, each.form) for each in self.scope.known]
        try:
            make, objective = offer.load(), self.scope.objective
            sets = make.candidates(spec, profile, bound, objective)
            is_special = objective == "size" and not make.candidates(spec, profile, bound, "balanced")
            for rank, each in enumerate(sets):
                if (offer.name, dict(each), bound, self.form.name) not in seen:
                    is_slow = is_special or rank >= _ON_ALL
                    self.settings.append(_Setting((offer.name, make), each, bound, rank, is_slow))
        except Exception as error:  # a plugin's codec that fails is no candidate; the others still are
            self._fail((offer.name, bound), error)

    def trials(self) -> list[Trial]:
        """What was found, in the order of the list: first settings are tried first, slow ones last."""
        order = sorted(
            range(len(self.settings)), key=lambda at: (self.settings[at].is_slow, self.settings[at].rank > 0)
        )
        for at in order:
            setting = self.settings[at]
            if setting.family in self.failed or not self._is_worth(setting):
                continue
            try:
                self.found[at] = self._on_part(setting) if setting.is_slow else self._on_all(setting)
            except Exception as error:  # as above
                self._fail(setting.family, error)
        return [self.found[at] for at in sorted(self.found)]

    def _fail(self, family: tuple[str, Bound], error: Exception) -> None:
        self.failed.add(family)
        self.failures.append(f"{family[0]}: {type(error).__name__}: {error}")
        _log.warning("variable %r: left out codec %s", self.name, self.failures[-1])

    def _rivals(self, bound: Bound) -> list[Candidate]:
        every = [*self.scope.known, *(candidate for candidate, _ in self.found.values())]
        return [each for each in every if not self.scope.is_exact_apart or each.codec_bound.kind == bound.kind]

    def _is_worth(self, setting: _Setting) -> bool:
        """Whether the setting may come near the smallest one: the first always, another where the first does."""
        rivals = self._rivals(setting.bound)
        own = [each.sample_bytes for each in rivals if (each.codec, each.codec_bound) == setting.family]
        return not setting.rank or not own or min(own) <= _WORTH * min(each.sample_bytes for each in rivals)

    def _on_all(self, setting: _Setting) -> Trial:
        samples = self.scope.samples
        return self._tried(setting, samples), samples

    def _tried(self, setting: _Setting, samples: Samples) -> Candidate:
        found = tried(setting.codec, setting.parameters, setting.bound, (self.form, samples))
        assert found is not None  # any number of bytes will do
        return found

    def _on_part(self, setting: _Setting) -> Trial:
        """A slow setting on a part; another, of its own codec or the smallest, says how many bytes that stands for."""
        part = self.scope.samples.part(self.scope.slow_values)
        others = [
            (at, candidate)
            for at, (candidate, _) in self.found.items()
            if candidate.codec_bound.is_lossless == setting.bound.is_lossless and not self.settings[at].is_slow
        ]
        if part is self.scope.samples or not others:
            return self._on_all(setting)
        own = [each for each in others if self.settings[each[0]].family == setting.family]
        at, like = min(own or others, key=lambda each: each[1].sample_bytes)
        codec = self.settings[at].codec[1](like.parameters, like.codec_bound, self.form.missing)
        encoded = sum(len(codec.encode(block).stream) for block in part.of(self.form))
        part = evolve(part, scale=like.sample_bytes / max(1, encoded))
        found = self._tried(setting, part)
        return evolve(found, ratio=like.ratio * like.sample_bytes / max(1, found.sample_bytes)), part
