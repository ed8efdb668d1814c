"""What a compressor is to the comparison, and this project as one.

``encode`` takes an array and an absolute bound (0: lossless) and gives streams; ``decode`` gives the array back in its type.
Shape and type travel beside the stream, as they would in the metadata of a store. Everything runs on one thread.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from numpy.typing import NDArray

Array = NDArray[Any]
Streams = Sequence[bytes | bytearray]


class Peer(ABC):
    """A compressor; ``refuses`` says why it cannot take an array ('' when it can)."""

    name: str
    lossy: ClassVar[bool] = True
    # A crash of its library kills the interpreter: it runs in a child process.
    isolated: ClassVar[bool] = False

    def refuses(self, array: Array, bound: float) -> str:
        return ""

    def views(self, array: Array) -> list[Array]:
        """The shapes to try; the best ratio counts."""
        return [array.squeeze()]

    @abstractmethod
    def encode(self, array: Array, bound: float) -> Streams: ...

    @abstractmethod
    def decode(self, streams: Streams, like: Array) -> Array: ...


class Cdt(Peer):
    """This project, as its user calls it: it is given ``rel`` bounds and finds the value range itself."""

    def __init__(self, profile: str, bound: str, **options: Any) -> None:
        self.name = f"cdt {profile}"
        self.asked = bound
        self.options: dict[str, Any] = {"profile": profile, **options}

    def views(self, array: Array) -> list[Array]:
        return [array]

    def encode(self, array: Array, bound: float) -> Streams:
        import cdt_core

        return [cdt_core.compress(array, bound=self.asked, **self.options)]

    def decode(self, streams: Streams, like: Array) -> Array:
        import cdt_core

        return cdt_core.decompress(memoryview(streams[0]))
