"""What is asked of an agreement, and what it answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import asdict, field, fields_dict, frozen

from cdt_core.errors import AccessError
from cdt_core.governance.agreement import is_number

__all__ = ["Decision", "Reason", "Request"]


def _sites(values: Iterable[str]) -> tuple[str, ...]:
    if isinstance(values, str):
        raise AccessError(f"sites: {values!r} is one text; give a tuple of sites, as in ({values!r},)")
    try:
        return tuple(values)
    except TypeError as error:
        raise AccessError(f"sites: {values!r} is one value; give a tuple of sites") from error


def _plain(value: Any) -> Any:
    """What JSON holds as it is, and the look of anything else: a request that makes no sense is refused, and logged."""
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, str | bool | None):
        return value
    return value if is_number(value) else repr(value)


@frozen(kw_only=True)
class Request:
    """What somebody asks.

    Parameters
    ----------
    actor
        Name of the person; that it is this person is for the caller to know (a signature by their key).
    kind
        ``"round"``, ``"statistic"``, ``"release"`` or ``"audit"``. The last takes no data: only who asks, why and when count.
    purpose
        One of the agreement's purposes, word for word.
    sites
        Parties whose data is used.
    detail
        What leaves them: ``"rows"``, ``"groups"``, ``"sums"`` or ``"models"``.
    destination
        Region that receives it.
    group_size
        Fewest people behind any number that leaves.
    epsilon, delta
        What it adds to what is spent. None: it is not differentially private, which no budget covers.
    carrier, rule
        How updates are summed (``"secure_sum"``) and by which rule of aggregation, in a round or statistic.
    subject
        What it is about, for the log: a round's number, a table's name. Decides nothing.

    Examples
    --------
    >>> Request(actor="ana", kind="audit", purpose="yearly review").tree()
    {'actor': 'ana', 'kind': 'audit', 'purpose': 'yearly review'}
    """

    actor: str
    kind: str
    purpose: str
    sites: tuple[str, ...] = field(default=(), converter=_sites)
    detail: str | None = None
    destination: str | None = None
    group_size: int | None = None
    epsilon: float | None = None
    delta: float | None = None
    carrier: str | None = None
    rule: str | None = None
    subject: str = ""

    def tree(self) -> dict[str, Any]:
        """What was said, for JSON, with the look of what is none of JSON; what was not said is left out."""
        said = {name: getattr(self, name) for name in fields_dict(type(self))}
        return {key: _plain(value) for key, value in said.items() if value is not None and value not in ((), "")}


@frozen
class Reason:
    """Why not: the rule, the path in the agreement that says so, and a sentence."""

    rule: str
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.rule} ({self.path}): {self.message}"


@frozen
class Decision:
    """The answer of an agreement; ``reasons`` has every rule that forbids it, and is empty when none does.

    ``digest`` is the SHA-256 of the agreement that decided.
    """

    agreement: str
    digest: str
    reasons: tuple[Reason, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether no rule forbids it."""
        return not self.reasons

    def tree(self) -> dict[str, Any]:
        """For JSON, and for the log."""
        reasons = [asdict(reason) for reason in self.reasons]
        return {"agreement": self.agreement, "digest": self.digest, "allowed": self.allowed, "reasons": reasons}
