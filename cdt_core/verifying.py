"""``cdt verify``: everything about a treatment that can be checked again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from cdt_core.certify.certificate import CertificateFile, read_certificate
from cdt_core.certify.judge import judge
from cdt_core.certify.score import grade
from cdt_core.certify.statement import MERKLE_DIGEST
from cdt_core.errors import CdtError, CertificateError, PlanError
from cdt_core.execute.executor import ThreadExecutor
from cdt_core.hooks.manager import Catalog
from cdt_core.model import Plan, VariableOutcome
from cdt_core.model.serial import from_tree
from cdt_core.policies import policy_in_force
from cdt_core.progress import Progress
from cdt_core.provenance.keys import load_public
from cdt_core.readers.stored import StoredDataset
from cdt_core.verification.chunks import check_chunks, check_outcomes
from cdt_core.verification.files import check_crate, check_digests, check_plan, check_root
from cdt_core.verification.original import check_values
from cdt_core.verification.result import Check, VerifyResult

__all__ = ["VerifyRequest", "verify_treatment"]


@frozen(eq=False, kw_only=True)
class VerifyRequest:
    """What to verify, against what."""

    folder: Path
    catalog: Catalog
    progress: Progress
    executor: ThreadExecutor
    original: StoredDataset | None = None
    public_key: Path | None = None


def verify_treatment(request: VerifyRequest) -> VerifyResult:
    """All checks; those that need what an earlier one found broken are left out, and the result is not ok.

    Raises
    ------
    CertificateError
        The folder is no treatment, or the given key cannot be read.
    """
    folder = request.folder
    if not (folder / "certificate.json").is_file() or not (folder / "data.zarr").is_dir():
        raise CertificateError(f"{folder}: no treatment here (certificate.json and data.zarr are what treat makes)")
    pem = None if request.public_key is None else load_public(request.public_key)
    try:
        found = read_certificate(folder / "certificate.json", pem)
    except CertificateError as error:
        return VerifyResult("NONE", "", (Check("signature", False, str(error)),))
    checks = tuple(_checks(request, found, trusted=pem is not None))
    return VerifyResult(found.certificate.level, found.key_id, checks)


def _checks(request: VerifyRequest, found: CertificateFile, *, trusted: bool) -> Iterator[Check]:
    folder, run, progress = request.folder, request.executor.map, request.progress
    store = folder / "data.zarr"
    owner = "the given key" if trusted else "the key inside; compare its identifier with one that you trust"
    yield Check("signature", True, f"Ed25519 signature by key {found.key_id[:16]} holds ({owner})")
    subjects = {item["name"]: item["digest"] for item in found.statement["subject"]}
    yield check_root(found.leaves, str(subjects["data.zarr"][MERKLE_DIGEST]))
    plan_check = check_plan(folder / "plan.json", str(subjects["plan.json"]["sha256"]))
    yield plan_check
    sizes = sum((store / path).stat().st_size for path in found.leaves if (store / path).is_file())
    progress.stage("verify digests", sizes)
    digests = check_digests(store, found.leaves, run, progress.advance)
    yield digests
    yield check_crate(folder)
    yield _check_level(request.catalog, found)
    if not plan_check.ok:
        return
    try:
        plan = _plan(folder / "plan.json")
    except PlanError as error:
        yield Check("plan", False, str(error))
        return
    outcomes = [_outcome(item) for item in found.statement["predicate"]["variables"]]
    yield check_outcomes(plan, outcomes)
    if digests.ok:
        progress.stage("verify chunks", sum(outcome.raw_bytes for outcome in outcomes))
        yield check_chunks(store, plan, run, progress.advance)
        yield from _against_original(request, store, plan)


def _plan(path: Path) -> Plan:
    return from_tree(json.loads(path.read_bytes()), Plan, str(path), PlanError)


def _outcome(item: Mapping[str, Any]) -> VariableOutcome:
    import attrs

    names = [field.name for field in attrs.fields(VariableOutcome)]
    return VariableOutcome(**{name: item[name] for name in names})


def _check_level(catalog: Catalog, found: CertificateFile) -> Check:
    """The verdicts and the level once more from the signed findings, under the policy that they name."""
    named, name = found.statement["predicate"]["policy"], "level"
    certificate = found.certificate
    try:
        policy = policy_in_force(catalog, named["name"])
    except CdtError as error:
        return Check(name, True, f"{certificate.level} as signed; not judged again, since {error}")
    if policy.digest != named["sha256"]:
        return Check(name, True, f"{certificate.level} as signed; not judged again, policy {policy.name} differs here")
    judged = judge([evolve(finding, verdict="not-assessed") for finding in certificate.findings], policy)
    for signed, again_judged in zip(certificate.findings, judged, strict=True):
        decided = again_judged.verdict != "not-assessed"  # where no number decides, the validator's own verdict stays
        if (decided and signed.verdict != again_judged.verdict) or signed.threshold != again_judged.threshold:
            what = f"{signed.check} of {signed.variable or 'the dataset'}"
            return Check(
                name, False, f"{what} is signed as {signed.verdict!r}, but its value {signed.value} is not judged so"
            )
    again = grade(certificate.findings, policy)
    if again.level != certificate.level:
        return Check(name, False, f"{certificate.level} is signed, but the findings give {again.level}")
    return Check(name, True, f"{len(judged)} findings give {again.level} again, by policy {policy.name}")


def _against_original(request: VerifyRequest, store: Path, plan: Plan) -> Iterator[Check]:
    if request.original is None:
        return
    import zarr

    processing: dict[str, list[tuple[Callable[..., Any], Mapping[str, Any]]]] = {}
    for variable in plan.variables:
        for use in variable.processors:
            function = request.catalog.processor(use.name).load()
            processing.setdefault(variable.name, []).append((function, use.parameters))
    request.progress.stage("verify against the original", 0)
    group = zarr.open_group(store, mode="r")
    yield check_values(request.original, group, plan, processing, request.executor.map)
