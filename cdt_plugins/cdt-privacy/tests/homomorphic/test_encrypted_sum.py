"""Encrypted sums are exact, whoever drops out; only the key holder can read, and reads only the rounded sum."""

import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import CdtError, PrivacyError, ProtocolError
from cdt_core.model.exchange import Exchange, Party
from cdt_privacy.homomorphic import (
    DecryptingParty,
    EncryptedParty,
    EncryptedSum,
    KeyHolder,
    Parameters,
    PublicKey,
    Terms,
)

LENGTH = 2500  # one ciphertext and a part of another


@pytest.fixture(scope="module")
def keys():
    return KeyHolder()


_names = iter(range(10**9))


def terms_of(sites=4, least=2, length=LENGTH):
    return Terms(round=f"round-{next(_names)}", length=length, sites=sites, least_sites=least)


def updates_of(sites, length=LENGTH, seed=0):
    """Ring integers whose sum stays within 31 bits, extremes among them."""
    most = (2**31 - 1) // sites
    values = np.random.default_rng(seed).integers(-most, most + 1, (sites, length))
    values[:, 0], values[:, 1] = most, -most
    return values.astype(np.int32).view(np.uint32)


def started(keys, terms, updates, answering):
    """A round whose sites in ``answering`` have sent their ciphertexts."""
    names = [f"site-{number}" for number in range(terms.sites)]
    rounds = EncryptedSum(keys.public, terms, names, key_holder="notary")
    for number, (site, request) in enumerate(rounds.begin().items()):
        if number in answering:
            rounds.receive(
                "encrypted", site, EncryptedParty(keys.public, terms, updates[number]).answer("encrypted", request)
            )
    return rounds


def finished(keys, terms, updates, answering):
    rounds = started(keys, terms, updates, answering)
    request = rounds.close("encrypted")["notary"]
    rounds.receive("decrypted", "notary", DecryptingParty(keys, terms).answer("decrypted", request))
    assert rounds.close("decrypted") == {}
    return rounds


@pytest.mark.parametrize("answering", [{0, 1, 2, 3}, {0, 1}, {1, 3}, {0, 2, 3}])
def test_the_sum_is_exact_whoever_drops_out(keys, answering):
    terms, updates = terms_of(), updates_of(4)
    rounds = finished(keys, terms, updates, answering)
    expected = updates[sorted(answering)].sum(axis=0, dtype=np.uint32)
    np.testing.assert_array_equal(rounds.result(), expected)
    assert rounds.dropped == tuple(f"site-{number}" for number in range(4) if number not in answering)
    assert len(rounds.sites_in) == len(answering)


def test_many_sites_and_other_parameters_are_exact_too():
    holder = KeyHolder(Parameters(8192, (60, 40, 60), 40))
    terms, updates = terms_of(60, length=7), updates_of(60, 7)
    np.testing.assert_array_equal(
        finished(holder, terms, updates, set(range(60))).result(), updates.sum(axis=0, dtype=np.uint32)
    )


def test_both_sides_keep_the_contracts_of_a_round(keys):
    terms = terms_of()
    assert isinstance(EncryptedSum(keys.public, terms, ["a", "b", "c", "d"], key_holder="notary"), Exchange)
    assert isinstance(EncryptedParty(keys.public, terms, updates_of(4)[0]), Party)
    assert isinstance(DecryptingParty(keys, terms), Party)


def test_too_few_answers_decrypt_nothing(keys):
    rounds = started(keys, terms_of(4, 3), updates_of(4), {0, 2})
    with pytest.raises(ProtocolError, match=r"2 of 4 sites answered, 3 must; nothing was decrypted"):
        rounds.close("encrypted")
    with pytest.raises(ProtocolError, match="no result"):
        rounds.result()


def test_a_key_holder_who_is_gone_ends_the_round(keys):
    rounds = started(keys, terms_of(), updates_of(4), {0, 1})
    rounds.close("encrypted")
    with pytest.raises(ProtocolError, match="did not answer"):
        rounds.close("decrypted")


