"""An epsilon is an upper bound: held against the exact divergence of small discrete mechanisms, summed term by term."""

import itertools
import math

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from cdt_core.errors import PrivacyError
from cdt_privacy.accounting import (
    Composed,
    Declared,
    DiscreteGaussian,
    DiscreteLaplace,
    DistributedDiscreteGaussian,
    Gaussian,
    Laplace,
    Neighbours,
    PoissonSampled,
    account,
    epsilon,
)
from cdt_privacy.accounting.smoothing import continuous_loss, share_divergence, smooth

REACH = 60


def law(log_weight):
    """Probabilities of the integers from -REACH to REACH."""
    weights = np.exp(log_weight(np.arange(-REACH, REACH + 1, dtype=float)))
    return weights / weights.sum()


def gaussian(deviation):
    return law(lambda x: -(x**2) / (2 * deviation**2))


def shares(deviation, count):
    one, total = gaussian(deviation), np.ones(1)
    for _ in range(count):
        total = np.convolve(total, one)
    middle = len(total) // 2
    return total[middle - REACH : middle + REACH + 1]


def exact_epsilon(noise, shift, delta):
    """The epsilon of adding ``noise`` to each coordinate of a vector that may move by ``shift``, from its definition."""
    before, after = np.ones(1), np.ones(1)
    for move in filter(None, shift):  # coordinates that do not move tell nothing
        base, moved = np.zeros(len(noise) + move), np.zeros(len(noise) + move)
        base[: len(noise)], moved[move:] = noise, noise
        before, after = np.outer(before, base).ravel(), np.outer(after, moved).ravel()

    def delta_at(value):
        return np.maximum(before - math.exp(value) * after, 0).sum()

    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if delta_at(middle) > delta else (low, middle)
    return high


@pytest.mark.parametrize("shift", [(1,), (3,), (1, 1), (2, 1), (3, 0), (1, 1, 1)])
@pytest.mark.parametrize("deviation", [0.7, 1.6, 3.0, 5.0])
def test_discrete_gaussians_are_bounded_in_every_direction(shift, deviation):
    if len(shift) == 3 and deviation > 2:
        deviation = 2.0  # the cube of a wider law is large
    reach = math.ceil(12 * deviation)
    noise = gaussian(deviation)[REACH - reach : REACH + reach + 1]
    claimed = epsilon([DiscreteGaussian(deviation, math.hypot(*shift), length=len(shift))], 1e-5)
    exact = exact_epsilon(noise, shift, 1e-5)
    assert exact <= claimed * (1 + 1e-12)  # bisection and sums of floats on this side
    if deviation >= 5.0:
        assert claimed <= 1.1 * exact  # and not by much more than smoothing costs at so small a deviation


@pytest.mark.parametrize(("deviation", "count"), [(0.5, 4), (0.6, 3), (0.8, 10), (1.5, 2), (2.0, 5)])
@pytest.mark.parametrize("shift", [(1,), (2,), (4,)])
def test_sums_of_shares_are_bounded(deviation, count, shift):
    claimed = epsilon([DistributedDiscreteGaussian(deviation, count, float(shift[0]))], 1e-5)
    assert exact_epsilon(shares(deviation, count), shift, 1e-5) <= claimed


def test_sums_of_shares_cost_what_one_noise_of_their_deviation_costs():
    apart = account([DistributedDiscreteGaussian(5.0, 64, 12.0, length=100_000)], 1e-6)
    whole = account([DiscreteGaussian(40.0, 12.0, length=100_000)], 1e-6)
    continuous = account([Gaussian(40.0 / 12.0)], 1e-6)
    assert apart.epsilon == pytest.approx(whole.epsilon, rel=1e-9)
    assert continuous.epsilon <= whole.epsilon <= 1.002 * continuous.epsilon
    assert whole.by_renyi == pytest.approx(continuous.by_renyi)


def test_small_shares_of_many_coordinates_are_charged_for_their_shape():
    assert share_divergence(0.7, 50) > 1e-4
    coarse = epsilon([DistributedDiscreteGaussian(0.7, 400, 1.0, length=10_000)], 1e-5)
    assert coarse > 1.05 * epsilon([Gaussian(0.7 * 20)], 1e-5)
    assert smooth(DistributedDiscreteGaussian(0.1, 400, 1.0), 1).ratio == math.inf
    assert epsilon([DistributedDiscreteGaussian(0.1, 400, 1.0)], 1e-5) == math.inf


