"""The group is of prime order, and nothing that others send gets in unless it lies there."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import PrivacyError, ProtocolError
from cdt_core.model.fields import FieldReader
from cdt_privacy.verifiable import commit, group
from cdt_privacy.verifiable.group import (
    IDENTITY,
    ORDER,
    Point,
    add,
    base_times,
    hashed_point,
    read_point,
    read_scalar,
    scalar_bytes,
    subtract,
    times,
)
from cdt_privacy.verifiable.pedersen import blinding_point, total

scalars = st.one_of(st.integers(-3, 3), st.integers(0, ORDER), st.sampled_from([ORDER - 1, ORDER, ORDER + 1, -ORDER]))


@settings(deadline=None, derandomize=True)
@given(scalars, scalars)
def test_scalars_are_modulo_the_order(left: int, right: int) -> None:
    assert add(base_times(left), base_times(right)) == base_times(left + right)
    assert subtract(base_times(left), base_times(right)) == base_times(left - right)
    assert times(left, base_times(right)) == base_times(left * right)


def test_the_order_is_the_order() -> None:
    assert times(ORDER - 1, base_times(1)) == subtract(IDENTITY, base_times(1))
    assert add(times(ORDER - 1, blinding_point()), blinding_point()) == IDENTITY
    assert times(5, IDENTITY) == IDENTITY
    assert add(IDENTITY, base_times(7)) == base_times(7)


def test_the_generator_is_that_of_rfc_8032() -> None:
    assert base_times(1).hex() == "58" + "66" * 31


def test_the_second_generator_comes_from_its_label_alone() -> None:
    assert blinding_point() != base_times(1)
    assert hashed_point(b"another label") not in (blinding_point(), base_times(1))
    assert blinding_point().hex() == "5f0fc4a4a2889cfa075bcb1de05fd3678b9b2cb46808aa44d9d40d1cb39d3f12"


@settings(deadline=None, derandomize=True)
@given(st.lists(st.tuples(scalars, scalars), max_size=4))
def test_commitments_add_up(pairs) -> None:
    assert total(commit(*pair) for pair in pairs) == commit(sum(v for v, _ in pairs), sum(r for _, r in pairs))


#: Points of order 1, 2, 4 and 8, and encodings that are not canonical (RFC 8032 section 5.1.3).
LOW_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
]


@pytest.mark.parametrize("encoding", LOW_ORDER)
def test_points_outside_the_group_are_refused(encoding) -> None:
    with pytest.raises(ProtocolError, match="claim: commitment 3 is no point of the group of prime order"):
        read_point(FieldReader(bytes.fromhex(encoding), "claim"), "commitment 3")


def test_a_point_with_a_part_of_low_order_is_refused() -> None:
    mixed = add(base_times(5), Point(bytes.fromhex(LOW_ORDER[4])))
    with pytest.raises(ProtocolError, match="is no point"):
        read_point(FieldReader(mixed, "claim"), "it")
    assert read_point(FieldReader(base_times(5), "claim"), "it") == base_times(5)


@pytest.mark.parametrize("wrong", [b"", b"abc", bytes.fromhex(LOW_ORDER[3]), b"\xff" * 32])
def test_bytes_that_are_no_point_are_an_error_of_ours(wrong) -> None:
    with pytest.raises(ProtocolError, match="should be a point of the group are none"):
        times(5, Point(wrong))


def test_scalars_are_canonical() -> None:
    assert read_scalar(FieldReader(scalar_bytes(-1), "claim"), "it") == ORDER - 1
    with pytest.raises(ProtocolError, match="is no scalar"):
        read_scalar(FieldReader(ORDER.to_bytes(32, "little"), "claim"), "it")


def test_a_missing_library_is_named_with_its_extra(monkeypatch) -> None:
    group._sodium.cache_clear()
    monkeypatch.setitem(sys.modules, "nacl", None)
    try:
        with pytest.raises(PrivacyError, match=r"pip install 'cdt-privacy\[verifiable\]'"):
            base_times(1)
    finally:
        group._sodium.cache_clear()


def test_a_minimal_libsodium_is_refused(monkeypatch) -> None:
    from nacl import bindings

    group._sodium.cache_clear()
    monkeypatch.setattr(bindings, "has_crypto_core_ed25519", False)
    try:
        with pytest.raises(PrivacyError, match="built without it"):
            base_times(1)
    finally:
        group._sodium.cache_clear()
