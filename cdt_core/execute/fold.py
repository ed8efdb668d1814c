"""Fold the records of a variable's chunks, in order, into its outcome and findings."""

from __future__ import annotations

import hashlib
from typing import Any

from attrs import field, frozen

from cdt_core.execute.job import ChunkRecord, VariableJob
from cdt_core.model import Finding, VariableOutcome
from cdt_core.model.finding import Dimension

__all__ = ["VariableFold", "VariableResult"]


@frozen
class VariableResult:
    """A finished variable: its outcome, findings, and the SHA-256 of each of its chunk files (path under ``data.zarr``).
    ``seconds`` is the time of its chunks' tasks together.
    """

    outcome: VariableOutcome
    findings: tuple[Finding, ...]
    leaves: dict[str, str]
    input_digest: str = ""
    seconds: float = field(default=0.0, eq=False)


class VariableFold:
    """Running totals and merged states of one variable. ``snapshot`` and ``restore`` carry them over an interruption."""

    def __init__(self, job: VariableJob) -> None:
        self.job = job
        self.next_position = 0
        self.totals: dict[str, Any] = {
            "raw_bytes": 0,
            "stored_bytes": 0,
            "max_error": 0.0,
            "exact_values": 0,
            "fallback_chunks": 0,
            "replayed": 0,
            "replays": 0,
            "seconds": 0.0,
        }
        self.states: dict[str, Any] = {}
        self.errors: dict[str, str] = {}
        self.leaves: dict[str, str] = {}
        self.input_digests: list[str] = []

    def add(self, record: ChunkRecord) -> None:
        """Take in the record of the next chunk."""
        totals = self.totals
        totals["raw_bytes"] += record.raw_bytes
        totals["stored_bytes"] += record.stored_bytes
        totals["max_error"] = max(totals["max_error"], record.max_error)
        totals["exact_values"] += record.exact_values
        totals["fallback_chunks"] += record.fallback
        totals["replays"] += record.replayed is not None
        totals["replayed"] += record.replayed is True
        totals["seconds"] += record.seconds
        self.leaves.update(record.digests)
        if record.input_digest:
            self.input_digests.append(record.input_digest)
        for name, error in record.errors.items():
            self.errors.setdefault(name, f"chunk {record.position}: {error}")
        for validator, summary in self.job.summaries:
            if validator.name in record.states and not isinstance(summary, Exception):
                self._merge(validator.name, summary, record.states[validator.name])
        self.next_position = record.position + 1

    def _merge(self, name: str, summary: Any, state: Any) -> None:
        if name in self.errors:
            return
        if name not in self.states:
            self.states[name] = state
            return
        try:
            self.states[name] = summary.merge(self.states[name], state)
        except Exception as error:  # a validator's failure is a finding, never the end of a treatment
            self.errors[name] = f"merge: {type(error).__name__}: {error}"

    def finish(self) -> VariableResult:
        """Outcome and findings of all that was added."""
        job, totals = self.job, self.totals
        outcome = VariableOutcome(
            name=job.spec.name,
            raw_bytes=totals["raw_bytes"],
            stored_bytes=totals["stored_bytes"],
            chunks=len(job.grid),
            max_error=totals["max_error"],
            exact_values=totals["exact_values"],
            fallback_chunks=totals["fallback_chunks"],
        )
        findings = [*self._engine_findings(), *self._validator_findings()]
        digest = hashlib.sha256("\n".join(self.input_digests).encode()).hexdigest() if self.input_digests else ""
        return VariableResult(outcome, tuple(findings), self.leaves, digest, totals["seconds"])

    def _engine_findings(self) -> list[Finding]:
        chunks, totals = len(self.job.grid), self.totals
        if not chunks:
            return []
        return [
            self._finding(
                "core.chunks_readback",
                "reproducibility",
                1.0,
                method="share of chunks that were decoded from their encoded bytes and compared with what was read",
                evidence={"chunks": chunks, "fallback_chunks": totals["fallback_chunks"]},
            ),
            self._finding(
                "core.replayed",
                "reproducibility",
                totals["replayed"] / totals["replays"] if totals["replays"] else None,
                method="share of the chunks encoded a second time that gave the same bytes",
                sampled=totals["replays"] / chunks,
                evidence={"replays": totals["replays"]},
            ),
        ]

    def _validator_findings(self) -> list[Finding]:
        findings: list[Finding] = []
        for validator, summary in self.job.summaries:
            try:
                if isinstance(summary, Exception):
                    raise summary
                if validator.name in self.errors:
                    raise RuntimeError(self.errors[validator.name])
                state = self.states.get(validator.name)
                findings.extend(summary.finish(summary.start() if state is None else state))
            except Exception as error:  # a validator's failure is a finding, never the end of a treatment
                findings.append(self._crashed(validator.name, validator.checks, error))
        return findings

    def _crashed(self, name: str, checks: tuple[str, ...], error: Exception) -> Finding:
        return self._finding(
            "core.validator_crashed",
            "format",
            name,
            method="a validator that raises leaves its checks unassessed",
            evidence={"validator": name, "checks": list(checks), "error": f"{type(error).__name__}: {error}"},
            verdict="fail",
            message=f"validator {name!r} crashed, so its checks were not assessed: {error}",
        )

    def _finding(self, check: str, dimension: Dimension, value: Any, **more: Any) -> Finding:
        return Finding(check=check, dimension=dimension, value=value, variable=self.job.spec.name, **more)

    def snapshot(self) -> dict[str, Any]:
        """Everything that ``restore`` needs, in the terms of :mod:`cdt_core.model.state`."""
        return {
            "next_position": self.next_position,
            "totals": self.totals,
            "states": self.states,
            "errors": self.errors,
            "leaves": self.leaves,
            "input_digests": self.input_digests,
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot of the same variable and plan."""
        self.next_position = snapshot["next_position"]
        self.totals = snapshot["totals"]
        self.states = snapshot["states"]
        self.errors = snapshot["errors"]
        self.leaves = snapshot["leaves"]
        self.input_digests = snapshot["input_digests"]
