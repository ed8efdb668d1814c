"""The compiled kernels make the states that plain NumPy makes, bit for bit: all instruction sets, weights and temperatures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.kernels import _anneal
from cdt_core.kernels.anneal import Problem
from cdt_core.kernels.anneal.lanes import Lanes
from cdt_core.kernels.anneal.packing import packed
from cdt_core.kernels.anneal.replicas import GROUP
from cdt_core.kernels.reference import anneal as reference
from cdt_core.kernels.reference.anneal_draws import Draws
from tests.kernels.instruction_sets import LEVELS, using

BETAS = st.sampled_from([0.0, 1e-40, 1e-9, 0.01, 0.1, 0.3, 1.0, 2.5, 400.0, 1e300]) | st.floats(0, 3)
SEEDS = st.integers(0, 2**64 - 1)


@st.composite
def problems(draw):
    """Of both kinds: whole weights up to the largest fields that bytes hold, and floats of any spread."""
    size = draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    pairs = {(i, j): 0.0 for i in range(size) for j in range(i) if rng.random() < draw(st.floats(0, 1))}
    whole = draw(st.booleans())
    most = 127 // size if whole else 1
    for pair in pairs:
        pairs[pair] = int(rng.integers(-most, most + 1)) if whole else rng.normal() * 10 ** rng.uniform(-6, 6)
    fields = rng.integers(-most, most + 1, size) if whole else rng.normal(size=size)
    return Problem.from_ising(dict(enumerate(fields.tolist())), pairs)


class Both:
    """A group of compiled replicas of a problem, and the same in the reference."""

    def __init__(self, problem, seed):
        self.seed, self.lanes = seed, Lanes.of(problem)
        self.spins, self.group = self.lanes.spins, self.lanes.group(seed, 3)
        arrays = packed(problem, self.lanes.order, self.lanes.unit * problem.scale)
        self.plain, self.up = reference.Spins(*arrays), self.group.up.copy()

    def call(self, name, *arguments, numbered=True, part=None):
        stream = (self.seed, 3, 17) if numbered else ()
        part = (0, len(self.up)) if part is None else part
        expected = getattr(self.plain, name)(self.up, *arguments, *stream, *part)
        before = self.group.up.copy()
        for level in LEVELS:
            with using(level, _anneal):
                self.group.up[:] = before
                found = getattr(self.spins, name)(self.group.up, *arguments, *stream, *part)
            np.testing.assert_array_equal(self.group.up, self.up)
            np.testing.assert_array_equal(found, expected)


@settings(max_examples=60, deadline=None)
@given(problems(), SEEDS, st.lists(BETAS, min_size=1, max_size=4))
def test_sweeps(problem, seed, betas):
    both = Both(problem, seed)
    both.call("sweeps", np.array(betas))
    both.call("energies", numbered=False)


@settings(max_examples=60, deadline=None)
@given(problems(), SEEDS, st.lists(BETAS, min_size=1, max_size=4), st.integers(0, 3))
def test_sweeps_with_a_beta_for_each_replica(problem, seed, betas, count):
    Both(problem, seed).call("sweeps_apart", np.resize(betas, GROUP), count)


@settings(max_examples=60, deadline=None)
@given(
    problems(), SEEDS, st.lists(st.tuples(BETAS, st.floats(0, 7)), min_size=1, max_size=4), st.sampled_from([4, 8, 16])
)
def test_linked_sweeps(problem, seed, pairs, slices):
    betas, links = np.array(pairs).T.copy()
    Both(problem, seed).call("sweeps_linked", betas, links, slices)


@settings(max_examples=60, deadline=None)
@given(problems(), SEEDS, st.integers(0, 5))
def test_descents_and_energies(problem, seed, most):
    both = Both(problem, seed)
    both.call("descend", most, numbered=False)
    both.call("energies", numbered=False)


@pytest.mark.parametrize("scale", [1, 0.1], ids=["bytes", "floats"])
def test_parts_of_many_spins(scale):
    """Two blocks and a bit, each drawn from its own stream."""
    size = 2 * reference.BLOCK + 3
    assert reference.BLOCK == _anneal.BLOCK
    places = np.arange(size)
    both = Both(Problem.from_ising([scale] * size, (size, places, (places + 1) % size, [scale] * size)), 5)
    both.call("sweeps", both.lanes.betas(np.array([0.4])))
    both.call("sweeps_linked", both.lanes.betas(np.array([0.4])), np.array([0.3]), 8, part=(reference.BLOCK, size))
    both.call("sweeps_apart", np.full(GROUP, 0.4), 1, part=(2 * reference.BLOCK, size - 1))
    both.call("energies", numbered=False, part=(reference.BLOCK, size))


def test_chances_are_those_of_metropolis():
    for beta in (0.0, 1e-3, 0.1, 1.0, 5.0):
        expected = 65536 * np.exp(-2 * beta * np.arange(1, 128))
        np.testing.assert_allclose(reference.chances(beta)[1:], expected, rtol=1e-12, atol=1)


def test_exponential_draws_are_uniform_logarithms():
    draws, twin = Draws(1, 2, 3), Draws(1, 2, 3)
    for _ in range(100):
        words = np.concatenate([twin.words() for _ in range(4)]).view("<u4")
        np.testing.assert_allclose(draws.exponential(), -np.log(((words >> 8) + 0.5) / 2**24), rtol=3e-6, atol=1e-7)
