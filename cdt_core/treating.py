"""The main job: one dataset in, one certified folder out. Each step of DESIGN's 'way of the data' is one function here."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from cdt_core import __version__
from cdt_core.certify.policy import Policy
from cdt_core.errors import CdtError, OutputError, PlanError
from cdt_core.execute.chunk import ChunkWorker
from cdt_core.execute.executor import Executor
from cdt_core.execute.fold import VariableResult
from cdt_core.execute.job import VariableJob
from cdt_core.execute.journal import Journal
from cdt_core.execute.run import run
from cdt_core.finishing import Finished, finish
from cdt_core.hooks.contracts import Subject
from cdt_core.hooks.manager import Catalog
from cdt_core.model import Finding, Plan, Profile, Treatment, VariablePlan, VariableProfile, VariableSpec
from cdt_core.model.serial import to_json
from cdt_core.planning.make import TEXT_CODEC
from cdt_core.progress import Progress
from cdt_core.provenance.inputs import FileDigests
from cdt_core.readers.stored import StoredDataset
from cdt_core.store.metadata import array_attributes, consolidate, write_array, write_groups
from cdt_core.store.output import PartialOutput
from cdt_core.store.text import write_text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["TreatRequest", "job_of", "treat_dataset"]


@frozen(eq=False)
class TreatRequest:
    """What a treatment runs on and with. ``begin`` (of ``time.perf_counter``) and ``started`` are when its call was made."""

    dataset: StoredDataset
    profile: Profile
    plan: Plan
    catalog: Catalog
    executor: Executor
    progress: Progress
    digests: FileDigests
    key: Ed25519PrivateKey
    policy: Policy
    begin: float
    started: datetime


def treat_dataset(request: TreatRequest, output: PartialOutput) -> Treatment:
    """Run the plan on the dataset and leave the finished folder in its place.

    An error of the input, the plan or the disk removes what was written; an interruption (Ctrl-C, a kill) keeps it for the
    same call to go on from.
    """
    output.begin()
    try:
        request.catalog.notify("cdt_treatment_started", plan=request.plan, output=str(output.target))
        results = _execute(request, output)
        findings = [*_dataset_findings(request), *(f for r in results.values() for f in r.findings)]
        done = Finished(
            dataset=request.dataset,
            profile=request.profile,
            plan=request.plan,
            catalog=request.catalog,
            digests=request.digests,
            policy=request.policy,
            key=request.key,
            results=results,
            findings=(*findings, *_size_finding(request.plan, results)),
            begin=request.begin,
            started=request.started,
            workers=request.executor.workers,
        )
        treatment = finish(done, output)
    except CdtError:
        output.discard()
        raise
    except OSError as error:
        output.discard()
        raise OutputError(f"{output.target}: cannot be written: {error.strerror or error}; nothing was kept") from error
    finally:
        output.release()
    request.catalog.notify("cdt_treatment_finished", treatment=treatment)
    return treatment


def _execute(request: TreatRequest, output: PartialOutput) -> dict[str, VariableResult]:
    """Encode all variables; results in the dataset's order."""
    dataset, plan = request.dataset, request.plan
    journal = Journal(output.journal, _identity(request))
    if journal.is_new:
        output.clear()
    specs, profile = dataset.specs, request.profile
    jobs = {
        name: job_of(request.catalog, spec, profile[name], plan[name])
        for name, spec in specs.items()
        if plan[name].codec != TEXT_CODEC
    }
    write_groups(output.store, dataset.attributes, _coordinates(dataset))
    digest_input = not dataset.files
    worker = ChunkWorker(dataset, str(output.store), jobs, digest_input)
    request.progress.stage("treat", sum(_raw_bytes(job.spec) for job in jobs.values()))
    results = run(worker, request.executor, journal, lambda name, raw: request.progress.advance(raw))
    for name, job in jobs.items():
        attributes = array_attributes(job.spec, job.plan, results[name].outcome, __version__)
        codecs = job.codec.metadata(_dtype(job.plan))
        write_array(output.store, job.spec, job.plan, codecs, attributes)
    for name, spec in dataset.specs.items():
        if name not in jobs:
            results[name] = _write_text(dataset, output, spec, plan[name])
    consolidate(output.store)
    return {name: results[name] for name in dataset.specs}