@pytest.mark.parametrize("parts", [(1, 1), (2, 1), (3, 2), (1, 1, 1)])
@pytest.mark.parametrize("scale", [0.8, 3.0])
@pytest.mark.parametrize("delta", [1e-3, 1e-6])
def test_discrete_laplace_is_worst_where_one_coordinate_moves_by_all(parts, scale, delta):
    noise = law(lambda x: -np.abs(x) / scale)
    if len(parts) == 3:  # the cube of a narrower window: what it cuts off counts as if it told all
        noise, delta = noise[REACH - 45 : REACH + 46], max(delta, 1e-4)
    claimed = epsilon([DiscreteLaplace(scale, float(sum(parts)))], delta)
    assert exact_epsilon(noise, parts, delta) <= claimed + 1e-9
    assert claimed <= sum(parts) / scale + 1e-12


@pytest.mark.parametrize(("scale", "shift"), [(0.5, 1), (2.0, 3), (4.0, 9)])
def test_continuous_laplace_noise_stands_above_the_discrete(scale, shift):
    noise, loss = law(lambda x: -np.abs(x) / scale), continuous_loss(scale, shift)
    for delta in (0.3, 0.01, 1e-3):
        continuous = max(0.0, loss + 2 * math.log1p(-delta))
        assert exact_epsilon(noise, (shift,), delta) <= continuous + 1e-9
        assert continuous <= loss < shift / scale + 0.3 / scale**2


def test_laplace_noise_on_fine_lattices_costs_what_continuous_noise_costs():
    fine = account([Composed(DiscreteLaplace(2.0**40, 2.0**36), 20)], 1e-6)
    assert fine.epsilon == pytest.approx(epsilon([Composed(Laplace(16.0), 20)], 1e-6), rel=1e-9)
    assert epsilon([DiscreteLaplace(1.0, 1e6)], 1e-6) == 1e6


def test_at_delta_zero_pure_epsilons_add_up():
    mechanisms = [Laplace(4.0), Composed(DiscreteLaplace(10.0, 1.5), 3), Declared(0.05)]
    assert epsilon(mechanisms, 0.0) == pytest.approx(0.25 + 3 * 0.2 + 0.05)
    assert epsilon(mechanisms, 0.0, Neighbours.REPLACE_ONE) == pytest.approx(0.5 + 6 * 0.2 + 0.05)
    assert epsilon([*mechanisms, Gaussian(100.0)], 0.0) == math.inf
    assert epsilon([], 0.0) == epsilon([], 1e-5) == 0.0


def test_pure_epsilon_of_a_sample_is_amplified():
    assert epsilon([PoissonSampled(0.1, DiscreteLaplace(1.0, 1.0))], 0.0) == pytest.approx(
        math.log1p(0.1 * math.expm1(1.0))
    )
    assert epsilon([PoissonSampled(0.5, Declared(800.0))], 0.0) == 800.0


@pytest.mark.parametrize(
    "mechanism", [Gaussian(6.0), Laplace(20.0), DiscreteGaussian(30.0, 5.0, 7), DiscreteLaplace(60.0, 3.0)]
)
def test_replacing_one_is_adding_one_and_removing_one(mechanism):
    twice = {
        Gaussian: Gaussian(3.0), Laplace: Laplace(10.0),
        DiscreteGaussian: DiscreteGaussian(30.0, 10.0, 7), DiscreteLaplace: DiscreteLaplace(60.0, 6.0),
    }[type(mechanism)]  # fmt: skip
    replaced = account([mechanism], 1e-6, Neighbours.REPLACE_ONE)
    assert replaced.epsilon == pytest.approx(epsilon([twice], 1e-6), rel=1e-4)
    assert replaced.by_renyi == pytest.approx(account([twice], 1e-6).by_renyi)


def test_more_is_never_cheaper():
    kinds = [
        Gaussian(8.0), Laplace(30.0), DiscreteGaussian(40.0, 6.0, 100), DistributedDiscreteGaussian(8.0, 25, 6.0, 100),
        DiscreteLaplace(50.0, 3.0), Declared(0.1, 1e-8), PoissonSampled(0.1, DiscreteGaussian(20.0, 9.0, 4)),
    ]  # fmt: skip
    for one, other in itertools.pairwise(kinds):
        alone, both = account([one], 1e-5), account([one, other], 1e-5)
        assert alone.epsilon < both.epsilon < math.inf
        assert both.epsilon <= alone.epsilon + epsilon([other], 1e-8) + 1e-3


