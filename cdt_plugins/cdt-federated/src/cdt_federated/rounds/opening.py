"""What everyone in a round knows of it, and what it gave."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias, runtime_checkable

from attrs import field, frozen
from numpy.typing import NDArray

from cdt_core.errors import FederatedError
from cdt_core.model.exchange import Exchange, Party, Savable
from cdt_core.model.fields import FieldReader, FieldWriter
from cdt_federated.rounds.roster import Roster

__all__ = ["Join", "OpenExchange", "Opening", "Outcome", "Rejoin", "Restorable"]


def _is_bytes(instance: object, attribute: object, task: object) -> None:
    if not isinstance(task, bytes):
        raise FederatedError(f"the task of a round is a {type(task).__name__}; give bytes")


@frozen(kw_only=True)
class Opening:
    """How a round begins.

    Parameters
    ----------
    federation, round
        Which federation and which of its rounds, from 1.
    sites
        Names of those that are asked, in the roster's order.
    task
        What they are asked to do, in bytes that the federation agreed on (a model and how to train it; a query).
    site
        At a site, its own name; empty at the coordinator.
    """

    federation: str
    round: int
    sites: tuple[str, ...]
    task: bytes = field(default=b"", validator=_is_bytes)
    site: str = ""

    @property
    def seed(self) -> bytes:
        """32 bytes that everyone in the round derives alike: for graphs and orders, never for secrets."""
        text = FieldWriter().text("cdt.round.seed").text(self.federation).number(self.round, 8).texts(self.sites)
        return hashlib.sha256(text.fixed(hashlib.sha256(self.task).digest()).end()).digest()

    def to_bytes(self, roster: Roster) -> bytes:
        """What all sites are told alike: of which roster, which sites take part, and the task."""
        return FieldWriter().fixed(roster.digest).fixed(roster.marks(self.sites)).counted(self.task).end()

    @staticmethod
    def parts(data: bytes, roster: Roster) -> tuple[tuple[str, ...], bytes]:
        """Sites and task of :meth:`to_bytes`.

        Raises
        ------
        ProtocolError
            It is none, or the coordinator has another roster.
        """
        reader = FieldReader(data, "opening of a round")
        if reader.fixed(len(roster.digest)) != roster.digest:
            raise reader.error(f"the coordinator's roster of {roster.federation!r} is not this site's; compare the two")
        try:
            sites = roster.marked(reader.fixed(roster.marks_bytes))
        except FederatedError as error:
            raise reader.error(str(error)) from error
        task = reader.counted(len(data))
        reader.end()
        return sites, task


#: Makes the coordinator's side of a round; called again with an equal opening when a crashed coordinator resumes.
OpenExchange: TypeAlias = Callable[[Opening], Exchange]

#: Makes a site's side of a round, or raises ``FederatedError`` to stay out of it.
Join: TypeAlias = Callable[[Opening], Party]

#: Makes a site's side of a round again, from the bytes that the party's ``saved()`` gave in another process.
Rejoin: TypeAlias = Callable[[Opening, bytes], Party]


@runtime_checkable
class Restorable(Savable, Protocol):
    """What a :data:`Join` may be as well: one that keeps something between rounds, and can be given it in another process."""

    def restore(self, state: bytes) -> None:
        """Go on from :meth:`saved`; ``ProtocolError`` when the bytes are damaged, and nothing is changed."""


@frozen(kw_only=True, eq=False)
class Outcome:
    """How a round ended.

    Parameters
    ----------
    round
        Its number.
    asked, included, dropped
        Sites that were asked, whose update is in the values, and whose is not.
    values
        What the exchange gave; None when the round failed.
    reason
        Why it failed; empty when it did not.
    refused
        Number of messages that were refused, by reason (see ``REFUSALS``).
    """

    round: int
    asked: tuple[str, ...]
    included: tuple[str, ...]
    dropped: tuple[str, ...]
    values: NDArray[Any] | None = None
    reason: str = ""
    refused: Mapping[str, int] = field(factory=dict)

    @property
    def failed(self) -> bool:
        """Whether it gave no values."""
        return self.values is None
