"""Private sums: exact but for their noise, noise as large as stated, and no release that was not planned for."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import BudgetError, PrivacyError
from cdt_core.hooks import Aggregator
from cdt_core.kernels.lattice import Stream
from cdt_privacy.accounting import Composed, DiscreteGaussian, DistributedDiscreteGaussian, Neighbours, epsilon
from cdt_privacy.chain import Combination, Contribution, Law, PrivateSum, Target
from cdt_privacy.chain.clipping import clipped_rows
from cdt_privacy.ledger import Budget, Ledger

MEAN = Aggregator(name="mean", function="cdt_robust.mean:weighted_mean", additive=True)
MEDIAN = Aggregator(name="median", function="m:median", breakdown=0.5)
GAUSSIAN = Target(epsilon=0.9, delta=1e-6)


def combined(carrier="encrypted", noise="distributed", sites=20, **others):
    return Combination(**{"rule": MEAN, "carrier": carrier, "noise": noise, "sites": sites, **others})


def stream(number):
    return Stream(number.to_bytes(32, "little"))


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("rows", [1, 7])
def test_without_noise_the_sum_is_right_to_a_step_per_row(bits, rows):
    rng = np.random.default_rng(3)
    chain = PrivateSum.plan(
        combined(noise="none", sites=5), Contribution(length=33, clip_norm=2.0, rows=rows), bits=bits
    )
    values = rng.normal(0, 1, (5, rows, 33))
    values *= rng.uniform(0.1, 1.9, (5, rows, 1)) / np.linalg.norm(values, axis=2, keepdims=True)
    release = chain.result(chain.total([chain.site(one, stream=stream(at)) for at, one in enumerate(values)]), 5)
    assert np.abs(release.value - values.sum(axis=(0, 1))).max() <= 5 * rows * chain.lattice.step + 1e-15  # float64
    assert (release.epsilon, release.deviation, release.mechanism) == (math.inf, 0.0, None)


@pytest.mark.parametrize("rows", [1, 3])
def test_long_rows_are_clipped_to_the_norm(rows):
    chain = PrivateSum.plan(combined(noise="none", sites=2), Contribution(length=4, clip_norm=1.5, rows=3))
    total = chain.lattice.decode(chain.site([[3.0, -4.0, 0.0, 0.0]] * rows, stream=stream(1)))
    np.testing.assert_allclose(total, np.array([0.9, -1.2, 0.0, 0.0]) * rows, atol=3 * chain.lattice.step)


ROW = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=6)


@settings(deadline=None, max_examples=100)
@given(ROW, st.floats(1e-30, 1e30), st.sampled_from([1, 2]))
def test_clipped_norms_hold_as_real_numbers(row, clip, order):
    from fractions import Fraction

    (clipped,) = clipped_rows(np.array([row]), clip, order)
    exact = sum(abs(Fraction(value)) ** order for value in clipped.tolist())
    assert exact <= Fraction(clip) ** order * (1 + Fraction(1, 2**60)) or (clipped == row).all()
    if sum(abs(Fraction(value)) ** order for value in row) <= Fraction(clip) ** order * (1 - Fraction(1, 2**40)):
        np.testing.assert_array_equal(clipped, row)


@pytest.mark.parametrize(
    ("noise", "carrier", "target", "draws"),
    [
        ("central", "plain", GAUSSIAN, 1),
        ("local", "plain", GAUSSIAN, 20),
        ("distributed", "encrypted", GAUSSIAN, 20),
        ("central", "plain", Target(epsilon=0.5, delta=0.0, law=Law.LAPLACE), 1),
        ("local", "plain", Target(epsilon=0.5, delta=1e-9, law=Law.LAPLACE), 20),
    ],
)
def test_noise_is_as_large_as_stated_and_as_the_target_needs(noise, carrier, target, draws):
    chain = PrivateSum.plan(
        combined(carrier, noise, server_trusted=noise == "central"), Contribution(length=20_000, clip_norm=1.0), target
    )
    zeros = np.zeros(20_000)
    release = chain.result(
        chain.total([chain.site(zeros, stream=stream(at)) for at in range(20)]), 20, stream=stream(99)
    )
    assert release.value.std() == pytest.approx(release.deviation, rel=0.03)
    assert abs(release.value.mean()) < 5 * release.deviation / math.sqrt(20_000)
    assert release.deviation == pytest.approx(chain.lattice.step * math.sqrt(draws * chain.noise.variance))
    assert target.epsilon * 0.999 < release.epsilon <= target.epsilon
    assert release.epsilon == epsilon([release.mechanism], target.delta)


def test_distributed_noise_is_planned_for_those_who_stay_and_stated_for_those_who_came():
    combination = combined(least_sites=16, colluding=4)
    chain = PrivateSum.plan(combination, Contribution(length=10, clip_norm=1.0), GAUSSIAN)
    rings = [chain.site(np.zeros(10)) for _ in range(20)]
    assert isinstance(chain.mechanism, DistributedDiscreteGaussian)
    assert chain.mechanism.shares == 12
    fewest = chain.result(chain.total(rings[:16]), 16)
    everybody = chain.result(chain.total(rings), 20)
    assert fewest.mechanism == chain.mechanism
    assert everybody.mechanism.shares == 16
    assert 0.899 < fewest.epsilon <= 0.9
    assert everybody.epsilon == pytest.approx(0.9 * math.sqrt(12 / 16), rel=0.02)
    assert everybody.deviation == pytest.approx(fewest.deviation * math.sqrt(20 / 16))
    with pytest.raises(PrivacyError, match="15 sites are in the sum, and the round was planned for 16 to 20: nothing"):
        chain.result(chain.total(rings[:15]), 15)


def test_shares_together_are_what_central_noise_is():
    """The price of not trusting the coordinator: nothing but what dropped-out and colluding sites would have added."""
    contribution = Contribution(length=1000, clip_norm=1.0)
    central = PrivateSum.plan(combined("plain", "central", server_trusted=True), contribution, GAUSSIAN)
    shares = PrivateSum.plan(combined(), contribution, GAUSSIAN)
    zeros = np.zeros(1000)
    one = central.result(central.total([central.site(zeros)] * 20), 20).deviation
    other = shares.result(shares.total([shares.site(zeros)] * 20), 20).deviation
    assert other == pytest.approx(one, rel=1e-4)


def test_neighbours_that_replace_a_row_need_twice_the_noise():
    added, replaced = (
        PrivateSum.plan(combined(), Contribution(length=3, clip_norm=1.0, neighbours=relation), GAUSSIAN)
        for relation in Neighbours
    )
    scales = [chain.noise.scale * chain.lattice.step for chain in (added, replaced)]
    assert scales[1] == pytest.approx(2 * scales[0], rel=1e-4)
    assert replaced.result(replaced.total([replaced.site(np.ones(3))] * 20), 20).epsilon == pytest.approx(0.9, rel=1e-3)


def test_many_rounds_share_the_target(tmp_path):
    target = Target(epsilon=0.9, delta=1e-6, rounds=10)
    chain = PrivateSum.plan(combined(), Contribution(length=5, clip_norm=1.0), target)
    assert 0.899 < epsilon([Composed(chain.mechanism, 10)], 1e-6) <= 0.9
    with Ledger.create(tmp_path / "l", "cohort", Budget(0.9, 1e-6)) as ledger:
        for number in range(10):
            reservation = ledger.reserve(chain.mechanism, f"round {number}")
            release = chain.result(
                chain.total([chain.site(np.ones(5)) for _ in range(20)]), 20, reservation=reservation
            )
        assert ledger.open_reservations == ()
        assert release.epsilon < 0.4
        with pytest.raises(BudgetError):
            ledger.reserve(chain.mechanism, "one too many")


def test_a_reservation_of_something_else_is_refused_and_stays_open(tmp_path):
    chain = PrivateSum.plan(combined(), Contribution(length=5, clip_norm=1.0), GAUSSIAN)
    with Ledger.create(tmp_path / "l", "cohort", Budget(0.9, 1e-6)) as ledger:
        reservation = ledger.reserve(DiscreteGaussian(1e9, 1.0))
        with pytest.raises(PrivacyError, match="another mechanism"):
            chain.result(chain.total([chain.site(np.ones(5))] * 20), 20, reservation=reservation)
        assert len(ledger.open_reservations) == 1


def test_robust_rules_follow_groups_sums_that_are_private_each():

    combination = Combination(
        rule=MEDIAN,
        carrier="grouped",
        noise="distributed",
        sites=23,
        group_size=5,
        least_sites=4,
        colluding=1,
        corrupt=1,
    )
    assert combination.groups == 4
    chain = PrivateSum.plan(combination, Contribution(length=8, clip_norm=1.0), GAUSSIAN)
    counts = [5, 4, 5, 8]
    totals = [chain.total([chain.site(np.full(8, 0.1)) for _ in range(count)]) for count in counts]
    release = chain.results(np.stack(totals), counts)
    assert release.value.shape == (4, 8)
    assert release.mechanism.shares == 2  # of four, one colludes and one may have sent no noise
    assert 0.899 < release.epsilon <= 0.9
    median = np.median(release.value / np.array(counts)[:, None], axis=0)
    assert np.abs(median - 0.1).max() < 5 * release.deviation / 4
    with pytest.raises(PrivacyError, match="3 sites are in the sum"):
        chain.results(totals, [5, 3, 5, 8])
    with pytest.raises(PrivacyError, match="9 sites are in the sum, and the round was planned for 4 to 8"):
        chain.result(totals[0], 9)  # no group has so many, nor so much noise
    with pytest.raises(PrivacyError, match="32 sites are in these sums together, and 23 were planned for"):
        chain.results(totals, [8, 8, 8, 8])


def test_single_updates_with_local_noise_are_private_each():
    combination = Combination(rule=MEDIAN, carrier="plain", noise="local", sites=9)
    chain = PrivateSum.plan(combination, Contribution(length=4, clip_norm=1.0), GAUSSIAN)
    release = chain.results([chain.site(np.zeros(4)) for _ in range(9)], [1] * 9)
    assert release.value.shape == (9, 4)
    assert 0.899 < release.epsilon <= 0.9
    assert release.deviation == pytest.approx(chain.lattice.step * chain.noise.scale)


def test_masks_cancel_in_the_sum():
    chain = PrivateSum.plan(combined(noise="none", sites=2), Contribution(length=100, clip_norm=1.0))
    values = np.linspace(-0.05, 0.05, 100)
    masked = [chain.site(values, stream=stream(at), masks=[(stream(7), sign)]) for at, sign in ((1, 1), (2, -1))]
    bare = [chain.site(values, stream=stream(at)) for at in (1, 2)]
    assert (masked[0] != bare[0]).mean() > 0.9
    np.testing.assert_array_equal(chain.total(masked), chain.total(bare))


def test_every_call_takes_fresh_randomness():
    chain = PrivateSum.plan(combined(), Contribution(length=50, clip_norm=1.0), GAUSSIAN)
    assert (chain.site(np.ones(50)) != chain.site(np.ones(50))).mean() > 0.9


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([1.0, 2.0], "values of shape"), ([[1.0, 2.0, 3.0]] * 3, "3 rows"), ([[[1.0, 2.0, 3.0]]], "values of shape"),
        ([1.0, math.nan, 2.0], "index 1"), ([[1.0, 2.0, 3.0], [1.0, 2.0, math.inf]], "row 1, column 2"),
        (["a", "b", "c"], "real numbers"), ([1j, 2, 3], "real numbers"), ([[1.0, 2.0, 3.0], [1.0]], "no array"),
        (np.zeros((0, 4)), "values of shape"), ([], "values of shape"),
    ],
)  # fmt: skip
def test_values_that_cannot_be_sent_are_refused_with_their_place(values, reason):
    chain = PrivateSum.plan(combined(), Contribution(length=3, clip_norm=1.0, rows=2), GAUSSIAN)
    with pytest.raises(PrivacyError, match=reason):
        chain.site(values)


@pytest.mark.parametrize("noise", ["distributed", "local"])
def test_a_site_without_rows_sends_its_noise_as_the_others_do(noise):
    """That it has none is not for the coordinator to see, and a sum that counts on its noise has it."""
    chain = PrivateSum.plan(
        combined(noise=noise, sites=2), Contribution(length=20_000, clip_norm=1.0, rows=5), GAUSSIAN
    )
    none, some = (chain.site(np.zeros((rows, 20_000)), stream=stream(rows)) for rows in (0, 5))
    sent = np.stack([chain.lattice.decode(ring) for ring in (none, some)])
    expected = chain.lattice.step * math.sqrt(chain.noise.variance)
    np.testing.assert_allclose(sent.std(axis=1), expected, rtol=0.03)
    assert chain.result(chain.total([none, some]), 2).epsilon <= GAUSSIAN.epsilon


def test_without_noise_a_site_without_rows_sends_zeros():
    chain = PrivateSum.plan(combined(noise="none", sites=2), Contribution(length=3, clip_norm=1.0, rows=2))
    assert not chain.site(np.zeros((0, 3))).any()


ROW_OF_3 = Contribution(length=3, clip_norm=1.0)
ROWS_OF_3 = Contribution(length=3, clip_norm=1.0, rows=10**9)


@pytest.mark.parametrize(
    "make",
    [
        lambda: PrivateSum.plan(combined("plain", "distributed"), ROW_OF_3, GAUSSIAN),
        lambda: PrivateSum.plan(combined(noise="none"), ROW_OF_3, GAUSSIAN),
        lambda: PrivateSum.plan(combined(), ROW_OF_3),
        lambda: PrivateSum.plan(combined(), ROW_OF_3, Target(epsilon=1.0, delta=0.0, law=Law.LAPLACE)),
        lambda: PrivateSum.plan(combined(), ROWS_OF_3, GAUSSIAN),
        lambda: Target(epsilon=1.0, delta=0.0),
        lambda: Target(epsilon=0.0, delta=1e-6),
        lambda: Target(epsilon=1000.0, delta=1e-6),
        lambda: Target(epsilon=1.0, delta=1e-6, rounds=0),
        lambda: Target(epsilon=1.0, delta=1e-6, law="laplace"),
        lambda: Contribution(length=1, clip_norm=1.0, neighbours="replace-one"),
        lambda: Contribution(length=0, clip_norm=1.0),
        lambda: Contribution(length=1, clip_norm=math.inf),
    ],
)
def test_plans_that_would_not_keep_what_they_promise_are_refused(make):
    with pytest.raises(PrivacyError):
        make()


def test_sums_that_sites_did_not_send_are_refused():
    chain = PrivateSum.plan(combined(noise="none"), Contribution(length=3, clip_norm=1.0))
    for total in (np.zeros(3), np.zeros(4, np.uint32), np.zeros(3, np.uint64), [0, 0, 0]):
        with pytest.raises(PrivacyError, match="the sum must be uint32"):
            chain.result(total, 20)
    with pytest.raises(PrivacyError, match="no site"):
        chain.total([])
    for count in (0, 21, 19.0, True):
        with pytest.raises(PrivacyError, match="sites are in the sum"):
            chain.result(np.zeros(3, np.uint32), count)
