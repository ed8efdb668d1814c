"""The order and folding of axes: the optimum of the estimates, and arrays that come back."""

from functools import cache
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import TensorError
from cdt_core.kernels.blas import on_one_blas_thread
from cdt_core.kernels.tensor_train.ordering import Order
from cdt_core.kernels.tensor_train.ordering.annealed import annealed
from cdt_core.kernels.tensor_train.ordering.chains import Chains, every_chain
from cdt_core.kernels.tensor_train.ordering.order import prime_digits
from cdt_core.kernels.tensor_train.ordering.spectra import SampledRanks
from cdt_core.kernels.tensor_train.ordering.splitting import Splitting
from tests.kernels.tensor_train.trains import field


def places(lengths, subset):
    return int(np.prod([n for k, n in enumerate(lengths) if subset >> k & 1], dtype=np.int64))


def any_ranks(d, seed):
    """Lengths, and a rank of every set of axes without any rule but that of its complement."""
    rng = np.random.default_rng(seed)
    lengths = tuple(int(n) for n in rng.integers(2, 9, d))
    whole = (1 << d) - 1
    most = [min(places(lengths, s), places(lengths, whole ^ s)) for s in range(whole + 1)]
    ranks = [int(rng.integers(1, m + 1)) for m in most]
    return lengths, lambda subset: ranks[min(subset, whole ^ subset)]


def ranks_of_pairs(d, seed):
    """As those of a state of entangled pairs: each pair of axes that a bond parts makes its rank larger by a factor."""
    rng = np.random.default_rng(seed)
    lengths = tuple(int(n) for n in rng.integers(2, 30, d))
    bits = np.triu(rng.exponential(0.7, (d, d)) * (rng.random((d, d)) < 0.6), 1)
    whole = (1 << d) - 1

    @cache
    def rank(subset):
        inside = np.array([subset >> k & 1 for k in range(d)])
        cut = bits[np.not_equal.outer(inside, inside)].sum()
        return int(min(places(lengths, subset), places(lengths, whole ^ subset), round(2**cut)))

    return lengths, rank


def groupings(order):
    """All ways to join neighbours."""
    for cuts in range(1 << (len(order) - 1)):
        groups = [1 << order[0]]
        for k, axis in enumerate(order[1:]):
            if cuts >> k & 1:
                groups.append(0)
            groups[-1] |= 1 << axis
        yield tuple(groups)


def fewest(chains, orders):
    """By looking at all of them."""
    apart = [tuple(1 << axis for axis in order) for order in orders]
    ways = [groups for order in orders for groups in groupings(order)] if chains.joins else apart
    return min(map(chains.parameters, ways))


@pytest.mark.parametrize("made", [any_ranks, ranks_of_pairs])
@pytest.mark.parametrize("joins", [True, False])
def test_the_chain_of_the_sets_is_the_best_of_all_orders_and_groupings(made, joins):
    for seed in range(25):
        for d in (1, 2, 3, 4, 5):
            chains = Chains(*made(d, seed), joins)
            cost, groups = chains.best()
            assert cost == chains.parameters(groups) == fewest(chains, list(permutations(range(d))))


def test_the_best_chains_of_each_number_of_modes_are_the_best_of_all_with_so_many():
    for seed in range(20):
        chains = Chains(*any_ranks(4, seed))
        every = [groups for order in permutations(range(4)) for groups in groupings(order)]
        for count, (cost, groups) in enumerate(chains.best_by_count(), 1):
            assert len(groups) == count
            assert cost == chains.parameters(groups)
            assert cost == min(chains.parameters(one) for one in every if len(one) == count)


@pytest.mark.parametrize("joins", [True, False])
def test_every_chain_is_listed_once_but_for_its_reverse(joins):
    for d in (1, 2, 3, 4):
        orders = list(permutations(range(d)))
        apart = {tuple(1 << axis for axis in order) for order in orders}
        wanted = {groups for order in orders for groups in groupings(order)} if joins else apart
        found = list(every_chain(d, joins=joins))
        assert len(set(found)) == len(found)
        assert {*found, *(groups[::-1] for groups in found)} == wanted
        assert not any(groups[::-1] in set(found) - {groups} for groups in found)


