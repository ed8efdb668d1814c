"""The instruction sets that this machine has, for tests that go through all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cdt_core.kernels import _tensor


@contextmanager
def using(name: str, extension: Any = _tensor) -> Iterator[None]:
    before = extension.kernels_name()
    extension.use_kernels(name)
    try:
        yield
    finally:
        extension.use_kernels(before)


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
