"""Products of tall matrices, compiled, against NumPy."""

import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from cdt_core.kernels import _tensor, tall
from tests.kernels.instruction_sets import LEVELS, using

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=LEVELS)
def level(request):
    with using(request.param, _tensor):
        yield request.param


def cases(seed, count):
    rng = np.random.default_rng(seed)
    for i in range(count):
        dtype = (np.float32, np.float64)[i % 2]
        n, m = int(rng.integers(1, 45)), int(rng.integers(0, 900))
        gap = int(rng.integers(0, 5))
        yield rng, rng.normal(size=(n, m + gap)).astype(dtype)[:, :m]


def test_gram_matrices_are_summed_in_double_precision(level):
    for _, x in cases(1, 60):
        wide = x.astype(float)
        expected = wide @ wide.T
        for given_x, by_rows in ((x, True), (np.ascontiguousarray(x.T), False)):
            sums = np.eye(len(x))
            _tensor.gram(given_x, sums, by_rows)
            np.testing.assert_allclose(sums - np.eye(len(x)), expected, rtol=1e-12, atol=1e-11)
            assert np.array_equal(sums, sums.T)


def test_a_triangle_has_the_gram_matrix_of_what_it_stands_for(level):
    for rng, x in cases(2, 60):
        wide = x.astype(float)
        old = np.triu(rng.normal(size=(len(x), len(x))))
        for given_x, by_rows in ((x, True), (np.ascontiguousarray(x.T), False)):
            r = old.copy()
            _tensor.triangle(given_x, r, by_rows)
            np.testing.assert_allclose(r.T @ r, old.T @ old + wide @ wide.T, rtol=1e-12, atol=1e-11)
            assert np.all(np.tril(r, -1) == 0)


def test_triangles_resolve_what_gram_matrices_cannot(level):
    rng = np.random.default_rng(3)
    q = np.linalg.qr(rng.normal(size=(4000, 6)))[0]
    sizes = 10.0 ** -np.arange(0, 12, 2)
    x = q * sizes
    r = np.zeros((6, 6))
    _tensor.triangle(x, r, False)
    np.testing.assert_allclose(np.linalg.svd(r, compute_uv=False), sizes, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16"])
@pytest.mark.parametrize("by_rows", [False, True])
def test_triangles_of_tall_matrices_take_memory_for_a_piece(dtype, by_rows):
    rng = np.random.default_rng(5)
    n, m = (tall._tensor.TALL_MOST + 1 if dtype in ("f4", "f8") else 60), 20_000
    x = (rng.normal(size=(m, n)) + (1j * rng.normal(size=(m, n)) if dtype[0] == "c" else 0)).astype(dtype)
    given = np.ascontiguousarray(x.T).T if by_rows else x
    tracemalloc.start()
    r = tall.r_factor(given)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 6 * 8 * tall._PIECE
    assert np.all(np.tril(r, -1) == 0)
    wide = x.astype(r.dtype)
    np.testing.assert_allclose(r.conj().T @ r, wide.conj().T @ wide, rtol=1e-9, atol=1e-7)


@pytest.mark.parametrize("sides", ["left", "right", "both"])
def test_projections_and_their_energies(level, sides):
    rng = np.random.default_rng(4)
    for i in range(60):
        dtype = (np.float32, np.float64)[i % 2]
        n, c, k = (int(rng.integers(1, top)) for top in (40, 60, 90))
        x = rng.normal(size=(n, c + 3, k)).astype(dtype)[:, 1 : c + 1]
        left = rng.normal(size=(n, int(rng.integers(1, n + 1)))) if sides != "right" else None
        right = rng.normal(size=(k, int(rng.integers(1, k + 1)))) if sides != "left" else None
        expected = x.astype(float)
        expected = expected if left is None else np.einsum("nr,nck->rck", left, expected)
        expected = expected if right is None else expected @ right
        out, energies = np.full(expected.shape, np.nan, dtype), np.ones(2)
        _tensor.project(x, left, right, out, energies)
        np.testing.assert_allclose(
            out, expected, rtol=1e-5 if i % 2 == 0 else 1e-12, atol=1e-4 if i % 2 == 0 else 1e-11
        )
        np.testing.assert_allclose(energies - 1, [np.sum(x.astype(float) ** 2), np.sum(expected**2)], rtol=1e-11)


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda x: _tensor.gram(x.astype(int), np.zeros((3, 3)), True), "float32 or float64"),
        (lambda x: _tensor.gram(x[0], np.zeros((3, 3)), True), "2 axes"),
        (lambda x: _tensor.triangle(x, np.zeros((4, 4)), True), "square"),
        (lambda x: _tensor.gram(np.asfortranarray(x), np.zeros((3, 3)), True), "gaps"),
        (lambda x: _tensor.gram(x[:, :2], np.zeros((2, 2)), False), "contiguous"),
        (lambda x: _tensor.project(x[None], None, None, np.zeros((1, 4, 3)), np.zeros(2)), "room"),
        (lambda x: _tensor.project(x[None], None, np.zeros((3, 2)), np.zeros((1, 3, 2)), np.zeros(2)), "bases"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(call, what):
    with pytest.raises(ValueError, match=what):
        call(np.zeros((3, 4)))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_no_number_shows_in_every_sum(level, wrong):
    x = np.ones((5, 700))
    x[3, 650] = wrong
    for given_x, by_rows in ((x, True), (np.ascontiguousarray(x.T), False)):
        sums, r, energies = np.zeros((5, 5)), np.zeros((5, 5)), np.zeros(2)
        _tensor.gram(given_x, sums, by_rows)
        _tensor.triangle(given_x, r, by_rows)
        assert not np.isfinite(sums).all()
        assert not np.isfinite(r).all()
    _tensor.project(x[None], None, np.ones((700, 2)), np.zeros((1, 5, 2)), energies)
    assert not np.isfinite(energies).any()


#: The projection of an array with that shape, and how many bytes the process grew by.
GROWTH = """
import resource, sys
import numpy as np
from cdt_core.kernels import tall
shape = tuple(map(int, sys.argv[1:]))
x = np.ones(shape)
tall.project(np.ones((3, 4, 5)), np.ones((3, 1)), None)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
made, energies = tall.project(x, np.ones((shape[0], 2)), np.ones((shape[2], 2)))
assert made.shape == (2, shape[1], 2) and (made == shape[0] * shape[2]).all() and energies[0] == x.size
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024, x.nbytes)
"""


@pytest.mark.parametrize("shape", [(100_000, 4, 1), (1500, 2, 40), (4, 2, 50_000), (1, 3, 60_000)])
def test_a_projection_of_any_shape_needs_little_room(shape):
    said = subprocess.run(
        [sys.executable, "-c", GROWTH, *map(str, shape)], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    grown, size = map(int, said.split())
    assert grown <= 3 * size + (6 << 20)
