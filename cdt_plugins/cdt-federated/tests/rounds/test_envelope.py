"""Nothing of a message can be changed, cut off or claimed for another sender."""

from __future__ import annotations

import pytest
from attrs import evolve
from federation import key_of, roster_of
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import ProtocolError
from cdt_federated.rounds.envelope import Envelope, Sealed, Shared

ROSTER = roster_of(3)
SENT = Envelope(
    federation="trial",
    round=7,
    stage="update",
    sequence=2,
    sender="site-1",
    recipient="server",
    about=bytes(range(32)),
    shared=Shared(b"to all"),
    own=b"to you",
)
MESSAGE = SENT.sealed(key_of("site-1"))
LIMIT = 4096


def test_what_is_sealed_is_read_back():
    sealed = Sealed.read(MESSAGE, LIMIT)
    assert evolve(sealed.envelope, shared=SENT.shared) == SENT
    assert sealed.envelope.shared.data == b"to all"
    assert sealed.is_from(ROSTER.site("site-1"))


def test_the_same_envelope_is_the_same_bytes():
    assert SENT.sealed(key_of("site-1")) == MESSAGE


def test_the_digest_by_which_it_is_answered_is_the_same_at_both_ends_and_of_this_message_alone():
    message, digest = SENT.sealed_with_digest(key_of("site-1"))
    assert (message, digest) == (MESSAGE, Sealed.read(MESSAGE, LIMIT).digest)
    for other in (evolve(SENT, own=b"to yo?"), evolve(SENT, shared=Shared(b"to al?")), evolve(SENT, round=8)):
        assert other.sealed_with_digest(key_of("site-1"))[1] != digest
    assert SENT.sealed_with_digest(key_of("site-2"))[1] != digest


def test_another_key_is_not_the_sender():
    assert not Sealed.read(SENT.sealed(key_of("site-2")), LIMIT).is_from(ROSTER.site("site-1"))


@given(at=st.integers(0, 8 * len(MESSAGE) - 1))
def test_any_flipped_bit_is_noticed(at):
    changed = bytearray(MESSAGE)
    changed[at // 8] ^= 1 << at % 8
    _refused(bytes(changed))


@given(count=st.integers(0, len(MESSAGE) - 1))
def test_any_truncation_is_noticed(count):
    _refused(MESSAGE[:count])


@given(more=st.binary(min_size=1, max_size=40))
def test_anything_behind_the_end_is_noticed(more):
    _refused(MESSAGE + more)


@given(garbage=st.binary(max_size=300))
def test_garbage_is_no_message(garbage):
    _refused(garbage)


def test_bytes_cannot_move_between_the_fields():
    """Own bytes that are claimed to be shared, at equal total length, have another signature."""
    moved = evolve(SENT, shared=Shared(b"to al"), own=b"lto you").sealed(key_of("site-2"))
    genuine_signature = MESSAGE[-64:]
    _refused(moved[:-64] + genuine_signature)


def test_more_than_the_limit_is_not_looked_at():
    with pytest.raises(ProtocolError, match=f"{len(MESSAGE)} bytes, where 50 are allowed"):
        Sealed.read(MESSAGE, 50)


def _refused(message):
    try:
        sealed = Sealed.read(message, LIMIT)
    except ProtocolError:
        return
    assert not sealed.is_from(ROSTER.site("site-1"))
