"""The instruction sets that this machine has, for tests that go through all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cdt_core.kernels import _tensor


@contextmanager
def using(name: str) -> Iterator[None]:
    before = _tensor.kernels_name()
    _tensor.use_kernels(name)
    try:
        yield
    finally:
        _tensor.use_kernels(before)


def available() -> list[str]:
    names = []
    for name in ("baseline", "avx2", "avx512"):
        try:
            with using(name):
                names.append(name)
        except ValueError:
            continue
    return names


LEVELS = available()
