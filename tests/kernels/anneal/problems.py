"""Problems to test with, and what their energies are, term by term."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import strategies as st

from cdt_core.kernels.anneal import Problem

WHOLE = st.integers(-9, 9)
REAL = st.floats(-1e3, 1e3, allow_nan=False).map(lambda x: x + 0.1)


def all_states(size, low=-1):
    return np.array(list(itertools.product((low, 1), repeat=size)), dtype=np.int8)


def term_by_term(state, linear, quadratic, offset):
    """Energy in Python's own numbers: exact for integers."""
    pairs = sum(weight * int(state[i]) * int(state[j]) for (i, j), weight in quadratic.items())
    return offset + sum(h * int(s) for h, s in zip(linear, state, strict=True)) + pairs


@st.composite
def isings(draw, numbers=WHOLE):
    """h as a list, J as a mapping of i < j, and an offset; of 1 to 6 variables."""
    size = draw(st.integers(1, 6))
    h = draw(st.lists(numbers, min_size=size, max_size=size))
    pairs = list(itertools.combinations(range(size), 2))
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return h, {pair: draw(numbers) for pair in chosen}, draw(numbers)


def dense(pairs, size, *, both):
    """Matrix of a mapping: triangular, or symmetric."""
    matrix = np.zeros((size, size), np.array([0, *pairs.values()]).dtype)
    for (i, j), weight in pairs.items():
        matrix[i, j] += weight
        if both:
            matrix[j, i] += weight
    return matrix


def random_graph(size, edges, seed, weights=(1,)):
    rng = np.random.default_rng(seed)
    pairs = list(itertools.combinations(range(size), 2))
    chosen = rng.choice(len(pairs), edges, replace=False)
    return {pairs[k]: int(rng.choice(weights)) for k in chosen}


def random_problem(size=12, edges=30, seed=0):
    return Problem.from_ising([0] * size, random_graph(size, edges, seed, (-1, 1)))


def same(found, other):
    """Whether two problems have the same numbers."""
    return all(
        np.array_equal(getattr(found, part), getattr(other, part))
        for part in ("fields", "start", "neighbours", "weights")
    ) and (found.offset, found.scale, found.binary) == (other.offset, other.scale, other.binary)


def ring(size):
    """Spins in a circle: its energy is minus the size when all neighbours differ."""
    places = np.arange(size)
    return Problem.from_ising(None, (size, places, (places + 1) % size, np.ones(size)))