def test_the_coordinator_has_no_secret_key_and_cannot_decrypt(keys):
    public = keys.public
    assert not public.context.has_secret_key()
    assert public.context.is_public()
    sealed = public.packing.encrypted(public.context, np.ones(3))
    with pytest.raises(Exception, match="secret"):
        public.packing.decrypted(public.context, sealed)


def test_a_public_key_that_holds_the_secret_one_is_refused(keys):
    with pytest.raises(PrivacyError, match="holds the secret key"):
        PublicKey(keys.parameters, keys.secret.serialize(save_secret_key=True))


def test_a_public_key_of_other_parameters_is_refused():
    weaker = KeyHolder(Parameters(4096, (40, 54), 16)).public.stored
    with pytest.raises(PrivacyError, match="no public key of these parameters"):
        PublicKey(
            Parameters(4096, (54, 54), 16), weaker
        )  # its sums would wrap where these parameters say that they do not


def test_a_key_of_another_scheme_is_refused():
    import tenseal

    other = tenseal.context(tenseal.SCHEME_TYPE.BFV, 4096, 1032193).serialize(save_secret_key=False)
    with pytest.raises(PrivacyError, match="no public key of these parameters"):
        PublicKey(Parameters(), other)


def test_a_stored_public_key_is_the_same_key(keys):
    again = PublicKey(keys.parameters, keys.public.stored)
    assert again.fingerprint == keys.public.fingerprint
    terms, updates = terms_of(), updates_of(4)
    rounds = EncryptedSum(keys.public, terms, list("abcd"), key_holder="notary")
    for number, (site, request) in enumerate(rounds.begin().items()):
        rounds.receive("encrypted", site, EncryptedParty(again, terms, updates[number]).answer("encrypted", request))
    request = rounds.close("encrypted")["notary"]
    rounds.receive("decrypted", "notary", DecryptingParty(keys, terms).answer("decrypted", request))
    rounds.close("decrypted")
    np.testing.assert_array_equal(rounds.result(), updates.sum(axis=0, dtype=np.uint32))


def test_encryptions_of_the_same_update_differ(keys):
    first, second = (keys.public.packing.encrypted(keys.public.context, np.zeros(5)) for _ in range(2))
    assert (first != second).mean() > 0.99


def test_noise_is_as_large_as_stated_and_never_leaves(keys):
    """The decryption is off by what the parameters state; what the key holder says is whole."""
    public, numbers = keys.public, np.arange(2048.0)
    noise = keys.public.packing.decrypted(keys.secret, public.packing.encrypted(public.context, numbers)) - numbers
    assert 0.7 < noise.std() / keys.parameters.noise_deviation < 1.4
    assert finished(keys, terms_of(), updates_of(4), {0, 1}).result().dtype == np.uint32


def test_noise_has_the_tails_that_the_margin_counts_on(keys):
    """In one slot Gaussian, over slots nearly Laplace's: 1/e of the numbers lies beyond 0.71 deviations."""
    public = keys.public
    noise = np.array(
        [
            keys.public.packing.decrypted(keys.secret, public.packing.encrypted(public.context, np.zeros(1)))
            for _ in range(100)
        ]
    )
    beyond = np.abs(noise) / keys.parameters.noise_deviation
    for far in (2**-0.5, 2**0.5, 3.0, 4.5):
        assert (beyond > far).mean() == pytest.approx(math.exp(-math.sqrt(2) * far), rel=0.5)
    assert (noise.std(axis=0) / noise.std()).max() > 2  # the noisiest slot


def refused(holder):
    """The name of a round whose sum the key holder has refused."""
    terms, public = terms_of(2, 2, 5), holder.public
    rounds = EncryptedSum(public, terms, ["a", "b"], key_holder="notary")
    requests = rounds.begin()
    for site in requests:
        sealed = public.packing.encrypted(public.context, np.full(5, 0.25))
        rounds.receive("encrypted", site, public.fingerprint + sealed.astype("<u8").tobytes())
    request = rounds.close("encrypted")["notary"]
    with pytest.raises(ProtocolError, match="none of encrypted whole numbers"):
        DecryptingParty(holder, terms).answer("decrypted", request)
    return terms.round


