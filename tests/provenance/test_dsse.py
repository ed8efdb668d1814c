"""Signed envelopes, and canonical documents to put into them."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cdt_core.errors import CertificateError
from cdt_core.provenance.document import canonical
from cdt_core.provenance.dsse import opened, pae, sealed
from cdt_core.provenance.keys import public_pem

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def test_pre_authentication_encoding_is_the_protocols_own_example():
    assert (
        pae("http://example.com/HelloWorld", b"hello world")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_an_envelope_opens_with_its_key_alone():
    envelope = sealed(b"payload", KEY)
    assert opened(envelope, public_pem(KEY), "here") == b"payload"
    with pytest.raises(CertificateError, match="here: the signature does not hold"):
        opened(envelope, public_pem(Ed25519PrivateKey.generate()), "here")


def test_any_change_is_seen():
    envelope = sealed(b"payload", KEY)
    changed = {**envelope, "payload": base64.b64encode(b"Payload").decode()}
    with pytest.raises(CertificateError, match="does not hold"):
        opened(changed, public_pem(KEY), "here")
    with pytest.raises(CertificateError, match="payload is"):
        opened({**envelope, "payloadType": "text/plain"}, public_pem(KEY), "here")


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"payloadType": "x"},
        {"payloadType": "x", "payload": "%%%", "signatures": []},
        {"payloadType": "x", "payload": "", "signatures": [3]},
    ],
)
def test_what_is_no_envelope_is_refused(broken):
    with pytest.raises(CertificateError, match="here"):
        opened(broken, public_pem(KEY), "here")


def test_the_same_tree_gives_the_same_bytes():
    tree = {"b": [1, 2.5, float("nan")], "a": {"x": float("-inf"), "é": np.float32(1.5)}}
    text = canonical(tree)
    assert text == canonical({"a": tree["a"], "b": tree["b"]})
    assert json.loads(text) == {"a": {"x": "-Infinity", "é": 1.5}, "b": [1, 2.5, "NaN"]}
    assert text.isascii()
