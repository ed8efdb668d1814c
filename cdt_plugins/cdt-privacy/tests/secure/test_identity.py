"""A roster says whose signature is whose."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cdt_core.errors import FederatedError, ProtocolError
from cdt_privacy.secure import Identity, Roster


def test_a_signature_is_one_sites_for_one_text():
    one, two = Identity.fresh("one"), Identity.fresh("two")
    roster = Roster({"one": one.public, "two": two.public})
    signature = one.sign(b"text")
    roster.verify("one", signature, b"text")
    for site, wrong, text in [
        ("two", signature, b"text"),
        ("one", signature, b"texts"),
        ("one", bytes(64), b"text"),
        ("one", b"", b""),
    ]:
        with pytest.raises(ProtocolError, match=f"not one of site '{site}'"):
            roster.verify(site, wrong, text)
    with pytest.raises(ProtocolError, match="'three' is not on the roster"):
        roster.verify("three", signature, b"text")


def test_an_identity_is_kept_as_bytes_and_not_shown():
    identity = Identity.fresh("one")
    again = Identity.from_bytes("one", identity.to_bytes())
    assert again.public == identity.public
    assert again.sign(b"x") == identity.sign(b"x")
    assert identity.to_bytes().hex() not in repr(identity)
    assert Identity.fresh("one").public != identity.public


def test_a_roster_is_what_it_was_made_of():
    keys = {name: Identity.fresh(name).public for name in ("b", "a")}
    roster = Roster(keys)
    keys["c"] = bytes(32)
    assert list(roster.keys) == ["a", "b"]
    assert roster == Roster(dict(roster.keys))
    with pytest.raises(TypeError):
        roster.keys["a"] = b""


def test_keys_that_are_none_are_refused():
    key = Identity.fresh("one").public
    with pytest.raises(FederatedError, match="'one' and 'two' have the same key"):
        Roster({"one": key, "two": key})
    with pytest.raises(FederatedError, match="has 31 bytes"):
        Roster({"one": key[:31]})
    for secret, found in ((bytes(33), "33 bytes"), (None, "NoneType"), ("x" * 32, "str")):
        with pytest.raises(FederatedError, match=f"is {found}; Ed25519 keys are 32 bytes"):
            Identity.from_bytes("one", secret)
    for wrong in (None, {"one": "key"}, {"one": 32}, [("one", key)]):
        with pytest.raises(FederatedError, match="give such a dictionary"):
            Roster(wrong)
    for name in ("", "x" * 256, "\ud800", 7, None):
        with pytest.raises(FederatedError, match="no name of a site"):
            Identity.fresh(name)


#: y of the two points of order 8 whose y is less than their negatives'.
EIGHTH = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
PRIME = 2**255 - 19


def forged(key, text):
    """Whether a signature that needs no secret passes for the key: the neutral element and zero."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(b"\1" + bytes(63), text)
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize("sign", [0, 2**255])
@pytest.mark.parametrize(
    "y", [0, 1, PRIME - 1, int.from_bytes(EIGHTH, "little"), PRIME - int.from_bytes(EIGHTH, "little")]
)
def test_a_key_for_which_anyone_can_sign_is_on_no_roster(y, sign):
    key = (y + sign).to_bytes(32, "little")
    # The library refuses one of them itself: x is 0 there, and the bit says that it is odd.
    assert y + sign == PRIME - 1 + 2**255 or any(forged(key, b"text %d" % number) for number in range(200))
    with pytest.raises(
        FederatedError, match="key of site 'one' is no public key, or one whose signatures anyone can make"
    ):
        Roster({"one": key})


@pytest.mark.parametrize("y", [2, 7, PRIME + 3, 2**255 - 1])
def test_bytes_that_are_no_point_are_on_no_roster(y):
    with pytest.raises(FederatedError, match="is no public key"):
        Roster({"one": y.to_bytes(32, "little")})


def test_every_sites_key_is_a_key():
    Roster({(site := f"site-{number}"): Identity.fresh(site).public for number in range(300)})