def test_a_refused_sum_retires_the_key():
    """Whether a sum was refused may tell about a bit of the key; a second bit is not to be had."""
    holder = KeyHolder()
    terms = terms_of()
    waiting = DecryptingParty(holder, terms)
    request = started(holder, terms, updates_of(4), {0, 1, 2, 3}).close("encrypted")["notary"]
    finished(holder, terms_of(), updates_of(4), {0, 1})
    said = f"retired when the sum of round '{refused(holder)}' was refused"
    with pytest.raises(PrivacyError, match=said):
        waiting.answer("decrypted", request)
    with pytest.raises(PrivacyError, match=said):
        DecryptingParty(holder, terms_of())
    with pytest.raises(PrivacyError, match=said):
        _ = holder.secret


def test_requests_that_nothing_was_decrypted_for_leave_the_key_as_it_is():
    holder, terms = KeyHolder(), terms_of()
    request = started(holder, terms, updates_of(4), {0, 1, 2, 3}).close("encrypted")["notary"]
    party = DecryptingParty(holder, terms)
    for wrong in (b"", request[:-1], request + b"\0"):
        with pytest.raises(ProtocolError):
            party.answer("decrypted", wrong)
    party.answer("decrypted", request)
    with pytest.raises(ProtocolError, match="one per round"):
        party.answer("decrypted", request)
    finished(holder, terms_of(), updates_of(4), {0, 1, 2, 3})


def test_one_sum_per_round_is_decrypted(keys):
    terms = terms_of()
    rounds = started(keys, terms, updates_of(4), {0, 1, 2, 3})
    request = rounds.close("encrypted")["notary"]
    holder = DecryptingParty(keys, terms)
    holder.answer("decrypted", request)
    with pytest.raises(ProtocolError, match="one per round"):
        holder.answer("decrypted", request)
    with pytest.raises(PrivacyError, match="one sum per round"):
        DecryptingParty(keys, terms)


def test_a_site_answers_once_and_only_its_own_round_and_key(keys):
    terms = terms_of()
    request = EncryptedSum(keys.public, terms, list("abcd"), key_holder="n").begin()["a"]
    party = EncryptedParty(keys.public, terms, updates_of(4)[0])
    other = EncryptedSum(keys.public, terms_of(), list("abcd"), key_holder="n").begin()["a"]
    foreign = EncryptedSum(KeyHolder().public, terms, list("abcd"), key_holder="n").begin()["a"]
    for wrong in (other, foreign, request + b"\0", request[:-1], b""):
        with pytest.raises(ProtocolError):
            party.answer("encrypted", wrong)
    with pytest.raises(ProtocolError, match="only to encrypt"):
        party.answer("decrypted", request)
    party.answer("encrypted", request)
    with pytest.raises(ProtocolError, match="answers once"):
        party.answer("encrypted", request)


def test_answers_out_of_turn_repeated_or_of_strangers_change_nothing(keys):
    terms, updates = terms_of(), updates_of(4)
    rounds = EncryptedSum(keys.public, terms, list("abcd"), key_holder="notary")
    requests = rounds.begin()
    good = {
        site: EncryptedParty(keys.public, terms, updates[number]).answer("encrypted", requests[site])
        for number, site in enumerate("abcd")
    }
    rounds.receive("encrypted", "a", good["a"])
    for stage, site, payload in [
        ("encrypted", "a", good["a"]), ("encrypted", "e", good["b"]), ("decrypted", "notary", good["b"]),
        ("encrypted", "notary", good["b"]), ("encrypted", "b", good["b"][:-1]), ("encrypted", "b", good["b"] + b"\0"),
        ("encrypted", "b", bytes(32) + good["b"][32:]), ("encrypted", "b", good["b"][:32] + b"\xff" * (len(good["b"]) - 32)),
    ]:  # fmt: skip
        with pytest.raises(ProtocolError):
            rounds.receive(stage, site, payload)
    for site in "bcd":
        rounds.receive("encrypted", site, good[site])
    request = rounds.close("encrypted")["notary"]
    rounds.receive("decrypted", "notary", DecryptingParty(keys, terms).answer("decrypted", request))
    rounds.close("decrypted")
    np.testing.assert_array_equal(rounds.result(), updates.sum(axis=0, dtype=np.uint32))