@on_one_blas_thread
def test_choices_of_few_and_of_more_axes_are_the_best_of_all_estimates():
    for shape, joins in (((4, 5, 6, 7), True), ((4, 5, 6, 7), False), ((2, 3, 2, 3, 2, 3), True)):
        x = field(shape, np.random.default_rng(0).permutation(len(shape)))
        splitting = Splitting(x, 1e-2, tuple((n,) for n in x.shape), joins=joins, seed=0)
        for sharing in (1.0, 0.0):
            chains = [splitting._chains(max(1, bonds) ** sharing) for bonds in range(len(shape))]
            every = every_chain(len(shape), joins=joins)
            least = min(chains[len(groups) - 1].parameters(groups) for groups in every)
            assert splitting.choices(range(len(shape)), sharing)[0][0] == least


def test_the_groups_of_an_order_are_its_best_ones():
    for seed in range(60):
        chains = Chains(*ranks_of_pairs(7, seed))
        order = np.random.default_rng(seed).permutation(7)
        cost, groups = chains.cut(order)
        assert cost == chains.parameters(groups) == fewest(chains, [order])


@pytest.mark.parametrize("made", [any_ranks, ranks_of_pairs])
@pytest.mark.parametrize("joins", [True, False])
def test_annealing_finds_the_optimum(made, joins):
    for seed in range(30):
        chains = Chains(*made(6, seed), joins)
        cost, groups = annealed(chains, [range(6)], seed, 1500)
        assert cost == chains.parameters(groups) == chains.best()[0]


def test_annealing_finds_the_optimum_of_ten_axes():
    for seed in range(6):
        chains = Chains(*ranks_of_pairs(10, seed))
        assert (
            annealed(chains, [range(10), range(9, -1, -1), np.arange(10) * 3 % 10], seed, 3000)[0] == chains.best()[0]
        )


def test_annealing_is_never_worse_than_where_it_starts_and_stops_when_all_is_spent():
    chains = Chains(*ranks_of_pairs(9, 3))
    starts = [tuple(np.random.default_rng(k).permutation(9)) for k in range(3)]
    assert annealed(chains, starts, 0, 500, lambda: 1.0)[0] == min(chains.cut(start)[0] for start in starts)


def test_annealing_asks_for_few_more_ranks_than_it_may():
    lengths, rank = ranks_of_pairs(14, 1)
    asked = set()

    def counted(subset):
        asked.add(subset)
        return rank(subset)

    annealed(Chains(lengths, counted), [range(14)] * 3, 0, 10**4, lambda: len(asked) / 300)
    assert len(asked) <= 300 + 14


def test_equal_seeds_make_equal_walks_and_other_seeds_others():
    lengths, rank = any_ranks(9, 0)

    def walked(seed):
        asked = []
        found = annealed(Chains(lengths, lambda subset: asked.append(subset) or rank(subset)), [range(9)], seed, 40)
        return found, asked

    assert walked(1) == walked(1)
    assert walked(1)[1] != walked(2)[1]


def test_ranks_of_small_unfoldings_are_those_of_all_rows():
    x = field((6, 7, 8, 5), (2, 0, 3, 1), noise=0)
    ranks = SampledRanks(x, x.shape, 256, 0, precise=False)
    for subset in range(1, 15):
        rows = [k for k in range(4) if subset >> k & 1]
        unfolded = np.moveaxis(x, rows, range(len(rows))).reshape(places(x.shape, subset), -1)
        assert ranks.rank(subset, 1e-10) == np.linalg.matrix_rank(unfolded) == ranks.rank(15 ^ subset, 1e-10)
    assert ranks.count == 7


@on_one_blas_thread
def test_ranks_of_large_unfoldings_are_near_the_truth():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(900, 40)) @ (0.7 ** np.arange(40)[:, None] * rng.normal(size=(40, 1100)))
    values = np.linalg.svd(x, compute_uv=False) ** 2
    ranks = SampledRanks(x, x.shape, 128, 0, precise=False)
    for share in (1e-1, 1e-2, 1e-4, 1e-6):
        truth = int(np.count_nonzero(np.cumsum(values[::-1])[::-1] > share * values.sum()))
        assert abs(ranks.rank(1, share) - truth) <= 2
    noise = SampledRanks(rng.normal(size=x.shape), x.shape, 128, 0, precise=False)
    assert noise.rank(1, 1e-2) >= 700


def test_a_train_corrects_the_estimates():
    x = field((6, 7, 8, 5), (2, 0, 3, 1))
    ranks = SampledRanks(x, x.shape, 256, 0, precise=False)
    before = ranks.rank(3, 1e-4)
    for seen in (before + 3, 1):
        ranks.correct(12, 1e-4, seen)
        assert ranks.rank(3, 1e-4) == seen
    assert ranks.rank(5, 1e-4) == SampledRanks(x, x.shape, 256, 0, precise=False).rank(5, 1e-4)


