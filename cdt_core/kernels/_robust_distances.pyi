from typing import Any

from numpy.typing import NDArray

class Rows:
    vectors: tuple[NDArray[Any], ...]
    sites: int
    length: int
    def __init__(self, vectors: tuple[NDArray[Any], ...]) -> None: ...

def kernels_name() -> str: ...
def use_kernels(name: str | None) -> None: ...
def gram(rows: Rows, start: int, stop: int, central: NDArray[Any], scale: float, sums: NDArray[Any]) -> bool: ...
def apart(rows: Rows, start: int, stop: int, pairs: NDArray[Any], scale: float, squares: NDArray[Any]) -> None: ...
def weigh(
    rows: Rows,
    start: int,
    stop: int,
    weights: NDArray[Any] | None,
    keep: float,
    z: NDArray[Any],
    scale: float,
    squares: NDArray[Any] | None,
) -> None: ...
def window_mean(rows: Rows, start: int, stop: int, kept: int, out: NDArray[Any]) -> None: ...
