from typing import Any

from numpy.typing import NDArray

MTTKRP_BYTES: int
TALL_MOST: int

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
def gram(x: NDArray[Any], sums: NDArray[Any], by_rows: bool) -> None: ...
def triangle(x: NDArray[Any], r: NDArray[Any], by_rows: bool) -> None: ...
def project(
    x: NDArray[Any],
    left: NDArray[Any] | None,
    right: NDArray[Any] | None,
    out: NDArray[Any],
    energies: NDArray[Any],
) -> None: ...
def mttkrp_fold(t: NDArray[Any], factor: NDArray[Any], axis: int, y: NDArray[Any]) -> None: ...
def product(a: NDArray[Any], b: NDArray[Any], y: NDArray[Any], upper: bool = False) -> None: ...
