"""Dead Simple Signing Envelope (DSSE v1, secure-systems-lab/dsse) with Ed25519."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cdt_core.errors import CertificateError
from cdt_core.provenance.keys import key_id, public_from_pem, public_pem

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["PAYLOAD_TYPE", "opened", "pae", "sealed"]

PAYLOAD_TYPE = "application/vnd.in-toto+json"


def pae(payload_type: str, payload: bytes) -> bytes:
    """Pre-authentication encoding: the bytes that are signed."""
    kind = payload_type.encode()
    return b" ".join((b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload))


def sealed(payload: bytes, key: Ed25519PrivateKey) -> dict[str, Any]:
    """The signed envelope of an in-toto statement. Ed25519 is deterministic: the same payload and key give the same bytes."""
    signature = key.sign(pae(PAYLOAD_TYPE, payload))
    return {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.standard_b64encode(payload).decode(),
        "signatures": [{"keyid": key_id(public_pem(key)), "sig": base64.standard_b64encode(signature).decode()}],
    }


def opened(envelope: Mapping[str, Any], pem: str, where: str) -> bytes:
    """The payload, once a signature by the public key ``pem`` holds.

    Raises
    ------
    CertificateError
        The envelope is malformed, of another payload type, or not signed by that key; names ``where``.
    """
    from cryptography.exceptions import InvalidSignature

    try:
        kind = envelope["payloadType"]
        payload = base64.b64decode(envelope["payload"], validate=True)
        signatures = [base64.b64decode(entry["sig"], validate=True) for entry in envelope["signatures"]]
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise CertificateError(f"{where}: not a signed envelope: {error}") from error
    if kind != PAYLOAD_TYPE:
        raise CertificateError(f"{where}: the payload is {kind!r}, not {PAYLOAD_TYPE!r}")
    key = public_from_pem(pem, where)
    for signature in signatures:
        try:
            key.verify(signature, pae(kind, payload))
        except InvalidSignature:
            continue
        return payload
    raise CertificateError(f"{where}: the signature does not hold for key {key_id(pem)[:16]}")
