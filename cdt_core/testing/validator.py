"""Does a validator keep the contract of mergeable summaries (:class:`cdt_core.hooks.contracts.VariableSummary`)?"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Any

from attrs import define

from cdt_core.hooks.contracts import Block, State, Subject
from cdt_core.hooks.descriptor import Validator
from cdt_core.model import Finding
from cdt_core.model.state import state_from_json, state_to_json
from cdt_core.testing.comparing import difference, findings_differ
from cdt_core.testing.contract import ContractError, called, loaded, require
from cdt_core.testing.findings import checked_findings
from cdt_core.testing.sample import SampleVariable, sample_variables
from cdt_core.testing.subject import check_subjects

__all__ = ["check_validator"]


def check_validator(
    offer: Validator,
    samples: Iterable[SampleVariable] | None = None,
    *,
    subjects: Iterable[Subject] | None = None,
    ordered: bool = False,
    tolerance: float = 1e-9,
) -> None:
    """Put a validator through everything that a treatment may do to it.

    For the scope ``"variable"``, on each sample: states survive JSON; merging is associative and (unless ``ordered``)
    commutative, up to rounding; the empty state and an empty block change nothing; the same blocks give the same findings;
    blocks and the right-hand state are left as they were; findings are declared, finite and JSON-able. For the scope
    ``"dataset"``, the same of its findings, on each subject.

    Parameters
    ----------
    offer
        The descriptor, as the plugin's hook returns it.
    samples, subjects
        What to run on; by default :func:`cdt_core.testing.sample_variables` of the offer's kinds, or
        :func:`cdt_core.testing.sample_subjects`.
    ordered
        States may depend on the order of the chunks. The engine keeps it; a federation of sites has none.
    tolerance
        Relative and absolute difference that rounding may make in a finding.

    Raises
    ------
    ContractError
        Which promise was broken, on which sample.
    """
    function = loaded(offer, Validator)
    if offer.scope == "dataset":
        check_subjects(offer, function, subjects, tolerance)
        return
    given = sample_variables(offer.dtype_kinds, offer.min_ndim) if samples is None else samples
    for sample in given:
        _Trial(offer, function, sample, tolerance).run(ordered)


@define
class _Trial:
    """One validator on one sample."""

    offer: Validator
    function: Any
    sample: SampleVariable
    tolerance: float

    @property
    def where(self) -> str:
        return f"validator {self.offer.name!r} on {self.sample.name!r}"

    def run(self, ordered: bool) -> None:
        summary = self.made()
        self.findings(summary, self.start(summary))
        states = [self.updated(summary, block) for block in self.sample.blocks(self.sample.halves())]
        if not states:
            return
        self.check_orders(summary, states, ordered)
        self.check_nothing_added(summary, states)
        again = [self.updated(self.made(), block) for block in self.sample.blocks(self.sample.halves())]
        differs = difference([dict(s) for s in again], [dict(s) for s in states], 0.0)
        require(not differs, f"{self.where}: the same block gives another state{differs}")

    def made(self) -> Any:
        sample = self.sample
        summary = called(f"{self.where}: making it", self.function, sample.spec, sample.profile, sample.bound)
        missing = [
            name for name in ("start", "update", "merge", "finish") if not callable(getattr(summary, name, None))
        ]
        require(not missing, f"{self.where}: has no {', '.join(missing)}")
        return summary

    def start(self, summary: Any) -> State:
        return self.stored(called(f"{self.where}: start", summary.start), "start")

    def stored(self, state: Any, step: str) -> State:
        """The state after a round trip through JSON, which must not change it."""
        try:
            back: State = state_from_json(state_to_json(state))
        except (TypeError, ValueError) as error:
            raise ContractError(f"{self.where}: the state after {step} does not survive JSON: {error}") from error
        differs = difference(state, back, 0.0)
        require(not differs, f"{self.where}: the state after {step} comes back changed from JSON{differs}")
        return back

    def updated(self, summary: Any, block: Block) -> State:
        before = (block.original.tobytes(), block.treated.tobytes())
        state = called(f"{self.where}: update at {block.start}", summary.update, self.start(summary), block)
        kept = before == (block.original.tobytes(), block.treated.tobytes())
        require(kept, f"{self.where}: update changed the values of the block that it was given")
        return self.stored(state, "update")

    def merged(self, summary: Any, left: State, right: State) -> State:
        theirs = pickle.dumps(right)
        state = called(f"{self.where}: merge", summary.merge, left, right)
        differs = difference(pickle.loads(theirs), right, 0.0)
        require(not differs, f"{self.where}: merge changed the state on its right{differs}")
        return self.stored(state, "merge")

    def findings(self, summary: Any, state: State) -> list[Finding]:
        found = called(f"{self.where}: finish", summary.finish, self.copied(state))
        return checked_findings(self.offer, found, self.where, [self.sample.name])

    def copied(self, state: State) -> State:
        copy: State = state_from_json(state_to_json(state))
        return copy

    def fold(self, summary: Any, states: Sequence[State]) -> State:
        return reduce(lambda left, right: self.merged(summary, left, right), [self.copied(s) for s in states])

    def fold_right(self, summary: Any, states: Sequence[State]) -> State:
        copies = [self.copied(state) for state in reversed(states)]
        return reduce(lambda right, left: self.merged(summary, left, right), copies)

    def check_orders(self, summary: Any, states: Sequence[State], ordered: bool) -> None:
        expected = self.findings(summary, self.fold(summary, states))
        self.same(summary, expected, self.fold_right(summary, states), "merging is not associative")
        repeated = self.findings(summary, self.fold(summary, states))
        differs = findings_differ(expected, repeated, 0.0)
        require(not differs, f"{self.where}: the same states give other findings: {differs}")
        if not ordered:
            backwards = self.fold(summary, list(reversed(states)))
            self.same(summary, expected, backwards, "merging is not commutative (pass ordered=True if it need not be)")

    def check_nothing_added(self, summary: Any, states: Sequence[State]) -> None:
        expected = self.findings(summary, self.fold(summary, states))
        nothing: Callable[[], State] = lambda: self.start(summary)  # noqa: E731
        self.same(summary, expected, self.fold(summary, [nothing(), *states]), "a start state changes what follows it")
        self.same(summary, expected, self.fold(summary, [*states, nothing()]), "a start state changes what it joins")
        if self.sample.original.ndim:
            region = tuple(slice(0, 0) for _ in self.sample.original.shape)
            empty = self.updated(summary, self.sample.block(region))
            self.same(summary, expected, self.fold(summary, [*states, empty]), "an empty block changes the findings")

    def same(self, summary: Any, expected: list[Finding], state: State, broken: str) -> None:
        differs = findings_differ(expected, self.findings(summary, state), self.tolerance)
        require(not differs, f"{self.where}: {broken}: {differs}")