def test_a_sum_of_fewer_sites_than_agreed_is_not_decrypted(keys):
    rounds = started(keys, terms_of(4, 2), updates_of(4), {0, 1})
    request = rounds.close("encrypted")["notary"]
    stricter = Terms(round=rounds._terms.round, length=LENGTH, sites=4, least_sites=3)
    with pytest.raises(ProtocolError, match="a sum of 2 sites is not decrypted"):
        DecryptingParty(keys, stricter).answer("decrypted", request)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_any_bytes_are_refused_or_taken_and_nothing_else(data):
    keys, terms = KeyHolder(), terms_of(2, 2, 5)
    rounds = EncryptedSum(keys.public, terms, ["a", "b"], key_holder="notary")
    request = rounds.begin()["a"]
    good = EncryptedParty(keys.public, terms, updates_of(2, 5)[0]).answer("encrypted", request)
    payload = bytearray(good)
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(payload)) | st.just(len(payload)))
    rounds.receive("encrypted", "b", good)
    try:
        rounds.receive("encrypted", "a", bytes(payload[:cut]))
    except ProtocolError:
        return
    try:
        answer = DecryptingParty(keys, terms).answer("decrypted", rounds.close("encrypted")["notary"])
    except ProtocolError:
        return
    rounds.receive("decrypted", "notary", answer)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Parameters(4096, (55, 55)), lambda: Parameters(2048, (54, 54)), lambda: Parameters(5000, (54, 54)),
        lambda: Parameters(4096, (54,)), lambda: Parameters(4096, (54, 54), 60), lambda: Parameters(4096, (54, 54), 4),
        lambda: Parameters(4096, "54"), lambda: Parameters(8192, (60, 61)),
        lambda: Parameters().require(2304), lambda: Parameters(4096, (40, 54), 20).require(3),
        lambda: Parameters([4096]), lambda: Parameters(4096.0), lambda: Terms(round=7, length=1, sites=2, least_sites=2),
        lambda: Terms(round="\ud800", length=1, sites=2, least_sites=2),
        lambda: Terms(round="r", length=True, sites=2, least_sites=2),
        lambda: Terms(round="", length=1, sites=2, least_sites=2), lambda: Terms(round="r", length=0, sites=2, least_sites=2),
        lambda: Terms(round="r", length=1, sites=2, least_sites=1), lambda: Terms(round="r", length=1, sites=2, least_sites=3),
    ],
)  # fmt: skip
def test_parameters_and_terms_that_would_not_protect_are_refused(make):
    with pytest.raises(PrivacyError):
        make()


def test_updates_of_another_shape_or_dtype_are_refused(keys):
    for update in (
        np.zeros(3, np.uint32),
        np.zeros(LENGTH, np.uint64),
        np.zeros((LENGTH, 1), np.uint32),
        np.zeros(LENGTH),
        [0] * LENGTH,
    ):
        with pytest.raises(PrivacyError, match="the update is"):
            EncryptedParty(keys.public, terms_of(), update)


def test_names_must_be_those_agreed_on(keys):
    for sites in (["a", "b"], ["a", "a", "b", "c"], ["a", "b", "c", "notary"]):
        with pytest.raises(PrivacyError, match="were agreed on"):
            EncryptedSum(keys.public, terms_of(), sites, key_holder="notary")


@pytest.mark.parametrize("stored", [b"", b"abc", bytes(1000)])
def test_bytes_that_are_no_key_are_refused(stored):
    with pytest.raises(CdtError):
        PublicKey(Parameters(), stored)


def test_without_tenseal_nothing_is_encrypted(monkeypatch):
    monkeypatch.setitem(sys.modules, "tenseal", None)
    monkeypatch.setitem(sys.modules, "tenseal.sealapi", None)
    with pytest.raises(PrivacyError, match=r"pip install 'cdt-privacy\[ckks\]'"):
        KeyHolder()
