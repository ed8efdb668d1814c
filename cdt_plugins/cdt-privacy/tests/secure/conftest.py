"""A federation in one process: its sites, their vectors, and a round in which any site may go silent from any stage on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

import attrs
import numpy as np
import pytest

from cdt_privacy.secure import Identity, Roster, SecureParty, SecureSum, Terms

NEVER = 5


class Federation:
    """Sites ``site-00`` and so on, with known keys and vectors drawn from a seed."""

    def __init__(self, sites: int = 4, length: int = 5, *, round_name: str = "round 1", **terms: object) -> None:
        names = [f"site-{index:02d}" for index in range(sites)]
        self.identities = {name: Identity.from_bytes(name, hashlib.sha256(name.encode()).digest()) for name in names}
        self.roster = Roster({name: identity.public for name, identity in self.identities.items()})
        self.terms = Terms(round_name, names, length, **terms)
        draw = np.random.default_rng(sites)
        top = 2**self.terms.bits
        self.updates = {name: draw.integers(0, top, length, self.terms.dtype) for name in names}

    def party(self, site: str, terms: Terms | None = None) -> SecureParty:
        return SecureParty(self.identities[site], self.roster, terms or self.terms, self.updates[site])

    def parties(self) -> dict[str, SecureParty]:
        return {site: self.party(site) for site in self.terms.sites}

    def exchange(self) -> SecureSum:
        return SecureSum(self.terms, self.roster)

    def sum_of(self, sites) -> np.ndarray:
        return np.sum([self.updates[site] for site in sites], axis=0, dtype=self.terms.dtype)


@attrs.define
class Course:
    """What was said in a round: by stage and site the request and the answer."""

    exchange: SecureSum
    requests: dict[str, Mapping[str, bytes]] = attrs.field(factory=dict)
    answers: dict[str, dict[str, bytes]] = attrs.field(factory=dict)


def run(exchange, parties, *, silent_from: Mapping[str, int] | None = None, until: str | None = None) -> Course:
    """Run a round, all of it or up to the requests of ``until``; a site answers the stages before its ``silent_from``."""
    course, requests = Course(exchange), exchange.begin()
    for number, stage in enumerate(exchange.stages):
        course.requests[stage], course.answers[stage] = requests, {}
        if stage == until:
            break
        for site, request in requests.items():
            if (silent_from or {}).get(site, NEVER) > number:
                course.answers[stage][site] = answer = parties[site].answer(stage, request)
                exchange.receive(stage, site, answer)
        requests = exchange.close(stage)
    return course


@pytest.fixture(scope="session")
def federation() -> Callable[..., Federation]:
    return Federation


@pytest.fixture(scope="session")
def run_round() -> Callable[..., Course]:
    return run
