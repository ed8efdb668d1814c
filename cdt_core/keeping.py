"""Which metrics of a variable a way to store it would lose: its validators' checks on sampled blocks, before and after."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from attrs import evolve

from cdt_core.certify.judge import judge
from cdt_core.certify.policy import Policy
from cdt_core.execute.chunk import block_of
from cdt_core.execute.job import VariableJob
from cdt_core.execute.processing import ProcessedValues
from cdt_core.hooks.contracts import Block, VariableSummary
from cdt_core.hooks.manager import Catalog
from cdt_core.model import Finding, Profile, VariablePlan
from cdt_core.planning.request import TriedBlock
from cdt_core.treating import job_of

__all__ = ["metrics_of"]


def metrics_of(
    values: ProcessedValues, profile: Profile, catalog: Catalog, policy: Policy
) -> Callable[[VariablePlan, Sequence[TriedBlock]], tuple[str, ...]]:
    """What names the checks that pass under ``policy`` on blocks as they were read, and not on what is decoded of them.

    All checks of the validators of variables are looked at, those of the core and of plugins; as in a treatment, but on
    the sampled blocks alone. A check that crashes on what was read, or fails there, is none that could be lost.
    """

    def lost(plan: VariablePlan, tried: Sequence[TriedBlock]) -> tuple[str, ...]:
        job = job_of(catalog, values.specs[plan.name], profile[plan.name], plan)
        blocks = [_block(values, job, block) for block in tried]
        unchanged = [evolve(block, treated=block.original) for block in blocks]
        passed = _passed(job, unchanged, policy)
        return tuple(sorted(passed - _passed(job, blocks, policy))) if passed else ()

    return lost


def _block(values: ProcessedValues, job: VariableJob, tried: TriedBlock) -> Block:
    treated = tried.decoded
    if job.plan.form == "stored":
        treated = values.decoded(job.spec.name, treated)
    missing = values.missing_mask(job.spec.name, tried.stored)
    return block_of(job, tried.start, tried.physical, treated, missing)


def _passed(job: VariableJob, blocks: Sequence[Block], policy: Policy) -> set[str]:
    """The checks all of whose findings pass."""
    judged = judge(_findings(job, blocks), policy)
    return {finding.check for finding in judged if finding.verdict == "pass"} - {
        finding.check for finding in judged if finding.verdict != "pass"
    }


def _findings(job: VariableJob, blocks: Sequence[Block]) -> Iterator[Finding]:
    for _, summary in job.summaries:
        if isinstance(summary, Exception):
            continue
        try:
            yield from list(_measured(summary, blocks))
        except Exception:  # a validator's failure is a finding of the treatment; here it only vouches for nothing
            continue


def _measured(summary: VariableSummary, blocks: Sequence[Block]) -> Iterable[Finding]:
    state = summary.start()
    for block in blocks:
        state = summary.update(state, block)
    return summary.finish(state)
