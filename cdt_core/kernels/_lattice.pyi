from typing import Any

import numpy as np
from numpy.typing import NDArray

DONE: int
REFUSED: int
DRY: int
RARE: int
CLOSE: int

def kernels_name() -> str: ...
def use_kernels(name: str | None) -> None: ...
def squares(values: NDArray[Any]) -> float: ...
def encode(
    values: NDArray[Any], factor: float, words: NDArray[np.uint16], spare: NDArray[np.uint64], ring: NDArray[Any]
) -> tuple[int, int, int]: ...
def add(ring: NDArray[Any], mask: NDArray[Any], negative: bool) -> None: ...
def draw(
    entries: NDArray[np.uint32], rare: int, words: NDArray[np.uint32], first: int, out: NDArray[np.int64]
) -> tuple[int, int]: ...

class Blocks:
    def __init__(
        self,
        entries: NDArray[np.uint32],
        rare: int,
        squeeze: NDArray[np.uint32],
        top: NDArray[np.float64],
        curve: tuple[float, float, float, float],
        low_bits: int,
    ) -> None: ...
    def draw(
        self, words: NDArray[np.uint32], places: NDArray[np.uint64], spare: NDArray[np.uint64], out: NDArray[np.int64]
    ) -> tuple[int, int, int, tuple[int, int, int]]: ...

def share(polynomials: NDArray[np.uint64], first: int, shares: NDArray[np.uint64]) -> None: ...
def weights(places: NDArray[np.uint64], first: int, found: NDArray[np.uint64]) -> None: ...
def combine(weights: NDArray[np.uint64], shares: NDArray[np.uint64], secret: NDArray[np.uint64]) -> None: ...
def norm(ring: NDArray[Any]) -> int: ...
