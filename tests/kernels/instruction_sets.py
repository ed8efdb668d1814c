"""The instruction sets that this machine has, and one of them in use: the kernels of all must give the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np

from cdt_core.errors import CorruptStreamError
from cdt_core.kernels import _codec
from tests.kernels.arrays import same_bits


@contextmanager
def using(level: str, extension: Any) -> Iterator[None]:
    """Use the kernels of that instruction set until the end of the ``with``, then those from before again."""
    before = extension.kernels_name()
    extension.use_kernels(level)
    try:
        yield
    finally:
        extension.use_kernels(before)


def _is_here(level: str) -> bool:
    try:
        with using(level, _codec):
            return True
    except ValueError:
        return False


LEVELS = tuple(level for level in ("baseline", "avx2", "avx512") if _is_here(level))


def everywhere(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """What ``function`` gives with all kernels, which must be the same; ``None``: that the bytes are corrupt."""
    results = []
    for level in LEVELS:
        with using(level, _codec):
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
