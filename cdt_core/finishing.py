"""The end of a treatment: certificate, report and crate around the finished store."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from cdt_core import __version__
from cdt_core.certify.certificate import certificate_text, certify, signed
from cdt_core.certify.evidence import Evidence, PluginVersion
from cdt_core.certify.policy import Policy
from cdt_core.errors import TreatmentError
from cdt_core.execute.fold import VariableResult
from cdt_core.hooks.manager import Catalog
from cdt_core.model import Finding, Plan, Profile, Treatment
from cdt_core.model.serial import to_json
from cdt_core.preview import previews_of
from cdt_core.provenance.crate import CrateContent, crate_document
from cdt_core.provenance.document import readable
from cdt_core.provenance.inputs import FileDigests, InputDigest
from cdt_core.provenance.keys import key_id, public_pem
from cdt_core.provenance.merkle import file_digest, leaves_of_folder, merkle_root
from cdt_core.readers.stored import StoredDataset
from cdt_core.report.content import ReportContent
from cdt_core.report.render import render
from cdt_core.store.output import PartialOutput

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["Finished", "finish"]

#: Libraries whose versions the report and the crate name.
_LIBRARIES = ("numpy", "zstandard", "zarr", "xarray", "scipy")


@frozen(eq=False, kw_only=True)
class Finished:
    """A store whose chunks are all written, with what is needed to certify it. ``begin`` is of ``time.perf_counter``."""

    dataset: StoredDataset
    profile: Profile
    plan: Plan
    catalog: Catalog
    digests: FileDigests
    policy: Policy
    key: Ed25519PrivateKey
    results: Mapping[str, VariableResult]
    findings: tuple[Finding, ...]
    begin: float
    started: datetime
    workers: int = 1


def finish(done: Finished, output: PartialOutput) -> Treatment:
    """Certify, sign, report, describe, and give the folder its name."""
    leaves = _leaves(done, output)
    (output.path / "plan.json").write_text(to_json(done.plan.recorded), encoding="utf-8")
    outcomes = tuple(result.outcome for result in done.results.values())
    evidence = Evidence(
        findings=done.findings,
        plan=done.plan,
        outcomes=outcomes,
        specs=done.dataset.specs,
        inputs=_inputs(done),
        leaves=leaves,
        plan_digest=file_digest(output.path / "plan.json"),
        engine_version=__version__,
        plugins=tuple(
            PluginVersion(record.name, record.distribution, record.version)
            for record in done.catalog.plugins
            if record.status == "active"
        ),
    )
    certificate = signed(certify(evidence, done.policy), done.key)
    text = certificate_text(certificate, leaves, done.key)
    (output.path / "certificate.json").write_text(text, encoding="utf-8")
    seconds = time.perf_counter() - done.begin
    spent = {name: result.seconds / done.workers for name, result in done.results.items() if result.seconds}
    treatment = Treatment(output.target, done.plan, outcomes, certificate, seconds, spent)
    _describe(done, output, treatment, evidence)
    output.commit()
    return treatment


def _leaves(done: Finished, output: PartialOutput) -> dict[str, str]:
    """SHA-256 of each file of the store, read back from the disk; the chunks must be what was checked in memory."""
    written = {path: digest for result in done.results.values() for path, digest in result.leaves.items()}
    metadata = {path.relative_to(output.store).as_posix() for path in output.store.rglob("zarr.json")}
    output.keep_only(set(written) | metadata)
    leaves = leaves_of_folder(output.store)
    for path, digest in written.items():
        if leaves.get(path) != digest:
            raise TreatmentError(
                f"{output.target}: the file {path} of the store is not what was written; the disk or another program changed it"
            )
    return leaves


def _inputs(done: Finished) -> tuple[InputDigest, ...]:
    if done.dataset.files:
        return done.digests.result()
    return tuple(
        InputDigest(name, result.outcome.raw_bytes, result.input_digest, "sha256OfChunks")
        for name, result in done.results.items()
        if result.input_digest
    )


def _describe(done: Finished, output: PartialOutput, treatment: Treatment, evidence: Evidence) -> None:
    """``report.html`` and ``ro-crate-metadata.json``."""
    root: Mapping[str, Any] = done.dataset.attributes.get("", {})
    is_one = done.dataset.files and len(evidence.inputs) == 1
    source = evidence.inputs[0].name if is_one else readable(done.dataset.source)
    title = str(root.get("title") or source or "dataset in memory")
    software = _software(done.catalog)
    report = ReportContent(
        treatment=evolve(treatment, path=Path(readable(str(treatment.path)))),
        title=title,
        source=source or "dataset in memory",
        specs=done.dataset.specs,
        profiles={profile.name: profile for profile in done.profile.variables},
        previews=previews_of(done.dataset, treatment, output.store),
        inputs=tuple((item.name, item.bytes, f"{item.algorithm} {item.digest}") for item in evidence.inputs),
        attributes=root,
        software=software,
        started=done.started.isoformat(timespec="seconds"),
        key_id=key_id(public_pem(done.key)),
    )
    (output.path / "report.html").write_text(render(report), encoding="utf-8")
    content = CrateContent(
        title=title,
        description=f"{title}, treated by cdt {__version__}: {treatment.ratio:.2f} times smaller, "
        f"level {treatment.certificate.level}",
        inputs=evidence.inputs,
        variables=[
            (spec.name, str(spec.attributes.get("long_name", spec.attributes.get("standard_name", ""))), spec.units)
            for spec in done.dataset.specs.values()
        ],
        attributes=root,
        software=software,
        started=done.started.isoformat(timespec="seconds"),
        ended=datetime.now(UTC).isoformat(timespec="seconds"),
        level=treatment.certificate.level,
        stored_bytes=treatment.stored_bytes,
        merkle_root=merkle_root(evidence.leaves),
    )
    (output.path / "ro-crate-metadata.json").write_text(crate_document(output.path, content), encoding="utf-8")


def _software(catalog: Catalog) -> dict[str, str]:
    versions = {"cdt": __version__, "Python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    for record in catalog.plugins:
        if record.status == "active" and record.distribution not in ("", "cdt"):
            versions[record.distribution] = record.version
    return versions
