"""What one round of a federation is made of, whoever carries the bytes: stages in which sites are asked and answer.

A carrier (plain vectors, secure sums, encrypted sums) is a pair: an :class:`Exchange` at the coordinator and a
:class:`Party` at each site. Neither does I/O, reads a clock or opens an envelope: who sent the payload, for which round and
when a stage ends is settled by the round engine that drives them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Exchange", "Party", "Savable"]


@runtime_checkable
class Exchange(Protocol):
    """One round's protocol at the coordinator."""

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the stages, in order; the last one's answers make the result."""

    def begin(self) -> Mapping[str, bytes]:
        """The request of the first stage to each site that takes part."""

    def receive(self, stage: str, site: str, payload: bytes) -> None:
        """Take one site's answer.

        Raises
        ------
        ProtocolError
            It is malformed, out of turn, a second one, or from a site that was not asked; nothing was changed.
        """

    def close(self, stage: str) -> Mapping[str, bytes]:
        """End a stage, all having answered or the deadline being over: the requests of the next one (empty after the last).

        Raises
        ------
        ProtocolError
            Too few answers to go on; nothing of any site is revealed.
        """

    def result(self) -> NDArray[Any]:
        """What the round gave, after the last stage was closed."""

    @property
    def dropped(self) -> tuple[str, ...]:
        """Sites that were asked and whose update is not in the result."""


@runtime_checkable
class Party(Protocol):
    """One round's protocol at a site."""

    def answer(self, stage: str, payload: bytes) -> bytes:
        """Answer a request of the coordinator.

        Raises
        ------
        ProtocolError
            The request is malformed, out of turn or repeated, or answering it would reveal what must stay hidden.
        """


@runtime_checkable
class Savable(Protocol):
    """What a party may be as well: one that another process can take up in the middle of its round."""

    def saved(self) -> bytes:
        """All that the other process needs; as secret as what the party holds, unless it says otherwise."""
