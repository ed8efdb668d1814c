from typing import Any

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
