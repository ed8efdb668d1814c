"""What both sides of the loopback app know."""

from __future__ import annotations

import hashlib

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cdt_federated.rounds import Member, Roster
from cdt_federated.strategies import SCAFFOLD

LENGTH = 20_000
STRATEGY = SCAFFOLD(steps=5, rate=0.2)
SITES = ("north", "south")


def key_of(name):
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


ROSTER = Roster("loopback", Member.of("server", key_of("server")), tuple(Member.of(n, key_of(n)) for n in SITES))


def optimum_of(name):
    return np.arange(LENGTH) / LENGTH + SITES.index(name)
