"""What happened in a training, round by round."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import field, frozen

__all__ = ["History", "RoundRecord"]


@frozen(kw_only=True)
class RoundRecord:
    """One round.

    Parameters
    ----------
    round
        Its number at the coordinator.
    included, dropped
        Sites whose update is in the aggregate, and those that were asked in vain.
    refused
        Messages that were refused, by reason.
    reason
        Why the round failed; empty when it did not.
    move
        Euclidean norm of what the model moved by.
    accused
        Sites that proofs of the carrier (:class:`~cdt_federated.training.Verified`) name as liars; they are asked no more.
    measure
        What ``measure(model)`` gave after the round, when it was asked for.
    trust
        Weights by reputation of the sites that were included, when there is one.
    """

    round: int
    included: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    refused: Mapping[str, int] = field(factory=dict)
    reason: str = ""
    move: float = 0.0
    measure: float | None = None
    accused: tuple[str, ...] = ()
    trust: Mapping[str, float] = field(factory=dict)


@frozen
class History:
    """All rounds so far; prints as a table."""

    rounds: tuple[RoundRecord, ...] = ()

    def __len__(self) -> int:
        return len(self.rounds)

    def __iter__(self) -> Iterator[RoundRecord]:
        return iter(self.rounds)

    def then(self, record: RoundRecord) -> History:
        """With one round more."""
        return History((*self.rounds, record))

    @property
    def accused(self) -> frozenset[str]:
        """Sites that were named as liars in any round."""
        return frozenset(site for record in self.rounds for site in record.accused)

    @property
    def counted(self) -> dict[str, int]:
        """Of each site, the latest round whose aggregate holds its update."""
        return {site: record.round for record in self.rounds if not record.reason for site in record.included}

    @property
    def failures(self) -> int:
        """Rounds at the end that failed one after another."""
        count = 0
        for record in reversed(self.rounds):
            if not record.reason:
                break
            count += 1
        return count

    def __str__(self) -> str:
        lines = ["round  sites  dropped  refused        move     measure"]
        for r in self.rounds:
            measure = "" if r.measure is None else f"{r.measure:.6g}"
            numbers = f"{r.round:5}  {len(r.included):5}  {len(r.dropped):7}  {sum(r.refused.values()):7}"
            lines.append(f"{numbers}  {r.reason}" if r.reason else f"{numbers}  {r.move:10.4g}  {measure:>10}")
        return "\n".join(lines)
