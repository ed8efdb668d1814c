"""The kernels that this machine has, by the name of their instruction set: all must give the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np

from cdt_core.errors import CorruptStreamError
from cdt_core.kernels import _codec
from tests.kernels.arrays import same_bits


def _is_here(name: str) -> bool:
    try:
        with kernels(name):
            return True
    except ValueError:
        return False


@contextmanager
def kernels(name: str) -> Iterator[None]:
    """Use the kernels of that name until the end of the ``with``, then the best ones again."""
    _codec.use_kernels(name)
    try:
        yield
    finally:
        _codec.use_kernels(None)


KERNELS = tuple(name for name in ("baseline", "avx2", "avx512") if _is_here(name))


def everywhere(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """What ``function`` gives with all kernels, which must be the same; ``None``: that the bytes are corrupt."""
    results = []
    for name in KERNELS:
        with kernels(name):
            try:
                results.append(function(*arguments, **options))
            except CorruptStreamError:
                results.append(None)
    assert all(_same(one, other) for one, other in pairwise(results))
    return results[0]


def _same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, np.ndarray):
        return same_bits(one, other)
    return bool(one == other)
