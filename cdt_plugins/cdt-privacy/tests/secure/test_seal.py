"""What was sealed is opened by its own site, as what it is, and whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import FederatedError, ProtocolError
from cdt_privacy.secure import Identity
from cdt_privacy.secure.seal import Seal

SEAL, IDENTITY = Seal(b"kind 1", " of one kind", "one kind"), Identity.from_bytes("site-a", bytes(32))


@given(st.binary(max_size=100))
def test_what_was_sealed_is_opened(plain):
    saved = SEAL.closed(plain, IDENTITY, "7")
    assert SEAL.opened(saved, IDENTITY).fixed(len(plain)) == plain
    assert saved != SEAL.closed(plain, IDENTITY, "7")


@given(st.integers(0, 50), st.integers(1, 255))
def test_what_was_changed_or_cut_is_refused(at, change):
    saved = bytearray(SEAL.closed(bytes(20), IDENTITY, "7"))
    with pytest.raises(ProtocolError, match="saved state of site 'site-a'"):
        SEAL.opened(bytes(saved[: at % len(saved)]), IDENTITY)
    saved[at % len(saved)] ^= change
    with pytest.raises(ProtocolError, match="saved state of site 'site-a'"):
        SEAL.opened(bytes(saved), IDENTITY)


@pytest.mark.parametrize(
    ("seal", "identity", "said"),
    [
        (Seal(b"kind 2", " of one kind", "another kind"), IDENTITY, "not the state of a site in another kind"),
        (Seal(b"kind 1", " of another kind", "another kind"), IDENTITY, "changed, cut, or is another site's"),
        (SEAL, Identity.fresh("site-a"), "changed, cut, or is another site's"),
        (SEAL, Identity.fresh("site-b"), "'site-b': it was changed, cut, or is another site's"),
    ],
)
def test_what_is_of_another_kind_or_site_is_refused(seal, identity, said):
    with pytest.raises(ProtocolError, match=said):
        seal.opened(SEAL.closed(b"mine", IDENTITY, "7"), identity)


def test_more_than_the_library_takes_is_refused(monkeypatch):
    monkeypatch.setattr("cdt_privacy.secure.seal._MOST_BYTES", 3)
    with pytest.raises(FederatedError, match="round '7': a state of 4 bytes, and 3 can be saved"):
        SEAL.closed(b"mine", IDENTITY, "7")
