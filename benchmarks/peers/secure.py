"""Secure sums beside a popular framework's: ``python -m benchmarks.peers.secure [--only all-pairs,sparse,peer] [--json FILE]``.

One round in this process: 100 sites, 1,000,000 values of ``uint32``, 10 sites that drop after they have dealt their shares, so
that all their pair masks must be taken off. CPU seconds of the coordinator and of one site, and bytes that one site sends and
is sent. All pairs against an active coordinator; sparse for 5 % of corrupted sites and a curious coordinator.

The peer is Flower's SecAgg+: its own functions for a mask, for dealing and combining shares and for agreeing on a key, each
timed here and multiplied by how often one round of the same size calls it (``pip install flwr``); its messages, serialisation
and additions come on top and are not counted. Every figure of the peer is therefore extrapolated, and too low. Its masks have
seeds of 32 bits: ``pseudo_rand_gen`` folds the key into one word, ours have 256.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import mean
from typing import Any

import attrs
import numpy as np

from benchmarks.peers.summary import Row
from benchmarks.peers.table import main
from cdt_core.kernels import _lattice
from cdt_privacy.secure import SEMI_HONEST, Identity, Roster, SecureParty, SecureSum, Sparse, Terms

SITES, LENGTH, DROPPED = 100, 1_000_000, 10
NAMES = tuple(f"site-{index:03d}" for index in range(SITES))
#: Rounds of which the least times count, after one that does not.
ROUNDS = 2


@attrs.define
class Cost:
    """CPU seconds of the coordinator and of all sites, bytes sent and received by each site that stays."""

    coordinator: float = 0.0
    sites: float = 0.0
    sent: list[int] = attrs.field(factory=list)
    received: list[int] = attrs.field(factory=list)

    def spent(self, who: str, call: Callable[..., Any], *arguments: Any) -> Any:
        start = time.process_time()
        result = call(*arguments)
        setattr(self, who, getattr(self, who) + time.process_time() - start)
        return result


def round_of(sparse: Sparse | None) -> Cost:
    """One round, checked; every tenth site is silent from ``masked`` on."""
    identities = [Identity.fresh(name) for name in NAMES]
    roster = Roster({identity.site: identity.public for identity in identities})
    terms = Terms("round", NAMES, LENGTH, adversary=SEMI_HONEST if sparse else "active", sparse=sparse)
    update, cost = np.arange(LENGTH, dtype=np.uint32), Cost()
    parties = {one.site: SecureParty(one, roster, terms, update) for one in identities}
    silent = set(NAMES[5 :: SITES // DROPPED])
    exchange = cost.spent("coordinator", SecureSum, terms, roster)
    requests = cost.spent("coordinator", exchange.begin)
    sent, received = dict.fromkeys(NAMES, 0), dict.fromkeys(NAMES, 0)
    for stage in exchange.stages:
        for site, request in requests.items():
            if not (stage == "masked" and site in silent):
                answer = cost.spent("sites", parties[site].answer, stage, request)
                cost.spent("coordinator", exchange.receive, stage, site, answer)
                sent[site] += len(answer)
                received[site] += len(request)
        requests = cost.spent("coordinator", exchange.close, stage)
    total = cost.spent("coordinator", exchange.result)
    stayed = SITES - DROPPED
    if len(exchange.survivors) != stayed or not np.array_equal(total, stayed * update):
        raise AssertionError("the round's sum is wrong")
    cost.sent, cost.received = ([count[site] for site in exchange.survivors] for count in (sent, received))
    return cost


def rows_of(what: str, sparse: Sparse | None, must: float, aim: float) -> Iterator[Row]:
    costs = [round_of(sparse) for _ in range(ROUNDS + 1)][1:]
    best = min(cost.coordinator for cost in costs)
    yield Row(f"{what}: coordinator, s", (must,), (aim,), (best,), at_most=True)
    site = min(cost.sites for cost in costs) / SITES
    yield Row(f"{what}: one site, ms", (), (200.0,), (1e3 * site,), at_most=True)
    overhead = mean(costs[0].sent) / (4 * LENGTH), (mean(costs[0].sent) + mean(costs[0].received)) / (4 * LENGTH)
    yield Row(f"{what}: bytes of a site / its vector: sent, and received too", (), (1.01, 1.02), overhead, at_most=True)


def all_pairs() -> Iterator[Row]:
    return rows_of("all pairs", None, 2.0, 0.8)


def sparse() -> Iterator[Row]:
    return rows_of("sparse", Sparse.for_sites(SITES, corrupt=0.05, dropout=DROPPED / SITES), 0.8, 0.4)


def least(call: Callable[[], Any], repeats: int = 5) -> float:
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def peer() -> Iterator[Row]:
    """How many times longer Flower's own functions take for the masks, shares and keys of the same round."""
    from flwr.common.secure_aggregation.crypto.shamir import combine_shares, create_shares
    from flwr.common.secure_aggregation.crypto.symmetric_encryption import generate_shared_key
    from flwr.common.secure_aggregation.secaggplus_utils import pseudo_rand_gen
    from flwr.supercore.primitives.asymmetric import generate_key_pairs

    secret, threshold = bytes(range(32)), 2 * SITES // 3 + 1
    shares = create_shares(secret, threshold, SITES)
    (private, _), (_, public) = generate_key_pairs(), generate_key_pairs()
    mask = least(lambda: pseudo_rand_gen(secret, 1 << 32, [(LENGTH,)]))
    deal = least(lambda: create_shares(secret, threshold, SITES), 2)
    combine = least(lambda: combine_shares(shares[:threshold]), 2)
    agree = least(lambda: generate_shared_key(private, public), 20)
    pairs, survivors = DROPPED * (SITES - DROPPED), SITES - DROPPED
    coordinator = (pairs + survivors) * mask + pairs * agree + SITES * combine
    site = SITES * mask + 2 * deal + 2 * (SITES - 1) * agree
    cost = min((round_of(None) for _ in range(2)), key=lambda cost: cost.coordinator)
    figure = f"Flower's masks, shares and keys ({coordinator:.0f} s, {site:.1f} s) / our round: coordinator, site"
    yield Row(figure, (20.0, 5.0), (50.0, 15.0), (coordinator / cost.coordinator, site / (cost.sites / SITES)))


PARTS = {"all-pairs": all_pairs, "sparse": sparse, "peer": peer}

if __name__ == "__main__":
    main(__doc__ or "", PARTS, _lattice.kernels_name)
