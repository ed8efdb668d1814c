"""Make, sign, write and read certificates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from cdt_core.certify.evidence import Evidence
from cdt_core.certify.judge import judge
from cdt_core.certify.policy import Policy
from cdt_core.certify.score import grade, scores
from cdt_core.certify.statement import PREDICATE_TYPE, STATEMENT_TYPE, statement_of
from cdt_core.errors import CertificateError
from cdt_core.model import Certificate
from cdt_core.model.serial import from_tree
from cdt_core.provenance.document import canonical
from cdt_core.provenance.dsse import opened, sealed
from cdt_core.provenance.keys import key_id, public_pem

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["CertificateFile", "certificate_text", "certify", "read_certificate", "signed"]


def certify(evidence: Evidence, policy: Policy) -> Certificate:
    """Judge, score and state: a pure function. Missing evidence lowers the level and never raises it."""
    findings = judge(evidence.findings, policy)
    found, result = scores(findings, policy), grade(findings, policy)
    statement = statement_of(evidence, findings, policy, result, found)
    return Certificate(
        level=result.level,
        score=result.score,
        scores=found,
        findings=findings,
        reasons=result.reasons,
        limits=tuple(statement["predicate"]["limits"]),
        statement=statement,
    )


def signed(certificate: Certificate, key: Ed25519PrivateKey) -> Certificate:
    """The certificate with its signed envelope."""
    return evolve(certificate, envelope=sealed(canonical(certificate.statement), key))


def certificate_text(certificate: Certificate, leaves: Mapping[str, str], key: Ed25519PrivateKey) -> str:
    """``certificate.json``: the DSSE envelope, as any verifier of DSSE reads it, and beside it what it takes to check.

    ``cdt.public_key`` is the key that signed, and ``cdt.leaves`` the SHA-256 of each file of ``data.zarr``, whose Merkle root
    is in the signed statement. DSSE has readers ignore fields that they do not know.
    """
    document = {**certificate.envelope, "cdt": {"public_key": public_pem(key), "leaves": dict(sorted(leaves.items()))}}
    return json.dumps(document, indent=1) + "\n"


@frozen
class CertificateFile:
    """A ``certificate.json`` whose signature holds: the certificate, who signed, and the digests of the store's files."""

    certificate: Certificate
    key_id: str
    leaves: Mapping[str, str]
    statement: Mapping[str, Any]


def read_certificate(path: Path, public_key: str | None = None) -> CertificateFile:
    """Read and check a certificate; ``public_key`` (PEM) must have signed it, or else the key inside.

    Raises
    ------
    CertificateError
        Unreadable, malformed, of another version, or the signature does not hold.
    """
    try:
        document = json.loads(path.read_bytes())
        extra = document["cdt"]
        inside, leaves = extra["public_key"], dict(extra["leaves"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CertificateError(f"{path}: cannot be read as a certificate: {error}") from error
    for name, digest in leaves.items():
        if not (_is_inside(name) and _is_digest(digest)):
            raise CertificateError(f"{path}: 'leaves' has {name!r}, which is no file of the store with a SHA-256")
    pem = public_key if public_key is not None else inside
    if not isinstance(pem, str):
        raise CertificateError(f"{path}: 'public_key' is not PEM text")
    payload = opened(document, pem, str(path))
    try:
        statement = json.loads(payload)
        kinds = (statement["_type"], statement["predicateType"])
        if kinds != (STATEMENT_TYPE, PREDICATE_TYPE):
            raise CertificateError(f"{path}: the statement is of type {kinds}; a newer release may read it")
        certificate = _certificate(statement, document, str(path))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CertificateError(f"{path}: what is signed is no statement of a treatment: {error}") from error
    return CertificateFile(certificate, key_id(pem), leaves, statement)


def _certificate(statement: Mapping[str, Any], document: Mapping[str, Any], where: str) -> Certificate:
    predicate = statement["predicate"]
    kept = ("level", "score", "scores", "reasons", "limits")
    return from_tree(
        {
            **{key: predicate[key] for key in kept},
            "findings": predicate["findings"],
            "statement": statement,
            "envelope": {key: value for key, value in document.items() if key != "cdt"},
        },
        Certificate,
        where,
        CertificateError,
    )


def _is_inside(name: str) -> bool:
    """True for a path that stays in its folder, of Unicode that the file system and the Merkle tree take."""
    parts = name.split("/")
    return not {"", ".", ".."} & set(parts) and "\0" not in name and not any("\ud800" <= c <= "\udfff" for c in name)


def _is_digest(text: Any) -> bool:
    return isinstance(text, str) and len(text) == 64 and all(letter in "0123456789abcdef" for letter in text)
