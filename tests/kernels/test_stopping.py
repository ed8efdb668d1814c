"""Long compiled calls hear an interrupt, and threads whose work nobody waits for any more hear that."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager

import numpy as np
import pytest

from cdt_core.kernels import _tensor_stream, tensor_stream
from cdt_core.kernels.stopping import Stopped, heed, stoppable
from cdt_core.model import Bound
from tests.kernels.tensor_stream.fields import rough

NUMBERS = np.random.default_rng(1).integers(-9, 9, (1, 1, 400, 1000)).astype(np.int32)
CODE = np.frombuffer(_tensor_stream.encode(NUMBERS, (0,) * 4), np.uint8)
CALLS = {
    "encode": lambda: _tensor_stream.encode(NUMBERS, (0,) * 4),
    "decode": lambda: _tensor_stream.decode(CODE, NUMBERS.shape, (0,) * 4),
    "one row": lambda: _tensor_stream.encode(NUMBERS.reshape(1, 1, 1, -1), (0,) * 4),
    "product": lambda: _tensor_stream.product(np.ones((1000, 1000)), np.ones((1, 1000, 1000))),
}


@contextmanager
def signals():
    """How often this thread has heard one of those that come without end."""
    heard, done = [], threading.Event()

    def knock():
        while not done.is_set():
            signal.raise_signal(signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, lambda *_: heard.append(1))
    thread = threading.Thread(target=knock)
    thread.start()
    try:
        yield heard
    finally:
        done.set()
        thread.join()
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("name", CALLS)
def test_one_call_hears_signals_on_its_way(name):
    with signals() as heard:
        first = len(heard)
        CALLS[name]()
        assert len(heard) - first > 3


@pytest.mark.parametrize("name", CALLS)
def test_one_call_ends_when_its_thread_is_told_to_stop(name):
    stop = threading.Event()
    with stoppable(stop):
        CALLS[name]()
        stop.set()
        with pytest.raises(Stopped):
            CALLS[name]()


def test_an_encoder_stops_before_it_has_a_form():
    stop = threading.Event()
    stop.set()
    with stoppable(stop), pytest.raises(Stopped):
        tensor_stream.encode(rough(20, 30), Bound("rmse", 0.1))


def test_a_thread_is_told_by_its_own_events_alone():
    outer, inner = threading.Event(), threading.Event()
    with stoppable(outer):
        with stoppable(inner):
            outer.set()
            heed()
        with pytest.raises(Stopped):
            heed()
    heed()
