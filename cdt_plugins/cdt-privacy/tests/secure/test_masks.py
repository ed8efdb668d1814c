"""Masks look like chance, and are new for every round, pair and site."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cdt_core.kernels.lattice import Stream, add_mask
from cdt_privacy.secure import SecureParty
from cdt_privacy.secure.agreement import KeyPair, Purpose, derived
from cdt_privacy.secure.masks import add_masks, pair_mask, self_mask
from cdt_privacy.secure.messages import Keys

#: One in a thousand million honest runs fails.
RARE = 1e-9


def secrets_of(party):
    return party._secrets


@pytest.mark.parametrize("bits", [32, 64])
def test_a_masked_vector_of_zeros_is_uniform(federation, run_round, bits):
    fed = federation(4, 50_000, bits=bits)
    for update in fed.updates.values():
        update[:] = 0
    course = run_round(fed.exchange(), fed.parties(), until="consistency")
    for answer in course.answers["masked"].values():
        octets = np.frombuffer(answer[64:], np.uint8).reshape(-1, bits // 8)
        for place in octets.T:
            assert stats.chisquare(np.bincount(place, minlength=256)).pvalue > RARE
    one, two = (np.frombuffer(course.answers["masked"][site][64:], np.uint8) for site in fed.terms.sites[:2])
    assert stats.chisquare(np.bincount(one ^ two, minlength=256)).pvalue > RARE


def test_what_a_site_sends_says_nothing_of_its_vector_alone(federation, run_round):
    """The same keys' masks on two vectors differ by the vectors' difference: the masks are all that hides them."""
    fed = federation(4, 20_000)
    fed.updates["site-00"][:] = 1
    course = run_round(fed.exchange(), fed.parties(), until="consistency")
    sent = np.frombuffer(course.answers["masked"]["site-00"][64:], np.uint32)
    assert abs(np.corrcoef(sent[:-1].astype(float), sent[1:].astype(float))[0, 1]) < 6 / np.sqrt(len(sent))
    assert len(np.unique(sent)) > 0.99 * len(sent)


def masks_of(fed, parties, length=8):
    """The words of every mask of a round, by the site or pair that has it, each pair's from both of its sides."""
    found, sites = {}, fed.terms.sites
    public = {site: Keys(bytes(32), secrets_of(party).mask_key.public, bytes(32)) for site, party in parties.items()}
    for index, site in enumerate(sites):
        stream, sign = self_mask(fed.terms, secrets_of(parties[site]).self_mask, index)
        found[index,] = sign * stream.words(length, np.uint64)
        for other, name in enumerate(sites):
            if other != index:
                mask = pair_mask(fed.terms, secrets_of(parties[site]).mask_key, index, other, public[name])
                found[index, other] = add_masks(np.zeros(length, np.uint64), [mask])
    return found


def test_masks_are_fresh_per_round_pair_and_site_and_cancel_in_pairs(federation):
    one, two = federation(5, round_name="round 1"), federation(5, round_name="round 2")
    first = one.parties()
    found = masks_of(one, first)
    for index, other in itertools.combinations(range(5), 2):
        assert not (found[index, other] + found[other, index]).any()
    apart = [words.tobytes() for key, words in found.items() if len(key) == 1 or key[0] < key[1]]
    # The same keys in another round, though no site ever keeps them.
    second = two.parties()
    for site, party in second.items():
        party._secrets = secrets_of(first[site])
    apart += [words.tobytes() for key, words in masks_of(two, second).items() if len(key) == 1 or key[0] < key[1]]
    assert len(set(apart)) == 2 * (5 + 10)


def test_the_same_site_makes_up_other_secrets_each_time(federation):
    fed = federation(4)
    made = [secrets_of(fed.party("site-00")) for _ in range(64)]
    for which in ("self_mask", "mask_secret"):
        several = [getattr(secrets, which) for secrets in made]
        assert {len(secret) for secret in several} == {32}
        assert len(set(several)) == 64
        # Every one of the 256 bits is one for some site and zero for another.
        bits = np.unpackbits(np.frombuffer(b"".join(several), np.uint8).reshape(64, 32), axis=1)
        assert ((bits.sum(axis=0) > 0) & (bits.sum(axis=0) < 64)).all()
    keys = [(each.self_mask, each.mask_secret, each.mask_key.public, each.share_key.public) for each in made]
    assert len({each for several in keys for each in several}) == 4 * 64


def test_the_seed_of_all_secrets_has_256_bits_of_the_systems_randomness(federation, monkeypatch):
    asked = []
    monkeypatch.setattr("cdt_privacy.secure.party.os.urandom", lambda count: asked.append(count) or bytes(range(count)))
    assert isinstance(federation(4).party("site-00"), SecureParty)
    assert asked == [32]


def test_a_derived_key_belongs_to_one_use_round_and_pair(federation):
    one, two = federation(4).terms, federation(4, round_name="round 2").terms
    purposes = [value for name, value in vars(Purpose).items() if name.isupper()]
    places = [(), (0,), (1,), (0, 1), (1, 0), (0, 256), (1, 2)]
    keys = [
        derived(bytes(32), terms, purpose, *place) for terms in (one, two) for purpose in purposes for place in places
    ]
    assert len(set(keys)) == len(keys) == 2 * 7 * 7
    assert {len(key) for key in keys} == {32}


def test_the_words_of_a_mask_are_those_of_the_protocol(federation):
    """AES-256-CTR from counter block 2, whatever way a machine takes: sites of other machines must find the same."""
    terms = federation(4).terms
    stream, sign = self_mask(terms, bytes(32), 3)
    key = derived(bytes(32), terms, Purpose.SELF_STREAM, 3)
    assert sign == 1
    assert stream.take(1000) == Stream(key).take(1032)[32:]


@given(
    length=st.one_of(st.integers(1, 50), st.integers(65_530, 65_545)),
    bits=st.sampled_from([32, 64]),
    signs=st.lists(st.sampled_from([1, -1]), max_size=5),
)
def test_masks_in_tiles_are_the_masks_one_after_another(length, bits, signs):
    ring = np.arange(length, dtype=f"uint{bits}")
    expected = ring.copy()
    keys = [bytes([number]) * 32 for number in range(len(signs))]
    for key, sign in zip(keys, signs, strict=True):
        add_mask(expected, Stream(key), sign)
    assert add_masks(ring, [(Stream(key), sign) for key, sign in zip(keys, signs, strict=True)]) is ring
    np.testing.assert_array_equal(ring, expected)


def test_more_masks_than_streams_that_are_open_at_once():
    ring = np.zeros(3, np.uint32)
    add_masks(ring, ((Stream(number.to_bytes(32, "little")), sign) for number in range(600) for sign in (1, -1)))
    assert not ring.any()


def test_two_sites_agree_as_the_standard_says():
    """RFC 7748, section 6.1: Bob's secret key and Alice's public key."""
    bob = bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
    alice = bytes.fromhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
    assert KeyPair(bob).public.hex() == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
    assert KeyPair(bob).agree(alice).hex() == "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