def test_the_order_and_grouping_of_releases_do_not_count():
    one, other = PoissonSampled(0.05, Gaussian(2.0)), Laplace(25.0)
    flat = epsilon([one, other, one, other, one], 1e-5)
    assert epsilon([Composed(one, 3), Composed(other, 2)], 1e-5) == flat
    assert epsilon([other, Composed(Composed(one, 3), 1), other], 1e-5) == pytest.approx(flat, rel=1e-9)


@pytest.mark.parametrize("delta", [1e-8, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14])
def test_composition_takes_nothing_off_at_small_deltas(delta):
    """A thousand runs that are together one Gaussian of which the exact epsilon is known (Balle, Wang 2018, Theorem 8)."""
    mean = math.sqrt(1000) / 40

    def excess(value):
        tail = math.exp(value + norm.logcdf(-mean / 2 - value / mean))
        return math.log((norm.cdf(mean / 2 - value / mean) - tail) / delta)

    exact = brentq(excess, 0.1, 6.5)
    assert exact <= epsilon([Composed(PoissonSampled(1.0, Gaussian(40.0)), 1000)], delta) <= 1.1 * exact


def test_runs_of_next_to_no_cost_do_not_cost_nothing():
    many = account([Composed(Laplace(1e9), 10**12)], 1e-5)
    assert many.by_renyi == pytest.approx(account([Gaussian(1e3)], 1e-5).by_renyi)
    assert account([Composed(PoissonSampled(1e-9, Gaussian(4.0)), 10**15)], 1e-5).by_renyi > 1e-3


@pytest.mark.parametrize(
    "mechanism",
    [
        Gaussian(1e-300), Gaussian(1e-6), Laplace(1e-300), Laplace(1e300),
        DiscreteGaussian(1e-300, 1.0), DiscreteGaussian(1.0, 1e300),
        DistributedDiscreteGaussian(1e300, 2**53, 1.0, 2**53), DiscreteLaplace(1e-300, 1.0), DiscreteLaplace(1e-3, 4000.0),
        PoissonSampled(1e-9, Gaussian(0.01)), PoissonSampled(0.5, Gaussian(1e-300)), PoissonSampled(1.0, Gaussian(1e300)),
        PoissonSampled(0.5, Laplace(1e-300)), Composed(Gaussian(1e6), 2**53), Composed(Laplace(100.0), 10**6),
        Composed(Laplace(1e9), 2**53), Composed(PoissonSampled(1e-6, Gaussian(4.0)), 2**53),
    ],
)  # fmt: skip
def test_extreme_mechanisms_have_a_figure_without_tables_as_large_as_their_losses(mechanism):
    added = epsilon([mechanism], 1e-5, Neighbours.ADD_OR_REMOVE)
    if isinstance(mechanism, Laplace | DiscreteLaplace) and added > 0:
        scale = (
            mechanism.noise_multiplier if isinstance(mechanism, Laplace) else mechanism.scale / mechanism.sensitivity
        )
        assert added == pytest.approx(1 / scale, rel=1e-12)
    if mechanism == PoissonSampled(0.5, Laplace(1e-300)):
        with pytest.raises(PrivacyError, match="has no bound here for the relation 'replace-one'"):
            epsilon([mechanism], 1e-5, Neighbours.REPLACE_ONE)
    else:
        assert epsilon([mechanism], 1e-5, Neighbours.REPLACE_ONE) >= added >= 0


def test_a_relation_that_is_none_is_refused():
    with pytest.raises(PrivacyError, match="the neighbours are 'replace-one'"):
        epsilon([Gaussian(1.0)], 1e-5, "replace-one")


@pytest.mark.parametrize("delta", [-1e-9, 1.0, math.nan, "1e-5", True])
def test_a_delta_that_is_no_probability_is_refused(delta):
    with pytest.raises(PrivacyError, match="delta is"):
        epsilon([Gaussian(1.0)], delta)


def test_what_has_no_bound_is_refused_and_not_guessed():
    with pytest.raises(PrivacyError, match="replace-one"):
        epsilon([PoissonSampled(0.1, Laplace(2.0))], 1e-5, Neighbours.REPLACE_ONE)
    with pytest.raises(PrivacyError, match="is no mechanism"):
        epsilon(["Gaussian"], 1e-5)


def test_samples_where_neighbours_replace_one_have_a_figure():
    replaced = account([Composed(PoissonSampled(0.01, Gaussian(4.0)), 100)], 1e-5, Neighbours.REPLACE_ONE)
    assert replaced.by_renyi == math.inf
    assert replaced.epsilon == pytest.approx(0.1602260, rel=1e-4)
