"""What one run of the main job gave."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen

from cdt_core.model.certificate import Certificate
from cdt_core.model.finding import Finding
from cdt_core.model.plan import Plan

__all__ = ["Treatment", "VariableOutcome"]


@frozen
class VariableOutcome:
    """Measured facts of one treated variable.

    ``raw_bytes`` counts the values as the input stores them (uncompressed); ``stored_bytes`` the encoded chunks.
    ``max_error`` is the largest ``|x - y|`` over all finite values (relative to ``|x|`` for ``pw_rel``);
    ``over_bound`` counts values outside the bound and is 0 in every treatment that finished. ``exact_values`` were kept
    bit-exact beside the lattice; ``fallback_chunks`` were stored lossless because the planned codec did not keep the bound.
    """

    name: str
    raw_bytes: int
    stored_bytes: int
    chunks: int
    max_error: float
    over_bound: int = 0
    exact_values: int = 0
    fallback_chunks: int = 0

    @property
    def ratio(self) -> float:
        """Raw over stored bytes."""
        return self.raw_bytes / self.stored_bytes if self.stored_bytes else float("inf")


@frozen(repr=False)
class Treatment:
    """A finished treatment: where it is, what was planned, what was measured, and the certificate.

    ``variable_seconds`` has, for each variable with numbers, what its chunks took, in the seconds of
    :mod:`cdt_core.model.plan`; ``seconds`` is the time of all stages by the clock.
    """

    path: Path
    plan: Plan
    outcomes: tuple[VariableOutcome, ...]
    certificate: Certificate
    seconds: float
    variable_seconds: Mapping[str, float] = field(factory=dict, eq=False)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All judged findings of the certificate."""
        return self.certificate.findings

    @property
    def raw_bytes(self) -> int:
        """Uncompressed bytes of all treated variables."""
        return sum(outcome.raw_bytes for outcome in self.outcomes)

    @property
    def stored_bytes(self) -> int:
        """Bytes of all encoded chunks."""
        return sum(outcome.stored_bytes for outcome in self.outcomes)

    @property
    def ratio(self) -> float:
        """Raw over stored bytes, all variables together."""
        return self.raw_bytes / self.stored_bytes if self.stored_bytes else float("inf")

    @property
    def is_over_budget(self) -> bool:
        """True when the chunks take more than the plan's ``max_size``, which was chosen by samples."""
        return self.plan.max_size is not None and self.stored_bytes > self.plan.max_size

    def __repr__(self) -> str:
        return (
            f"Treatment({str(self.path)!r}, {len(self.outcomes)} variables, {self.raw_bytes} -> {self.stored_bytes} bytes, "
            f"ratio {self.ratio:.2f}, {self.certificate.level})"
        )

    def _repr_html_(self) -> str:
        from cdt_core.model.notebook import treatment_html

        return treatment_html(self)
