"""BLAS on one thread for as long as any call needs it."""

import pytest
import threadpoolctl

from cdt_core.kernels.blas import on_one_blas_thread


def threads():
    return {library["num_threads"] for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"}


@pytest.fixture
def two_threads():
    with threadpoolctl.threadpool_limits(limits=2, user_api="blas"):
        if threads() != {2}:
            pytest.skip("this BLAS has one thread")
        yield


def test_calls_within_calls_are_limited_and_what_was_set_comes_back(two_threads):
    inner = on_one_blas_thread(threads)
    outer = on_one_blas_thread(lambda: (threads(), inner(), threads()))
    assert outer() == ({1}, {1}, {1})
    assert threads() == {2}


def test_what_was_set_comes_back_after_an_exception(two_threads):
    @on_one_blas_thread
    def fails():
        assert threads() == {1}
        raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert threads() == {2}
