from typing import Any

from numpy.typing import NDArray

MTTKRP_WIDTH: int

def kernels_name() -> str: ...
def use_kernels(name: str | None) -> None: ...
def mttkrp(
    x: NDArray[Any],
    a: NDArray[Any] | None,
    b: NDArray[Any] | None,
    c: NDArray[Any] | None,
    axis: int,
    y: NDArray[Any],
) -> None: ...
