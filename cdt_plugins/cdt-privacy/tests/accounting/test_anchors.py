"""The accountant gives the published figures: subsampled and plain Gaussian, Laplace, discrete Gaussian, calibration."""

import pytest

from cdt_privacy.accounting import (
    Composed,
    DiscreteGaussian,
    Gaussian,
    Laplace,
    PoissonSampled,
    account,
    epsilon,
    noise_multiplier,
)

#: noise multiplier, sampling probability, steps, delta, epsilon by RDP, its order, epsilon by PLD (dp-accounting 0.6.0).
ROWS = [
    (1.0, 0.01, 1000, 1e-5, 2.101367, 7.8, 1.828244),
    (1.1, 256 / 60000, 14040, 1e-5, 2.594363, 8.1, 2.379644),
    (1.1, 0.004, 10000, 1e-5, 2.013059, 9.8, 1.841037),
    (0.7, 0.01, 1000, 1e-5, 5.423257, 3.6, 4.618291),
    (2.0, 0.01, 1000, 1e-5, 0.686185, 24, 0.622049),
    (4.0, 0.01, 1000, 1e-5, 0.301161, 48, 0.272173),
    (1.0, 0.001, 10000, 1e-6, 0.979542, 13, 0.555392),
    (2.0, 0.02, 500, 1e-5, 1.015258, 17, 0.920929),
    (4.0, 0.05, 200, 1e-5, 0.733376, 22, 0.665560),
    (5.0, 0.1, 100, 1e-5, 0.834863, 20, 0.758287),
    (8.0, 0.1, 100, 1e-5, 0.491169, 32, 0.445201),
    (6.0, 0.1, 100, 1e-6, 0.773543, 27, 0.712978),
    (10.0, 1, 1, 1e-5, 0.375291, 41, 0.340669),
    (20.0, 1, 10, 1e-5, 0.615802, 27, 0.561285),
    (50.0, 1, 100, 1e-5, 0.794522, 22, 0.725522),
    (30.0, 1, 50, 1e-6, 1.073093, 21, 0.995438),
    (1.0, 1, 1, 1e-5, 4.728507, 5.4, 4.377178),
]


@pytest.mark.parametrize("row", ROWS)
def test_the_table_of_gaussian_releases(row):
    noise, sampling, steps, delta, renyi, order, loss = row
    one = Gaussian(noise) if sampling == 1 else PoissonSampled(sampling, Gaussian(noise))
    spent = account([Composed(one, steps)], delta)
    assert spent.by_renyi == pytest.approx(renyi, rel=1e-5)
    assert spent.renyi_order == pytest.approx(order)
    assert spent.by_loss_distributions == pytest.approx(loss, rel=1e-5)
    assert spent.epsilon == spent.by_loss_distributions


@pytest.mark.parametrize(
    ("scale", "steps", "renyi", "loss"),
    [(10.0, 1, 0.102824, 0.099980), (10.0, 100, 4.532686, 4.220347), (100.0, 100, 0.369126, 0.336693)],
)
def test_laplace_releases(scale, steps, renyi, loss):
    spent = account([Composed(Laplace(scale), steps)], 1e-5)
    assert spent.by_renyi == pytest.approx(renyi, rel=1e-5)
    assert spent.by_loss_distributions == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize(("steps", "loss"), [(1, 0.340818), (10, 1.199317)])
def test_discrete_gaussian_releases_of_one_number(steps, loss):
    assert epsilon([Composed(DiscreteGaussian(10.0, 1.0), steps)], 1e-5) == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize(
    ("target", "sampling", "steps", "noise"),
    [
        (1.0, 0.01, 1000, 1.4146), (1.0, 1.0, 1, 3.7306), (1.0, 1.0, 50, 26.380),
        (0.5, 0.01, 1000, 2.3823), (0.5, 1.0, 1, 7.0318), (0.5, 1.0, 50, 49.723),
        (0.1, 0.01, 1000, 9.804), (0.1, 1.0, 1, 30.750), (0.1, 1.0, 50, 217.43),
    ],
)  # fmt: skip
def test_calibration_finds_the_least_noise_and_never_too_little(target, sampling, steps, noise):
    found = noise_multiplier(target, 1e-5, steps=steps, sampling=sampling)
    assert found == pytest.approx(noise, rel=5e-5)  # the table has five digits
    one = Gaussian(found) if sampling == 1 else PoissonSampled(sampling, Gaussian(found))
    assert target * (1 - 1e-4) < epsilon([Composed(one, steps)], 1e-5) <= target