@given(data=st.data(), shape=st.lists(st.integers(1, 12), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_orders_are_undone(data, shape):
    digits = prime_digits(shape, 20)
    count = sum(map(len, digits))
    order = data.draw(st.permutations(range(count)))
    cuts = sorted(data.draw(st.sets(st.integers(1, count - 1), max_size=4))) if count > 1 else []
    groups = tuple(tuple(order[a:b]) for a, b in zip([0, *cuts], [*cuts, count], strict=True)) if count else ()
    made = Order(tuple(shape), digits, groups)
    x = np.arange(np.prod(shape)).reshape(shape)
    y = made.applied(x)
    assert y.shape == made.modes
    assert np.array_equal(made.undone(y), x)
    where = np.argwhere(x >= 0)
    assert np.array_equal(y[tuple(made.indices(where).T)].ravel(), x.ravel())
    simple = made.simplified()
    assert simple.modes == made.modes
    assert np.array_equal(simple.applied(x), y)


def test_axes_are_split_into_primes_but_into_no_more_digits_than_allowed():
    assert prime_digits((480, 241, 1), 99) == ((5, 3, 2, 2, 2, 2, 2), (241,), ())
    assert prime_digits((64, 6), 5) == ((4, 4, 4), (3, 2))
    assert prime_digits((64, 64), 1) == ((64,), (64,))


def test_orders_that_are_none_are_refused():
    with pytest.raises(TensorError, match="do not make"):
        Order((6, 4), ((3, 3), (4,)), ((0,), (1,), (2,)))
    with pytest.raises(TensorError, match="each of 2 digits once"):
        Order((6, 4), ((6,), (4,)), ((0,), (0,)))
    with pytest.raises(TensorError, match="no group without any"):
        Order((6, 4), ((6,), (4,)), ((0,), (), (1,)))
    with pytest.raises(TensorError, match="at most 64"):
        Order((1,) * 65, ((1,),) * 65, tuple((k,) for k in range(65)))


def test_arrays_of_another_shape_are_not_put_in_order():
    order = Order((6, 4), ((6,), (4,)), ((1,), (0,)))
    assert order.applied(np.ones((6, 4)).tolist()).shape == (4, 6)
    with pytest.raises(TensorError, match="shape"):
        order.applied(np.ones((4, 6)))
    with pytest.raises(TensorError, match="shape"):
        order.undone(np.ones((6, 4)))
    with pytest.raises(TensorError, match="masked"):
        order.applied(np.ma.masked_less(np.ones((6, 4)), 3))


@pytest.mark.parametrize(
    ("shape", "digits", "groups", "named"),
    [
        ((0,), ((0,),), ((0,),), "shape"),
        (6, ((6,),), ((0,),), "shape"),
        ((6,), ((-3, -2),), ((0, 1),), "digits"),
        ((6,), ((1.5, 4),), ((0, 1),), "digits"),
        ((6,), "6", ((0,),), "digits"),
        ((6,), (6,), ((0,),), "digits"),
        ((6,), ((6,),), ((0.0,),), "groups"),
        ((6,), ((6,),), (0,), "groups"),
        ((6,), ((6,),), None, "groups"),
    ],
)
def test_what_orders_are_made_of_is_whole_numbers(shape, digits, groups, named):
    with pytest.raises(TensorError, match=named):
        Order(shape, digits, groups)


def test_orders_of_lists_and_of_numpy_numbers_are_those_of_tuples():
    expected = Order((6, 4), ((3, 2), (4,)), ((2,), (0,), (1,)))
    assert Order([np.int64(6), 4], [np.array([3, 2]), [4]], [[2], (np.int32(0),), range(1, 2)]) == expected
    assert hash(Order([6, 4], [[3, 2], [4]], [[2], [0], [1]])) == hash(expected)


@on_one_blas_thread
def test_many_digits_are_never_worse_than_good_orders_of_axes():
    x = field((16, 16, 16, 16), (2, 0, 3, 1))
    for seed in range(3):
        splitting = Splitting(x, 1e-2, prime_digits(x.shape, 18), joins=True, seed=seed)
        expected, order = splitting.choices([2, 0, 3, 1])[0]
        axes = [k for axis in (2, 0, 3, 1) for k in range(4 * axis, 4 * axis + 4)]
        assert expected <= splitting._chains(3).cut(axes)[0]
        assert sorted(k for group in order.groups for k in group) == list(range(16))
