from typing import Any

import numpy as np
from numpy.typing import NDArray

def describe(values: NDArray[Any], mask: NDArray[Any] | None) -> dict[str, Any]: ...
def compare(
    original: NDArray[Any],
    treated: NDArray[Any],
    mask: NDArray[Any] | None,
    edges: tuple[float, float],
    bound: tuple[int, float],
    counts: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
) -> dict[str, Any]: ...
def row_hashes(rows: NDArray[np.uint8], hashes: NDArray[np.uint64]) -> None: ...
