"""Keys for which anyone can make signatures are no keys."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cdt_core.model.public_keys import is_public_key

PRIME = 2**255 - 19
#: The points of order 1, 2, 4 and 8 (RFC 7748 and 8032 leave their refusal to the caller).
EIGHT = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
SMALL = (0, 1, PRIME - 1, EIGHT, PRIME - EIGHT)


def test_keys_that_somebody_made_are_keys():
    for seed in range(50):
        assert is_public_key(Ed25519PrivateKey.from_private_bytes(bytes([seed] * 32)).public_key().public_bytes_raw())


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", SMALL)
def test_points_of_small_order_are_none(y, sign):
    assert not is_public_key((y | sign << 255).to_bytes(32, "little"))


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33), None, "a" * 32, PRIME.to_bytes(32, "little"), b"\xff" * 32])
def test_bytes_that_are_no_point_are_none(key):
    assert not is_public_key(key)


def test_half_of_all_numbers_are_no_point():
    found = sum(is_public_key(y.to_bytes(32, "little")) for y in range(2, 1002))
    assert 400 < found < 600
