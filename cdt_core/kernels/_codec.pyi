from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

DTYPE_CODES: dict[np.dtype[Any], int]
BOUND_KINDS: tuple[str, ...]
PROFILES: tuple[str, ...]

class Part: ...

class Stream:
    @property
    def blocks(self) -> int: ...

def kernels_name() -> str: ...
def use_kernels(name: str | None) -> None: ...
def value_range(values: NDArray[Any]) -> tuple[float, float] | None: ...
def plan(
    dtype: int,
    unit: str,
    shape: tuple[int, ...],
    asked: tuple[int, float],
    applied: tuple[int, float],
    largest: float,
    missing: NDArray[Any] | None,
    profile: int,
    block: tuple[int, ...] | None = None,
) -> Stream: ...
def encode_blocks(stream: Stream, values: NDArray[Any], start: int, stop: int) -> Part: ...
def join(stream: Stream, parts: list[Part]) -> tuple[bytes, float, int]: ...
def open_stream(data: NDArray[np.uint8], whole: bool = True) -> tuple[Stream | None, int]: ...
def describe(stream: Stream) -> dict[str, Any]: ...
def decode_blocks(
    stream: Stream,
    data: NDArray[np.uint8],
    start: int,
    stop: int,
    origin: tuple[int, ...],
    sides: tuple[int, ...],
    values: NDArray[Any],
) -> None: ...
def planes_encode(residuals: NDArray[Any]) -> bytes: ...
def planes_decode(data: bytes, n: int, dtype: DTypeLike) -> NDArray[Any]: ...
def rans_entries(frequencies: NDArray[np.uint16]) -> NDArray[np.uint32]: ...
def rans_encode(
    frequencies: NDArray[np.uint16],
    contexts: NDArray[np.uint8],
    tokens: NDArray[np.uint8],
    rows: NDArray[np.uintp],
    lanes: int,
) -> bytes: ...
def rans_decode(
    frequencies: NDArray[np.uint16],
    contexts: NDArray[np.uint8],
    stream: bytes | NDArray[np.uint8],
    rows: NDArray[np.uintp],
    lanes: int,
) -> NDArray[np.uint8]: ...
def tokens_split(residuals: NDArray[Any]) -> tuple[NDArray[np.uint8], bytes]: ...
def tokens_join(tokens: NDArray[np.uint8], extra: bytes | NDArray[np.uint8], width: int) -> NDArray[Any]: ...
