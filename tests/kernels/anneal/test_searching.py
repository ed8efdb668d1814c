"""Tabu search from what annealing found: heard are Ctrl-C and the callback; threads change nothing."""

from __future__ import annotations

import signal

import numpy as np
import pytest

from cdt_core.kernels.anneal import Problem, anneal

SWEEPS = 3
ENDLESS = 1 << 30


@pytest.fixture
def glass():
    rng = np.random.default_rng(0)
    upper = np.triu(rng.choice([-1, 1], (120, 120)), 1)
    return Problem.from_ising(np.zeros(120, int), upper + upper.T)


@pytest.fixture
def heard_ctrl_c():
    """Ctrl-C as in the foreground: a job in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def searching(then, calls=1):
    """A callback that does something the so-manieth time that it is called while the search is on."""
    heard = []

    def callback(sweeps, energy):
        if sweeps < SWEEPS:
            return None
        heard.append(energy)
        return then() if len(heard) == calls else None

    callback.heard = heard
    return callback


@pytest.mark.parametrize("threads", [1, 3])
def test_a_callback_ends_a_search(glass, threads):
    plain = anneal(glass, reads=6, sweeps=SWEEPS, threads=threads)
    callback = searching(lambda: True, calls=3)
    found = anneal(glass, reads=6, sweeps=SWEEPS, tabu=ENDLESS, threads=threads, callback=callback)
    assert found.interrupted
    assert not plain.interrupted
    assert found.energy <= plain.energy
    assert len(callback.heard) == 3
    assert callback.heard == sorted(callback.heard, reverse=True)
    assert found.energy <= callback.heard[-1] <= callback.heard[0] <= plain.energy
    assert found.occurrences.sum() == 6


@pytest.mark.usefixtures("heard_ctrl_c")
def test_ctrl_c_in_a_search_raises_or_returns_the_best_so_far(glass):
    def press():
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        anneal(glass, reads=2, sweeps=SWEEPS, tabu=ENDLESS, callback=searching(press))
    plain = anneal(glass, reads=2, sweeps=SWEEPS)
    found = anneal(glass, reads=2, sweeps=SWEEPS, tabu=ENDLESS, callback=searching(press), on_interrupt="return")
    assert found.interrupted
    assert found.energy <= plain.energy
    for flipped in found.best - 2 * found.best * np.eye(120, dtype=np.int8):
        assert glass.energy(flipped) >= found.energy


def test_an_error_of_a_callback_is_not_taken_for_an_end(glass):
    def fail():
        raise ArithmeticError("a callback's own")

    with pytest.raises(ArithmeticError, match="own"):
        anneal(glass, reads=2, sweeps=SWEEPS, tabu=ENDLESS, threads=2, callback=searching(fail))


def test_threads_and_more_reads_change_no_read(glass):
    one, three = (anneal(glass, reads=9, sweeps=SWEEPS, tabu=300, threads=threads) for threads in (1, 3))
    assert np.array_equal(one.states, three.states)
    some = anneal(glass, reads=4, sweeps=SWEEPS, tabu=300)
    assert {state.tobytes() for state in some.states} <= {state.tobytes() for state in one.states}
