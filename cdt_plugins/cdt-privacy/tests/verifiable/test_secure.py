"""Over a real secure sum: masks hide the updates and the blindings, a site drops out, and the sum of the others verifies."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from cdt_core.errors import ProtocolError
from cdt_privacy import secure
from cdt_privacy.verifiable import Contributor, Terms, verify_sum

NAMES = ("basel", "berlin", "lyon", "torino")
TERMS = Terms.with_norm_bound("study-7/round-1", 30, 200, projections=2, honest_failure=1e-6)


def contributors() -> dict[str, Contributor]:
    drawn = np.random.default_rng(5).integers(-20, 20, (len(NAMES), TERMS.length))
    return {name: Contributor(TERMS, name, update) for name, update in zip(NAMES, drawn, strict=True)}


def secure_sum(sites: dict[str, Contributor], *, silent: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The centred sum of the sites' vectors, one of them falling silent before it sends its masked vector."""
    identities = {name: secure.Identity.from_bytes(name, hashlib.sha256(name.encode()).digest()) for name in sites}
    roster = secure.Roster({name: identity.public for name, identity in identities.items()})
    terms = secure.Terms(TERMS.round, NAMES, TERMS.carried_length)
    exchange = secure.SecureSum(terms, roster)
    parties = {
        name: secure.SecureParty(identities[name], roster, terms, site.vector.astype(terms.dtype))
        for name, site in sites.items()
    }
    requests = exchange.begin()
    for number, stage in enumerate(exchange.stages):
        for site, asked in requests.items():
            if site != silent or number < 2:
                exchange.receive(stage, site, parties[site].answer(stage, asked))
        requests = exchange.close(stage)
    staying = tuple(name for name in NAMES if name not in exchange.dropped)
    return exchange.result().astype(np.int32).astype(np.int64), staying


def test_a_secure_sum_with_a_drop_out_verifies_and_another_does_not() -> None:
    sites = contributors()
    published, staying = secure_sum(sites, silent="berlin")
    assert staying == ("basel", "lyon", "torino")
    np.testing.assert_array_equal(published, sum(sites[name].vector for name in staying))
    seals = {name: sites[name].seal for name in staying}
    coins = {name: sites[name].reveal(published, seals) for name in staying}
    claims = {name: sites[name].claim(coins) for name in staying}
    verified = verify_sum(TERMS, published, seals, coins, claims)
    assert verified.sites == staying
    np.testing.assert_array_equal(verified.sum, sum(sites[name]._update for name in staying))

    sites = contributors()
    published, staying = secure_sum(sites, silent="berlin")
    published[3] -= 1
    seals = {name: sites[name].seal for name in staying}
    coins = {name: sites[name].reveal(published, seals) for name in staying}
    claims = {name: sites[name].claim(coins) for name in staying}
    with pytest.raises(ProtocolError, match="do not use it"):
        verify_sum(TERMS, published, seals, coins, claims)


def test_a_coordinator_that_tells_two_sums_convinces_nobody() -> None:
    """Each site opens its coin for the sum that it was told; claims about one sum are none about the other."""
    sites = {name: site for name, site in contributors().items() if name != "berlin"}
    seals = {name: site.seal for name, site in sites.items()}
    true = sum(site.vector for site in sites.values())
    other = true + np.eye(1, TERMS.carried_length, 4, np.int64)[0]
    told = {"basel": other, "lyon": true, "torino": true}
    coins = {name: site.reveal(told[name], seals) for name, site in sites.items()}
    claims = {name: site.claim(coins) for name, site in sites.items()}
    for published in (true, other):
        with pytest.raises(ProtocolError, match="it is about another published sum"):
            verify_sum(TERMS, published, seals, coins, claims)
