"""``cdt verify``: everything about a treatment that can be checked again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve, fields, frozen

from cdt_core.certify.certificate import CertificateFile, read_certificate
from cdt_core.certify.judge import judge
from cdt_core.certify.score import grade, scores
from cdt_core.certify.statement import MERKLE_DIGEST
from cdt_core.errors import CdtError, CertificateError, PlanError
from cdt_core.execute.executor import ThreadExecutor
from cdt_core.hooks.manager import Catalog
from cdt_core.model import Plan, VariableOutcome
from cdt_core.model.serial import from_tree
from cdt_core.policies import installed_policy
from cdt_core.progress import Progress
from cdt_core.provenance.keys import load_public
from cdt_core.readers.stored import StoredDataset
from cdt_core.verification.chunks import check_chunks, check_outcomes
from cdt_core.verification.files import check_crate, check_digests, check_plan, check_root
from cdt_core.verification.layout import check_layout, check_variables
from cdt_core.verification.original import check_values
from cdt_core.verification.result import Check, VerifyResult

__all__ = ["VerifyRequest", "verify_treatment"]

#: What a statement says of each variable beside its outcome and this program compares.
_VARIABLE = ("shape", "source_dtype", "bound", "applied", "codec_bound", "codec", "dtype", "form")


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
        signed = _signed(found)
    except CertificateError as error:
        return VerifyResult("NONE", "", (Check("signature", False, str(error)),))
    checks = tuple(_checks(request, found, signed, trusted=pem is not None))
    return VerifyResult(found.certificate.level, found.key_id, checks)


@frozen
class _Signed:
    """What the statement binds: the store's root, the plan's digest, the policy, and what it says of each variable."""

    root: str
    plan_digest: str
    policy: str
    policy_digest: str
    additions: tuple[str, ...]
    variables: Sequence[Mapping[str, Any]]
    outcomes: tuple[VariableOutcome, ...]


def _signed(found: CertificateFile) -> _Signed:
    where = "certificate.json"
    names = [field.name for field in fields(VariableOutcome)]
    try:
        subjects = {item["name"]: item["digest"] for item in found.statement["subject"]}
        predicate = found.statement["predicate"]
        return _Signed(
            root=str(subjects["data.zarr"][MERKLE_DIGEST]),
            plan_digest=str(subjects["plan.json"]["sha256"]),
            policy=str(predicate["policy"]["name"]),
            policy_digest=str(predicate["policy"]["sha256"]),
            additions=tuple(map(str, predicate["policy"]["additions"])),
            variables=[{**dict.fromkeys(_VARIABLE), **item} for item in predicate["variables"]],
            outcomes=tuple(
                from_tree({name: item[name] for name in names}, VariableOutcome, where, CertificateError)
                for item in predicate["variables"]
            ),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise CertificateError(f"{where}: what is signed is no statement of a treatment: {error}") from error


def _checks(request: VerifyRequest, found: CertificateFile, signed: _Signed, *, trusted: bool) -> Iterator[Check]:
    folder, run, progress = request.folder, request.executor.map, request.progress
    store = folder / "data.zarr"
    owner = "the given key" if trusted else "the key inside; compare its identifier with one that you trust"
    yield Check("signature", True, f"Ed25519 signature by key {found.key_id[:16]} holds ({owner})")
    yield check_root(found.leaves, signed.root)
    plan_check = check_plan(folder / "plan.json", signed.plan_digest)
    yield plan_check
    sizes = {path: (store / path).stat().st_size for path in found.leaves if (store / path).is_file()}
    progress.stage("verify digests", sum(sizes.values()))
    digests = check_digests(store, found.leaves, run, progress.advance)
    yield digests
    yield check_crate(folder, signed.root)
    yield _check_level(request.catalog, found, signed)
    if not plan_check.ok:
        return
    try:
        plan = _plan(folder / "plan.json")
        yield check_outcomes(plan, signed.outcomes)
        yield check_variables(plan, signed.variables, sizes)
    except CdtError as error:
        yield Check("plan", False, str(error))
        return
    if digests.ok:
        yield from _decoded(request, plan, found, signed)


def _decoded(request: VerifyRequest, plan: Plan, found: CertificateFile, signed: _Signed) -> Iterator[Check]:
    store = request.folder / "data.zarr"
    layout = check_layout(store, plan, found.leaves)
    yield layout
    if not layout.ok:
        return
    request.progress.stage("verify chunks", sum(outcome.raw_bytes for outcome in signed.outcomes))
    chunks = check_chunks(store, plan, request.executor.map, request.progress.advance)
    yield chunks
    if chunks.ok:
        yield from _against_original(request, store, plan)


def _plan(path: Path) -> Plan:
    try:
        tree = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise PlanError(f"{path.name} cannot be read: {error}") from error
    return from_tree(tree, Plan, path.name, PlanError)


def _check_level(catalog: Catalog, found: CertificateFile, signed: _Signed) -> Check:
    """The verdicts, scores and level once more from the signed findings, under the policy that they name."""
    name, certificate = "level", found.certificate
    try:
        policy = installed_policy(catalog, signed.policy, signed.additions)
    except CdtError as error:
        return Check(name, True, f"{certificate.level} as signed; not judged again, since {error}")
    if policy.digest != signed.policy_digest:
        if not signed.additions:
            return Check(
                name, False, f"{certificate.level} is by a policy that calls itself {policy.name}, but is another"
            )
        return Check(name, True, f"{certificate.level} as signed; not judged again, policies of plugins differ here")
    judged = judge([evolve(finding, verdict="not-assessed") for finding in certificate.findings], policy)
    for kept, again_judged in zip(certificate.findings, judged, strict=True):
        decided = again_judged.verdict != "not-assessed"  # where no number decides, the validator's own verdict stays
        if (decided and kept.verdict != again_judged.verdict) or kept.threshold != again_judged.threshold:
            what = f"{kept.check} of {kept.variable or 'the dataset'}"
            return Check(
                name, False, f"{what} is signed as {kept.verdict!r}, but its value {kept.value} is not judged so"
            )
    again = grade(certificate.findings, policy)
    if again.level != certificate.level:
        return Check(name, False, f"{certificate.level} is signed, but the findings give {again.level}")
    if (again.score, again.reasons) != (certificate.score, certificate.reasons):
        return Check(name, False, f"score {certificate.score} is signed, but the findings give {again.score}")
    if scores(certificate.findings, policy) != certificate.scores:
        return Check(name, False, "the signed scores are not those of the findings")
    return Check(name, True, f"{len(judged)} findings give {again.level} again, by policy {policy.name}")


def _against_original(request: VerifyRequest, store: Path, plan: Plan) -> Iterator[Check]:
    if request.original is None:
        return
    import zarr

    processing: dict[str, list[tuple[Callable[..., Any], Mapping[str, Any]]]] = {}
    for variable in plan.variables:
        for use in variable.processors:
            try:
                function = request.catalog.processor(use.name).load()
            except CdtError as error:
                yield Check("values against the original", False, f"{variable.name!r} cannot be compared: {error}")
                return
            processing.setdefault(variable.name, []).append((function, use.parameters))
    request.progress.stage("verify against the original", 0)
    group = zarr.open_group(store, mode="r")
    yield check_values(request.original, group, plan, processing, request.executor.map)
