"""No encoded vector exceeds the sensitivity, whatever its values and however they were rounded."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdt_core.kernels.lattice import Lattice
from cdt_core.kernels.lattice.clipping import clip
from cdt_core.kernels.lattice.sensitivity import float_above, of_rounded, sqrt_above

CLIP = 1.0


def adversarial(length, step):
    """Vectors at the clip whose roundings are large: many numbers just above a multiple, one large number, all the same."""
    rng = np.random.default_rng(length)
    grid = np.array(list(product([0.0, 1e-9, 1 + 1e-9, 2 + 1e-6], repeat=length))) * step
    yield from grid
    yield from np.eye(length) * CLIP
    yield np.full(length, CLIP / np.sqrt(length))
    yield from rng.normal(size=(300, length))


@pytest.mark.parametrize("length", [1, 2, 3, 4])
@pytest.mark.parametrize("step", [2.0, 1.0, 0.5, 0.3, 2.0**-6])
def test_no_rounding_of_any_vector_is_larger(length, step):
    lattice = Lattice(step)
    bound = lattice.sensitivity(length, CLIP)
    largest = [Fraction(0)] * 3
    for values in adversarial(length, step):
        scaled = np.multiply(*clip(values, CLIP, step))
        worst = [Fraction(int(np.ceil(abs(x)))) for x in scaled]
        norms = sum(worst), sum(q * q for q in worst), max(worst)
        largest = [max(a, b) for a, b in zip(largest, norms, strict=True)]
    assert largest[0] <= Fraction(bound.l1)
    assert largest[1] <= Fraction(bound.l2) ** 2
    assert largest[2] <= Fraction(bound.linf)
    # Not wildly more than what was found, either.
    assert float(largest[0]) >= bound.l1 / 3
    assert float(largest[1]) ** 0.5 >= bound.l2 / 3


def test_the_conditional_bound_replaces_the_worst_case():
    lattice = Lattice(2.0**-4)
    bound = lattice.norm_bound(1000, CLIP, 0.1)
    found = lattice.sensitivity(1000, CLIP, norm_bound=bound)
    assert found.l2 == bound < lattice.sensitivity(1000, CLIP).l2
    assert found.l1 <= np.nextafter(np.sqrt(1000) * bound, np.inf) * (1 + 1e-15)


def test_steps_that_are_no_powers_of_two_count_the_rounding_of_the_division():
    exact = Fraction(CLIP) / Fraction(0.1)
    assert Fraction(Lattice(0.1).sensitivity(1, CLIP).l2) > exact + 1
    assert Fraction(Lattice(0.125).sensitivity(1, CLIP).l2) == 9


@given(st.fractions(0, 10**30))
def test_roots_and_floats_are_never_below(value):
    root = sqrt_above(value)
    assert root**2 >= value
    assert (root - Fraction(1, 2**79)) ** 2 <= value or root < Fraction(1, 2**78)
    above = float_above(value)
    assert Fraction(above) >= value
    assert above == 0 or Fraction(np.nextafter(above, -1)) < value


def test_norms_are_consistent():
    for clipped in (Fraction(1, 3), Fraction(7), Fraction(10**6)):
        for length in (1, 17, 10**6):
            found = of_rounded(clipped, length, None)
            assert found.linf <= found.l2 <= found.l1
