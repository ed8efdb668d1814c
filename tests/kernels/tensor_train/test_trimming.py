"""Trains of less rank, and how far that moves them."""

import numpy as np
import pytest

from cdt_core.kernels.reference import tensor_train as reference
from cdt_core.kernels.tensor_train.trimming import moved, trimmed

LENGTHS, RANKS = (4, 5, 6, 5, 4), (1, 4, 9, 8, 4, 1)


def orthonormal(rows, columns, dtype, rng):
    x = rng.normal(size=(rows, columns))
    return np.linalg.qr(x + 1j * rng.normal(size=x.shape) if dtype is complex else x)[0]


def centred(center, dtype):
    """Cores orthonormal from the left before one, and from the right behind it, whose numbers fall."""
    rng = np.random.default_rng(center)
    cores = []
    for k, (r, n, s) in enumerate(zip(RANKS[:-1], LENGTHS, RANKS[1:], strict=True)):
        if k < center:
            cores.append(orthonormal(r * n, s, dtype, rng).reshape(r, n, s))
        elif k > center:
            cores.append(orthonormal(n * s, r, dtype, rng).T.reshape(r, n, s))
        else:
            core = orthonormal(r * n, s, dtype, rng).reshape(r, n, s) * 0.3 ** np.arange(s)
            cores.append(core * 0.5 ** np.arange(r)[:, None, None])
    return cores


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("center", [0, 1, 2, 4])
@pytest.mark.parametrize("most", [None, 2, 5])
@pytest.mark.parametrize("budget", [0.0, 1e-3])
def test_a_trimmed_train_keeps_its_budgets_and_says_how_far_it_moved(center, dtype, most, budget):
    cores = centred(center, dtype)
    made = trimmed(cores, center, [budget] * 4, most)
    x, y = reference.full(cores), reference.full(made)
    if most is None:
        assert np.linalg.norm(x - y) <= np.sqrt(4 * budget) + 1e-14
    else:
        assert max(core.shape[2] for core in made) <= most
    within, beyond = moved(cores, center, made)
    assert np.hypot(within, beyond) == pytest.approx(np.linalg.norm(x - y), rel=1e-6, abs=1e-7)
    left = reference.full([*cores[:center], np.eye(RANKS[center])[..., None]]).reshape(-1, RANKS[center])
    right = reference.full([np.eye(RANKS[center + 1])[None], *cores[center + 1 :]]).reshape(RANKS[center + 1], -1)
    y = y.reshape(len(left), -1, right.shape[1])
    inside = np.einsum("ai,inb,bj->anj", left, np.einsum("ai,anj,bj->inb", left.conj(), y, right.conj()), right)
    assert beyond == pytest.approx(np.linalg.norm(y - inside), rel=1e-6, abs=1e-7)
