"""The chain over its carriers: secure sums and encrypted sums give the sum that plain addition gives, drop-outs left out."""

import numpy as np
import pytest

from cdt_core.hooks import Aggregator
from cdt_privacy.chain import Combination, Contribution, PrivateSum, Target
from cdt_privacy.homomorphic import DecryptingParty, EncryptedParty, EncryptedSum, KeyHolder
from cdt_privacy.homomorphic import Terms as EncryptedTerms
from cdt_privacy.secure import Identity, Roster, SecureParty, SecureSum, Terms

MEAN = Aggregator(name="mean", function="cdt_robust.mean:weighted_mean", additive=True)
NAMES = [f"site-{number}" for number in range(7)]
LOST = "site-3"


def secure_sum(rings):
    identities = [Identity.fresh(name) for name in NAMES]
    roster = Roster({one.site: one.public for one in identities})
    terms = Terms("round 1", roster.keys, length=rings[0].size)
    parties = {one.site: SecureParty(one, roster, terms, ring) for one, ring in zip(identities, rings, strict=True)}
    exchange = SecureSum(terms, roster)
    requests = exchange.begin()
    for stage in exchange.stages:
        for name, request in requests.items():
            if not (stage == "masked" and name == LOST):
                exchange.receive(stage, name, parties[name].answer(stage, request))
        requests = exchange.close(stage)
    return exchange


def encrypted_sum(rings):
    holder, terms = KeyHolder(), EncryptedTerms(round="1", length=rings[0].size, sites=7, least_sites=5)
    exchange = EncryptedSum(holder.public, terms, NAMES, key_holder="notary")
    for (name, request), ring in zip(exchange.begin().items(), rings, strict=True):
        if name != LOST:
            exchange.receive("encrypted", name, EncryptedParty(holder.public, terms, ring).answer("encrypted", request))
    request = exchange.close("encrypted")["notary"]
    exchange.receive("decrypted", "notary", DecryptingParty(holder, terms).answer("decrypted", request))
    exchange.close("decrypted")
    return exchange


@pytest.mark.parametrize(("carrier", "carried"), [("secure", secure_sum), ("encrypted", encrypted_sum)])
def test_a_private_round_with_a_drop_out(carrier, carried):
    combination = Combination(rule=MEAN, carrier=carrier, noise="distributed", sites=7, least_sites=5, colluding=1)
    chain = PrivateSum.plan(combination, Contribution(length=40, clip_norm=1.0), Target(epsilon=0.9, delta=1e-6))
    rings = [chain.site(np.full(40, 0.1)) for _ in NAMES]
    exchange = carried(rings)
    assert exchange.dropped == (LOST,)
    kept = [ring for name, ring in zip(NAMES, rings, strict=True) if name != LOST]
    np.testing.assert_array_equal(exchange.result(), chain.total(kept))
    release = chain.result(exchange.result(), sites_in=6)
    assert release.mechanism.shares == 5
    assert release.epsilon < 0.9
    assert np.abs(release.value - 0.6).max() < 6 * release.deviation
