"""The graph of masks: regular, connected, the same for all, and with as many neighbours as the paper's bounds ask for."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from cdt_core.errors import PrivacyError
from cdt_privacy.secure import SEMI_HONEST, Terms
from cdt_privacy.secure.sparse import Sparse, _tails, neighbours


@given(sites=st.integers(4, 80), data=st.data(), seed=st.binary(min_size=1, max_size=32))
def test_every_site_has_as_many_neighbours_and_is_theirs(sites, data, seed):
    degree = 2 * data.draw(st.integers(1, (sites - 2) // 2))
    graph = neighbours(sites, degree, seed)
    assert all(len(near) == len(set(near)) == degree for near in graph)
    assert all(near == tuple(sorted(near)) and site not in near for site, near in enumerate(graph))
    assert all(site in graph[other] for site, near in enumerate(graph) for other in near)
    assert connected(graph, set(range(sites)))


def connected(graph, kept):
    places = {site: place for place, site in enumerate(sorted(kept))}
    edges = [(places[site], places[other]) for site in kept for other in graph[site] if other in kept]
    row, column = np.array(edges).T
    return connected_components(csr_array((np.ones(len(edges)), (row, column)), (len(kept), len(kept))))[0] == 1


def test_all_pairs_are_everyones_neighbours():
    for degree in (3, 4, 10):
        assert neighbours(4, degree, b"") == ((1, 2, 3), (0, 2, 3), (0, 1, 3), (0, 1, 2))


def test_a_seed_gives_the_same_graph_everywhere_and_another_seed_another_one():
    assert neighbours(7, 2, bytes(32)) == ((1, 5), (0, 2), (1, 6), (4, 5), (3, 6), (0, 3), (2, 4))
    assert neighbours(7, 2, bytes(31) + b"\1") != neighbours(7, 2, bytes(32))


def test_each_other_site_is_as_likely_a_neighbour():
    counts = np.zeros(11)
    for seed in range(2000):
        for near in neighbours(12, 4, seed.to_bytes(4, "little"))[0]:
            counts[near - 1] += 1
    # Of fixed total, four of eleven without putting back: the variance of each is p (1 - p), of all p (1 - p) 11 / 10.
    share = 4 / 11
    statistic = ((counts - 2000 * share) ** 2).sum() / (2000 * share * (1 - share)) * 10 / 11
    assert stats.chi2.sf(statistic, 10) > 1e-9


@pytest.mark.parametrize(
    ("sites", "corrupt", "dropout"),
    [(100, 0.05, 0.1), (100, 0.2, 0.1), (1000, 0.1, 0.1), (1000, 1 / 3, 0.1), (500, 0, 0.3)],
)
def test_the_least_degree_keeps_the_bounds_and_two_fewer_do_not(sites, corrupt, dropout):
    found = Sparse.for_sites(sites, corrupt=corrupt, dropout=dropout)
    assert (found.corrupt, found.dropped) == (np.ceil(corrupt * sites), np.ceil(dropout * sites))
    told = stats.hypergeom(sites - 1, found.corrupt, found.neighbours).sf(found.threshold - 1)
    stay = stats.hypergeom(sites - 1, sites - 1 - found.dropped, found.neighbours).cdf(found.threshold - 1)
    half, gone = found.neighbours // 2, found.corrupt + found.dropped
    apart = np.exp(np.log(gone - np.arange(half)).sum() - np.log(sites - np.arange(half)).sum())
    assert sites * (told + apart) <= 2.0**-40 * (1 + 1e-9)
    assert sites * stay <= 2.0**-30 * (1 + 1e-9)
    assert found.broken(sites) is None
    for threshold in range(2, found.neighbours - 1):
        assert attrs.evolve(found, neighbours=found.neighbours - 2, threshold=threshold).broken(sites)


def test_it_grows_with_the_logarithm_of_the_sites():
    degrees = [Sparse.for_sites(sites, corrupt=0.1, dropout=0.1).neighbours for sites in (1000, 10_000)]
    assert degrees[0] < degrees[1] < 1.5 * degrees[0]


@pytest.mark.parametrize("gone", [0.4, 0.6])
def test_what_stays_is_connected_far_beyond_the_plan(gone):
    """Random removals, more than were planned for: the bound is one for the worst of a million million cases."""
    graph = neighbours(300, Sparse.for_sites(300, corrupt=0.1, dropout=0.1).neighbours, b"seed")
    draw = np.random.default_rng(0)
    for _ in range(20):
        assert connected(graph, set(draw.permutation(300)[: int(300 * (1 - gone))].tolist()))


@pytest.mark.parametrize(
    ("sites", "corrupt", "dropout", "match"),
    [
        (1000, 0.6, 0.5, "no shares of the sites"),
        (1000, -0.1, 0.5, "no shares of the sites"),
        (1000, 0.1, 1.0, "no shares of the sites"),
        (20, 0.3, 0.3, "no graph sparser than all pairs"),
        (3, 0.0, 0.0, "no graph sparser than all pairs"),
    ],
)
def test_what_no_graph_keeps_is_refused(sites, corrupt, dropout, match):
    with pytest.raises(PrivacyError, match=match):
        Sparse.for_sites(sites, corrupt=corrupt, dropout=dropout)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"neighbours": 27}, "an even number"),
        ({"neighbours": 100}, "an even number"),
        ({"neighbours": 0}, "an even number"),
        ({"threshold": 1}, "a threshold of 1"),
        ({"threshold": 29}, "a threshold of 29"),
        ({"corrupt": 40}, "secrecy fails"),
        ({"dropped": 80}, "fails with probability"),
    ],
)
def test_a_graph_that_keeps_nothing_says_why(changes, match):
    sparse = Sparse.for_sites(100, corrupt=0.05, dropout=0.1)
    assert sparse.neighbours == 28
    assert match in attrs.evolve(sparse, **changes).broken(100)


def test_a_graph_of_something_else_than_numbers_is_refused():
    for wrong in ((28.0, 15, 5, 10), (28, "15", 5, 10), (28, 15, None, 10)):
        with pytest.raises(PrivacyError, match="are whole numbers"):
            Sparse(*wrong)
    for sites, corrupt in ((10.5, 0.1), (None, 0.1), (100, "0.1"), (100, None)):
        with pytest.raises(PrivacyError, match=r"are whole numbers|no shares of the sites"):
            Sparse.for_sites(sites, corrupt=corrupt, dropout=0.1)


def test_a_coordinator_cannot_ask_for_a_graph_that_takes_hours_to_check():
    """Whatever numbers its terms have: they are checked before anyone agrees to them."""
    sites = [str(number) for number in range(30_000)]
    some = Sparse(29_998, 15_100, 10_000, 100)
    assert Terms("r", sites, 1, adversary=SEMI_HONEST, sparse=some).sparse == some


@pytest.mark.parametrize(
    ("population", "marked", "drawn"), [(12, 5, 4), (12, 5, 9), (12, 14, 9), (7, 0, 7), (999, 333, 120)]
)
def test_the_chances_are_those_of_drawing_without_putting_back(population, marked, drawn):
    law = stats.hypergeom(population, min(marked, population), drawn)
    expected = [law.sf(count - 1) for count in range(drawn + 2)]
    np.testing.assert_allclose(_tails(population, marked, drawn), expected, rtol=1e-9, atol=1e-300)
