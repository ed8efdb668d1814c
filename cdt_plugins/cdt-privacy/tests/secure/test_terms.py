"""Terms keep their promise by construction: thresholds and graphs that do not are refused with the least that do."""

from __future__ import annotations

import contextlib

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.errors import FederatedError, PrivacyError, ProtocolError
from cdt_privacy.secure import ACTIVE, SEMI_HONEST, Sparse, Terms

SITES = tuple(f"site-{index:03d}" for index in range(100))


@pytest.mark.parametrize(
    ("sites", "active", "half"), [(3, 3, 2), (4, 3, 3), (5, 4, 3), (6, 5, 4), (99, 67, 50), (100, 67, 51)]
)
def test_the_default_threshold_is_the_least_that_is_safe(sites, active, half):
    for adversary, least in ((ACTIVE, active), (SEMI_HONEST, half)):
        assert Terms("r", SITES[:sites], 1, adversary=adversary).threshold == least
        assert Terms("r", SITES[:sites], 1, adversary=adversary, threshold=sites).threshold == sites
        for wrong in (least - 1, sites + 1, 0, -1, 2.5, None):
            with pytest.raises(
                PrivacyError, match=rf"threshold .* of {sites} sites; {least} to {sites} keep the promise"
            ):
                Terms("r", SITES[:sites], 1, adversary=adversary, threshold=wrong)


@given(sites=st.integers(3, 100))
def test_two_lists_of_survivors_never_both_reach_the_threshold(sites):
    """The quorums of two lists share an honest site, of n sites with fewer than a third corrupted: 2 t > n + c."""
    corrupt = (sites - 1) // 3
    assert 2 * Terms("r", SITES[:sites], 1).threshold > sites + corrupt
    assert 2 * Terms("r", SITES[:sites], 1, adversary=SEMI_HONEST).threshold > sites


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"round": ""}, "1 to 255 bytes"),
        ({"round": "é" * 128}, "1 to 255 bytes"),
        ({"sites": ("a", "a", "b")}, "'a' is asked twice"),
        ({"sites": ("a", "b", "")}, "1 to 255 bytes"),
        ({"sites": ("a", "b", "\ud800")}, "1 to 255 bytes"),
        ({"sites": ("a", "b", 3)}, "not names of sites"),
        ({"sites": "abc"}, "not names of sites"),
        ({"sites": None}, "not names of sites"),
        ({"length": 0}, "length 0"),
        ({"length": 2**32 + 1}, "length 4294967297"),
        ({"length": 1.5}, "length 1.5"),
        ({"bits": 16}, "give 32 or 64"),
        ({"bits": 32.0}, "give 32 or 64"),
        ({"sparse": "few"}, r"sparse is 'few'; give what Sparse\.for_sites finds"),
        ({"sparse": (28, 15, 5, 10)}, "sparse is "),
        ({"adversary": "nobody"}, "'nobody'"),
    ],
)
def test_what_has_no_meaning_is_refused(changes, match):
    with pytest.raises(FederatedError, match=match):
        attrs.evolve(Terms("r", SITES[:3], 1), **changes)


def test_two_sites_hide_nothing_from_each_other():
    with pytest.raises(PrivacyError, match="reads the other's update off the sum"):
        Terms("r", SITES[:2], 1)


def test_a_sparse_graph_is_for_a_coordinator_that_keeps_to_the_protocol():
    sparse = Sparse.for_sites(100, corrupt=0.05, dropout=0.1)
    assert Terms("r", SITES, 1, adversary=SEMI_HONEST, sparse=sparse).share_threshold == sparse.threshold
    with pytest.raises(PrivacyError, match="active coordinator could drop all neighbours"):
        Terms("r", SITES, 1, sparse=sparse)
    with pytest.raises(PrivacyError, match="secrecy fails"):
        Terms("r", SITES, 1, adversary=SEMI_HONEST, sparse=attrs.evolve(sparse, neighbours=12))


def test_a_sparse_graph_is_for_as_many_drop_outs_as_it_was_made_for():
    """With more, what stays may come apart, and the sum of a part shows more than the sum of all."""
    sparse = Sparse.for_sites(100, corrupt=0.05, dropout=0.1)
    assert Terms("r", SITES, 1, adversary=SEMI_HONEST, sparse=sparse).threshold == 90
    assert Terms("r", SITES, 1, adversary=SEMI_HONEST, sparse=sparse, threshold=95).threshold == 95
    with pytest.raises(PrivacyError, match=r"90 to 100 keep the promise .* semi-honest and 10 drop-outs"):
        Terms("r", SITES, 1, adversary=SEMI_HONEST, sparse=sparse, threshold=89)


def some_terms():
    return [
        Terms("round 7", SITES[:5], 1000),
        Terms("é", ("ä", "b", "c"), 2**32, bits=64, adversary=SEMI_HONEST, threshold=3),
        Terms("r", SITES, 1, adversary=SEMI_HONEST, sparse=Sparse.for_sites(100, corrupt=0.1, dropout=0.1)),
    ]


@pytest.mark.parametrize("terms", some_terms(), ids=["all pairs", "other alphabet", "sparse"])
def test_terms_travel(terms):
    again = Terms.from_bytes(terms.to_bytes())
    assert again == terms
    assert again.digest == terms.digest


def test_the_digest_depends_on_everything_that_is_agreed():
    terms = Terms("r", SITES[:6], 10)
    others = [
        attrs.evolve(terms, **change)
        for change in (
            {"round": "s"}, {"sites": (*SITES[:5], "x")}, {"length": 11}, {"bits": 64}, {"adversary": SEMI_HONEST},
            {"threshold": 6},
        )
    ]  # fmt: skip
    assert len({each.digest for each in (terms, *others)}) == 7
    assert attrs.evolve(terms, sites=reversed(terms.sites)).digest == terms.digest


@given(data=st.data())
def test_other_bytes_are_refused_or_are_other_terms(data):
    for terms in some_terms():
        sent = bytearray(terms.to_bytes())
        at = data.draw(st.integers(0, len(sent) - 1))
        sent[at] ^= data.draw(st.integers(1, 255))
        for changed in (bytes(sent), bytes(sent[:at]), terms.to_bytes() + b"\0"):
            with contextlib.suppress(ProtocolError):
                found = Terms.from_bytes(changed)
                assert found != terms
                assert found.to_bytes() == changed