def _identity(request: TreatRequest) -> str:
    """What must be the same for an interrupted run to go on: plan, version, plugins, and the input as far as a look shows.

    Of what is no local file, a look shows nothing: its treatment begins anew each time.
    """
    plugins = [(record.name, record.version) for record in request.catalog.plugins]
    looked = json.dumps([request.digests.looks or uuid.uuid4().hex, plugins])
    parts = [to_json(request.plan.without_times), to_json(request.profile), __version__, looked]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def job_of(catalog: Catalog, spec: VariableSpec, profile: VariableProfile, plan: VariablePlan) -> VariableJob:
    """What treating a variable's chunks needs, with the validators that apply to it.

    Raises
    ------
    PlanError
        The codec refuses its parameters.
    """
    job = VariableJob(
        spec=spec,
        profile=profile,
        plan=plan,
        codec_offer=catalog.codec(plan.codec),
        processors=tuple(catalog.processor(use.name) for use in plan.processors),
    )
    _check_parameters(job)
    seen = job.physical_spec
    kind = _kind(spec)
    job.validators = tuple(
        validator
        for validator in catalog.validators
        if validator.scope == "variable"
        and kind in validator.dtype_kinds
        and spec.role in validator.roles
        and len(seen.shape) >= validator.min_ndim
    )
    return job


def _check_parameters(job: VariableJob) -> None:
    """Refuse a plan whose parameters the codec does not take, before a chunk is read."""
    try:
        _ = job.codec
    except CdtError as error:
        raise PlanError(f"variable {job.spec.name!r}: {error}") from error
    except Exception as error:  # whatever a plugin's codec raises
        raise PlanError(
            f"variable {job.spec.name!r}: codec {job.plan.codec!r} refuses its parameters: {error}"
        ) from error


def _dtype(plan: VariablePlan) -> np.dtype[Any]:
    return np.dtype(plan.dtype)


def _kind(spec: VariableSpec) -> str:
    """NumPy's letter for the physical values as validators see them."""
    kind = np.dtype(spec.packing.dtype or spec.dtype).kind
    return "f" if kind == "c" else kind


def _raw_bytes(spec: VariableSpec) -> int:
    return spec.size * np.dtype(spec.dtype).itemsize


def _coordinates(dataset: StoredDataset) -> dict[str, list[str]]:
    """Non-index coordinates by group: xarray finds them by the group's ``coordinates`` attribute."""
    found: dict[str, list[str]] = {}
    for name, spec in dataset.specs.items():
        group, _, leaf = name.rpartition("/")
        if spec.role == "coordinate" and spec.dims != (leaf,):
            found.setdefault(group, []).append(leaf)
    return found


def _write_text(
    dataset: StoredDataset, output: PartialOutput, spec: VariableSpec, plan: VariablePlan
) -> VariableResult:
    outcome, leaves, digest, missing = write_text(
        output.store,
        spec,
        plan,
        lambda region: dataset.read(spec.name, region),
        array_attributes(spec, plan, None, __version__),
    )
    finding = Finding(
        check="core.chunks_readback",
        dimension="reproducibility",
        variable=spec.name,
        value=1.0,
        method="every chunk of text was read back from the store and compared",
        evidence={"chunks": outcome.chunks, "missing": missing},
        message=f"{missing} missing values became empty text" if missing else "",
    )
    return VariableResult(outcome, (finding,), leaves, digest)


def _dataset_findings(request: TreatRequest) -> list[Finding]:
    """The reader's notes, and findings of the dataset-scope validators; one that crashes is a finding itself."""
    dataset = request.dataset
    subject = Subject(
        variables=dataset.variables,
        specs=dataset.specs,
        profiles={profile.name: profile for profile in request.profile.variables},
        attributes=dataset.attributes,
        source=dataset.source,
        notes=dataset.notes,
    )
    findings: list[Finding] = list(dataset.notes)
    for validator in request.catalog.validators:
        if validator.scope != "dataset":
            continue
        try:
            findings.extend(validator.load()(subject))
        except Exception as error:  # a validator's failure is a finding, never the end of a treatment
            findings.append(
                Finding(
                    check="core.validator_crashed",
                    dimension="format",
                    value=validator.name,
                    verdict="fail",
                    evidence={"checks": list(validator.checks), "error": f"{type(error).__name__}: {error}"},
                    message=f"validator {validator.name!r} crashed, so its checks were not assessed: {error}",
                )
            )
    return findings


def _size_finding(plan: Plan, results: Mapping[str, VariableResult]) -> list[Finding]:
    if plan.max_size is None:
        return []
    stored = sum(result.outcome.stored_bytes for result in results.values())
    return [
        Finding(
            check="core.size_budget",
            dimension="consistency",
            value=stored / plan.max_size,
            method="bytes of all encoded chunks over the budget that the plan was made for",
            evidence={"stored_bytes": stored, "max_size": plan.max_size},
        )
    ]
