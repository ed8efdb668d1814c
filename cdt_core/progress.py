"""How a long run tells where it is."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress", "Silent"]


class Progress(Protocol):
    """Told of each stage and of the raw bytes that are done in it; called from one thread."""

    def stage(self, name: str, total_bytes: int) -> None:
        """A stage begins; ``total_bytes`` is 0 when it has no size."""
        ...

    def advance(self, raw_bytes: int) -> None:
        """So many more raw bytes of the stage are done."""
        ...


class Silent:
    """Tells nothing."""

    def stage(self, name: str, total_bytes: int) -> None:
        """Nothing."""

    def advance(self, raw_bytes: int) -> None:
        """Nothing."""
