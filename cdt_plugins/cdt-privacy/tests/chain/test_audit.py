"""An empirical audit: runs on two neighbouring datasets never show more than was claimed, and do show broken mechanisms.

Whoever guesses the dataset by a threshold is right about one with probability p at least and wrong about the other with q at
most (Clopper-Pearson, 99.9 % each), so epsilon is at least log((p - delta) / q) (Kairouz, Oh, Viswanath 2015, Theorem 2.1).
The threshold is chosen on the first half of the runs and judged on the second.
"""

import math

import numpy as np
import pytest
from attrs import evolve
from scipy.stats import beta

from cdt_core.hooks import Aggregator
from cdt_core.kernels.lattice import Stream
from cdt_privacy.chain import Combination, Contribution, Law, PrivateSum, Target

RUNS = 100_000
MISTAKE = 1e-3
MEAN = Aggregator(name="mean", function="cdt_robust.mean:weighted_mean", additive=True)
TOWARDS = np.array([0.6, 0.8])


def shown_epsilon(present, absent, delta):
    """The epsilon that the runs prove, at confidence 0.998; 0 when they prove nothing."""
    half = RUNS // 2

    def counts(threshold, part):
        return int((present[part] > threshold).sum()), int((absent[part] > threshold).sum())

    def estimate(threshold):
        hits, misses = counts(threshold, slice(half))
        return math.log(hits / misses) - 3 / math.sqrt(misses) if hits and misses else -math.inf

    hits, misses = counts(max(np.quantile(absent[:half], [0.5, 0.7, 0.9, 0.97, 0.99]), key=estimate), slice(half, None))
    right, wrong = beta.ppf(MISTAKE, hits, half - hits + 1), beta.ppf(1 - MISTAKE, misses + 1, half - misses)
    return max(0.0, math.log((right - delta) / wrong))


def planned(noise, law=Law.GAUSSIAN, **others):
    combination = Combination(
        rule=MEAN,
        carrier="encrypted" if noise == "distributed" else "plain",
        noise=noise,
        sites=6,
        server_trusted=noise == "central",
        **others,
    )
    target = Target(epsilon=1.0, delta=1e-5 if law is Law.GAUSSIAN else 0.0, law=law)
    return PrivateSum.plan(combination, Contribution(length=2, clip_norm=1.0), target)


def outputs(chain, value, seed, clip_norm=1.0):
    """What the sum says in all runs, along ``TOWARDS``, where one site gives ``value`` and all others nothing.

    Values and noise go through the chain's own lattice and noise, all runs at once; draws are those that the adversary does not
    know.
    """
    stream = Stream(seed.to_bytes(32, "little"))
    draws = chain.combination.shares if chain.combination.noise.value == "distributed" else 1
    total = np.concatenate([chain.lattice.encode(value, clip_norm, stream) for _ in range(100)] * (RUNS // 100))
    noise = evolve(chain.noise, length=total.size)
    for _ in range(draws):
        total += noise.draw(stream).astype(total.dtype)
    return chain.lattice.decode(total).reshape(RUNS, 2) @ TOWARDS


def shown(chain, *, present=TOWARDS, absent=(0.0, 0.0), clip_norm=1.0):
    runs = outputs(chain, np.asarray(present), 1, clip_norm), outputs(chain, np.asarray(absent), 2, clip_norm)
    return shown_epsilon(*runs, chain.target.delta)


CHAINS = {
    "central Gaussian": lambda: planned("central"),
    "central Laplace": lambda: planned("central", Law.LAPLACE),
    "local Laplace": lambda: planned("local", Law.LAPLACE),
    "Gaussian in shares": lambda: planned("distributed", least_sites=5, colluding=1),
}


@pytest.mark.parametrize("name", CHAINS)
def test_runs_show_something_and_never_more_than_was_claimed(name):
    chain = CHAINS[name]()
    far = (0.0, 1.0) if chain.target.law is Law.LAPLACE else TOWARDS
    assert 0.3 < shown(chain, present=far) <= 1.0
    assert shown(chain, present=100 * np.asarray(far)) <= 1.0  # clipped


@pytest.mark.parametrize("name", CHAINS)
def test_noise_that_is_too_small_by_half_is_found(name):
    chain = CHAINS[name]()
    broken = evolve(chain, noise=evolve(chain.noise, scale=chain.noise.scale / 2))
    assert shown(broken, present=(0.0, 1.0) if chain.target.law is Law.LAPLACE else TOWARDS) > 1.0


@pytest.mark.parametrize("name", ["central Gaussian", "Gaussian in shares"])
def test_a_forgotten_sensitivity_is_found(name):
    chain = CHAINS[name]()
    assert shown(chain, present=3 * TOWARDS, clip_norm=None) > 1.0  # nobody clipped
    assert shown(chain, present=TOWARDS, absent=-TOWARDS) > 1.0  # replaced, where adding or removing was planned for


def test_a_lost_share_is_found_in_what_is_stated():
    """With two shares less than planned the noise is not enough, and the chain says so instead of releasing."""
    chain = CHAINS["Gaussian in shares"]()
    fewer = evolve(chain, combination=evolve(chain.combination, least_sites=2))
    assert shown(fewer) > 1.0
