"""A coordinator cannot publish another sum, a site cannot bring in more than the bound, and no message counts twice."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import PrivacyError, ProtocolError
from cdt_privacy.verifiable import Contributor, Terms, verify_sum
from cdt_privacy.verifiable.claim import make_claim, read_claim
from cdt_privacy.verifiable.coins import common_seed, seal_of
from cdt_privacy.verifiable.contributor import blinding_sums
from cdt_privacy.verifiable.projection import digest_of

LENGTH = 40
SUMS = Terms(round="study/1", length=LENGTH)
NORMS = Terms.with_norm_bound("study/1", LENGTH, 100, projections=3, honest_failure=1e-6)
NAMES = ("basel", "lyon", "torino")


def updates(seed: int = 0):
    drawn = np.random.default_rng(seed).normal(size=(3, LENGTH))
    return np.rint(95 * drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.int64)


class Round:
    """One round of three sites, step by step; ``publish`` may change what the coordinator says."""

    def __init__(self, terms: Terms, vectors=None, publish=lambda total: total) -> None:
        self.terms = terms
        self.updates = updates() if vectors is None else vectors
        self.sites = {name: Contributor(terms, name, update) for name, update in zip(NAMES, self.updates, strict=True)}
        self.published = publish(sum(site.vector for site in self.sites.values()))
        self.seals = {name: site.seal for name, site in self.sites.items()}
        self.coins = {name: site.reveal(self.published, self.seals) for name, site in self.sites.items()}

    @property
    def seed(self) -> bytes:
        return common_seed(self.terms, self.published, self.seals, self.coins)

    def claims(self) -> dict[str, bytes]:
        return {name: site.claim(self.coins) for name, site in self.sites.items()}

    def verify(self, claims, **changes):
        values = {"published": self.published, "seals": self.seals, "coins": self.coins, **changes}
        return verify_sum(self.terms, values["published"], values["seals"], values["coins"], claims)


@cache
def finished(terms: Terms):
    """A round whose claims are made."""
    done = Round(terms)
    return done, done.claims()


@pytest.mark.parametrize("terms", [SUMS, NORMS])
def test_an_honest_round_verifies(terms) -> None:
    done, claims = finished(terms)
    verified = done.verify(claims)
    np.testing.assert_array_equal(verified.sum, done.updates.sum(axis=0))
    assert verified.sites == NAMES
    assert verified.seed == done.seed


def test_limbs_add_up_to_the_sum_of_blindings() -> None:
    done, _ = finished(NORMS)
    secret = [sum(site.own.blindings[row] for site in done.sites.values()) for row in range(NORMS.rows)]
    assert blinding_sums(NORMS, done.published) == secret
    for site in done.sites.values():
        limbs = site.vector[LENGTH:]
        assert len(site.vector) == NORMS.carried_length
        assert 0 <= limbs.min() <= limbs.max() < 1 << 16


def other_sums():
    def bump(total):
        total[7] += 1
        return total

    def swap(total):
        total[[0, 1]] = total[[1, 0]]
        return total

    def blind(total):
        total[LENGTH] += 1
        return total

    return [bump, swap, blind, lambda total: 2 * total, lambda total: 0 * total, np.negative]


@pytest.mark.parametrize("terms", [SUMS, NORMS])
@pytest.mark.parametrize("change", range(6))
def test_another_sum_is_refused(terms, change) -> None:
    done = Round(terms, publish=other_sums()[change])
    with pytest.raises(ProtocolError, match=r"is not the sum of what 3 sites committed to .* do not use it"):
        done.verify(done.claims())


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.integers(0, LENGTH - 1), st.integers(-(2**40), 2**40).filter(bool))
def test_no_other_sum_verifies(position: int, difference: int) -> None:
    def change(total):
        total[position] += difference
        return total

    done = Round(SUMS, publish=change)
    with pytest.raises(ProtocolError, match="do not use it"):
        done.verify(done.claims())


def test_a_sum_that_is_changed_after_the_coins_is_refused() -> None:
    done, claims = finished(SUMS)
    changed = done.published.copy()
    changed[0] += 1
    with pytest.raises(ProtocolError, match="claim of basel: it is about another published sum"):
        done.verify(claims, published=changed)


def test_a_site_that_was_left_out_is_missed() -> None:
    done, claims = finished(SUMS)
    with pytest.raises(ProtocolError, match="lyon is in the sum and makes no claim; run it again without it"):
        done.verify({name: claim for name, claim in claims.items() if name != "lyon"})
    two = {name: done.seals[name] for name in ("basel", "torino")}
    with pytest.raises(ProtocolError, match="lyon opens a coin that it never sealed"):
        done.verify(claims, seals=two)
    with pytest.raises(ProtocolError, match="claim of basel: it is about another"):
        done.verify(claims, seals=two, coins={name: done.coins[name] for name in two})


def test_claims_count_for_their_site_and_round_alone() -> None:
    done, claims = finished(NORMS)
    with pytest.raises(ProtocolError, match="claim of basel: the proof of opening does not hold"):
        done.verify({**claims, "basel": claims["lyon"]})
    again = Round(NORMS)
    with pytest.raises(ProtocolError, match="claim of basel: it is about another published sum"):
        again.verify(claims)
    bare, _ = finished(SUMS)
    with pytest.raises(ProtocolError, match="claim of basel: "):
        bare.verify(claims)


def claim_of(done: Round, name: str, update) -> bytes:
    """What a site that lies about its update would claim, with the blindings that it put into the sum."""
    digest = digest_of(np.asarray(update, np.int64), done.seed, done.terms.projections)
    return make_claim(done.terms, name, done.seed, digest, done.sites[name].own.blindings).payload()


def test_a_site_that_commits_to_another_update_is_found_in_the_sum() -> None:
    done = Round(NORMS)
    claims = done.claims()
    claims["lyon"] = claim_of(done, "lyon", done.updates[0])
    with pytest.raises(
        ProtocolError, match="do not use it: the coordinator published another one, or a site sent what"
    ):
        done.verify(claims)


def test_a_long_update_can_neither_be_claimed_nor_hidden() -> None:
    vectors = updates()
    vectors[1] *= 40
    done = Round(NORMS, vectors)
    claims = {name: done.sites[name].claim(done.coins) for name in ("basel", "torino")}
    with pytest.raises(PrivacyError, match=r"its projected norm is .* times the limit; clip the update"):
        done.sites["lyon"].claim(done.coins)
    claims["lyon"] = claim_of(done, "lyon", vectors[1] // 40)  # a short one instead: the sum tells
    with pytest.raises(ProtocolError, match="do not use it"):
        done.verify(claims)
    limitless = Terms(round="study/1", length=LENGTH, projections=3, square_limit=10**9)
    digest = digest_of(vectors[1], done.seed, 3)
    forged = make_claim(limitless, "lyon", done.seed, digest, done.sites["lyon"].own.blindings)
    with pytest.raises(ProtocolError, match="claim of lyon: "):  # a proof for a wider limit
        done.verify({**claims, "lyon": forged.payload()})


def test_coins_are_opened_once_for_one_sum() -> None:
    done = Round(SUMS)
    site = done.sites["basel"]
    with pytest.raises(ProtocolError, match="a sum was published already; a second one gets no coin"):
        site.reveal(done.published, done.seals)
    site.claim(done.coins)
    with pytest.raises(ProtocolError, match="a claim is made once"):
        site.claim(done.coins)
    fresh = Contributor(SUMS, "basel", np.zeros(LENGTH, int))
    with pytest.raises(ProtocolError, match="a claim is made once, after the coin was revealed"):
        fresh.claim(done.coins)
    with pytest.raises(ProtocolError, match="its seal is not among those that were published"):
        fresh.reveal(done.published, done.seals)


def test_coins_are_the_sealed_ones() -> None:
    done, claims = finished(SUMS)
    with pytest.raises(ProtocolError, match="the coin of lyon is not the sealed one; run the round again without"):
        done.verify(claims, coins={**done.coins, "lyon": bytes(32)})
    with pytest.raises(ProtocolError, match="the coin of lyon is missing"):
        done.verify(claims, coins={name: done.coins[name] for name in ("basel", "torino")})
    assert seal_of(SUMS, "lyon", done.coins["lyon"]) != seal_of(SUMS, "basel", done.coins["lyon"])
    with pytest.raises(ProtocolError, match="0 seals, where 1 to"):
        done.verify({}, seals={}, coins={})


def test_every_part_of_a_round_moves_its_seed() -> None:
    done, _ = finished(SUMS)
    changed = done.published.copy()
    changed[-1] += 1
    coin = bytes(32)
    others = [
        common_seed(SUMS, changed, done.seals, done.coins),
        common_seed(
            SUMS, done.published, {**done.seals, "lyon": seal_of(SUMS, "lyon", coin)}, {**done.coins, "lyon": coin}
        ),
        common_seed(NORMS, done.published, {n: seal_of(NORMS, n, coin) for n in NAMES}, dict.fromkeys(NAMES, coin)),
    ]
    assert len({done.seed, *others}) == 4


@pytest.mark.parametrize(
    "update",
    [np.zeros(LENGTH), np.zeros(LENGTH - 1, int), np.zeros((LENGTH, 1), int), np.zeros(LENGTH, np.uint64), "text"],
)
def test_an_update_that_is_no_vector_of_integers_is_refused(update) -> None:
    with pytest.raises(PrivacyError, match=r"site basel: the update has shape .* integers of at most 64 bits"):
        Contributor(SUMS, "basel", update)


def test_rows_of_several_lengths_are_refused_by_name() -> None:
    with pytest.raises(PrivacyError, match="site basel: the update has no shape"):
        Contributor(SUMS, "basel", [1, [2]])
    site = Contributor(SUMS, "basel", np.zeros(LENGTH, int))
    with pytest.raises(ProtocolError, match="the published sum has no shape"):
        site.reveal([1, [2]], {"basel": site.seal})
    site.reveal(site.vector, {"basel": site.seal})  # what was refused counts for nothing


@pytest.mark.parametrize("name", ["", " ", "a\nb", "\ud800", 5, None])
def test_a_site_has_a_name(name) -> None:
    with pytest.raises(PrivacyError, match="has no name that can be printed"):
        Contributor(SUMS, name, np.zeros(LENGTH, int))


@pytest.mark.parametrize("coin", [None, 5, "text", [1] * 32, bytearray(31)])
def test_what_is_no_coin_is_refused(coin) -> None:
    done, claims = finished(SUMS)
    with pytest.raises(ProtocolError, match="the coin of lyon is"):
        done.verify(claims, coins={**done.coins, "lyon": coin})
    with pytest.raises(ProtocolError, match="the coin of lyon is not the sealed one"):
        done.verify(claims, seals={**done.seals, "lyon": coin})


def test_two_sites_that_work_together_are_bounded_by_their_sum() -> None:
    """One is too long and the other empty: they share out the projections, and pass; their sum is within both bounds."""
    long = np.zeros(LENGTH, np.int64)
    long[3] = 130
    done = Round(NORMS, [updates()[0], long, np.zeros(LENGTH, np.int64)])
    whole = digest_of(long, done.seed, 3)
    halves = [value // 2 for value in whole]
    rests = [value - half for value, half in zip(whole, halves, strict=True)]
    assert max(sum(value**2 for value in part[1:]) for part in (halves, rests)) <= NORMS.square_limit
    claims = {"basel": done.sites["basel"].claim(done.coins)}
    for name, part in (("lyon", halves), ("torino", rests)):
        claims[name] = make_claim(NORMS, name, done.seed, part, done.sites[name].own.blindings).payload()
    np.testing.assert_array_equal(done.verify(claims).sum, sum(done.updates))
    assert sum(value**2 for value in whole[1:]) <= 4 * NORMS.square_limit


@pytest.mark.parametrize(
    "published", [np.zeros(3, int), np.zeros(SUMS.carried_length), np.full(SUMS.carried_length, 2**63, np.uint64), None]
)
def test_a_published_sum_that_is_none_is_refused(published) -> None:
    done, claims = finished(SUMS)
    with pytest.raises(ProtocolError, match="the published sum has"):
        done.verify(claims, published=published)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_changed_or_cut_claim_is_refused(data) -> None:
    done, claims = finished(SUMS)
    raw = bytearray(claims["lyon"])
    kind = data.draw(st.sampled_from(["flip", "cut", "longer"]))
    if kind == "flip":
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    elif kind == "cut":
        del raw[data.draw(st.integers(0, len(raw) - 1)) :]
    else:
        raw += data.draw(st.binary(min_size=1, max_size=5))
    with pytest.raises(ProtocolError, match="claim of lyon: "):
        done.verify({**claims, "lyon": bytes(raw)})


@settings(deadline=None, derandomize=True)
@given(st.binary(max_size=300))
def test_no_bytes_are_a_crash(data: bytes) -> None:
    with pytest.raises(ProtocolError, match="claim of lyon: "):
        read_claim(NORMS, "lyon", data)


def test_a_contributor_shows_no_secret() -> None:
    site = Contributor(SUMS, "basel", np.arange(LENGTH))
    shown = repr(site)
    assert "basel" in shown
    assert not any(secret in shown for secret in (site.own.coin.hex(), str(site.own.blindings[0]), "array", "update"))


def test_no_two_contributors_share_a_secret() -> None:
    one, two = (Contributor(SUMS, "basel", np.zeros(LENGTH, int)) for _ in range(2))
    assert one.seal != two.seal
    assert one.own.blindings != two.own.blindings
