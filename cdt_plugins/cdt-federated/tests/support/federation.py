"""A small federation for tests: seeded keys, sites that send a vector of their own."""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cdt_federated.rounds import Coordinator, Member, PlainExchange, PlainParty, Roster, Site, Terms

LENGTH = 5


@cache
def key_of(name):
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


@cache
def roster_of(count, federation="trial"):
    sites = tuple(Member.of(f"site-{n}", key_of(f"site-{n}"), weight=n + 1.0) for n in range(count))
    return Roster(federation, Member.of("server", key_of("server")), sites)


def vector_of_site(name, round_):
    seed = int.from_bytes(hashlib.sha256(f"{name}/{round_}".encode()).digest()[:4], "little")
    return np.random.default_rng(seed).normal(size=LENGTH)


def join(opening):
    return PlainParty(lambda: vector_of_site(opening.site, opening.round), LENGTH)


def plain(opening):
    return PlainExchange(opening.sites, LENGTH)


def sites_of(roster, joining=join):
    return [Site(name, key_of(name), roster, joining) for name in roster.names]


def coordinator_of(roster, terms=None, **more):
    return Coordinator(roster, key_of("server"), terms if terms is not None else Terms(), **more)


def expected_mean(names, round_):
    return np.mean([vector_of_site(name, round_) for name in names], axis=0)
