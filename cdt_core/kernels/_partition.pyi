"""The compiled kernels of partitions; contracts are in ext/include/cdt_partition.h."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.uint16] | NDArray[np.uint32]

STEPS: int
MOST_SENSITIVE: int
MOST_CUTS: int
WIDTH: int

def kernels_name() -> str: ...
def use_kernels(name: str | None) -> None: ...
def limits(codes: NDArray[Any], least: NDArray[Any], most: NDArray[Any]) -> None: ...
def pack(codes: NDArray[Any], rows: Rows) -> None: ...

class Sensitive:
    rows: int
    def __init__(
        self,
        codes: NDArray[np.uint32],
        size: int,
        ordered: bool,
        least: int = 0,
        entropy: float = 0,
        t: float = -1,
    ) -> None: ...

class Work:
    def __init__(self, rows: int, most: int) -> None: ...

class Cutting:
    order: NDArray[np.uint32]
    classes: NDArray[np.uint32]
    starts: NDArray[np.uint64]
    lows: NDArray[np.uint32]
    highs: NDArray[np.uint32]
    def __init__(
        self,
        rows: Rows,
        places: NDArray[np.float64],
        first: NDArray[np.uint64],
        least: int,
        relaxed: bool,
        rest: tuple[tuple[Sensitive, ...], int],
    ) -> None: ...
    @property
    def done(self) -> int: ...
    def run(self) -> None: ...

def classes(rows: Rows, found: NDArray[np.uint32], firsts: NDArray[np.uint32]) -> int: ...
def by_class(classes: NDArray[np.uint32], count: int) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]: ...
def measure(
    column: Sensitive, order: NDArray[np.uint32], starts: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]: ...

class Moves:
    def __init__(
        self,
        classes: NDArray[np.uint32],
        count: int,
        least: int,
        lines: tuple[NDArray[np.float32], NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64]],
        orders: NDArray[np.uint32],
        rest: tuple[tuple[Sensitive, ...], int, int],
    ) -> None: ...
    @property
    def loss(self) -> float: ...
    def run(self, proposals: int, temperature: float) -> int: ...
