"""Whether an agreement allows a request: a pure function, whose answer names every rule that does not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction

from cdt_core.errors import AccessError
from cdt_core.governance.agreement import ANYWHERE, DETAILS, KINDS, Agreement, Budget, is_number
from cdt_core.governance.instants import instant_text
from cdt_core.governance.request import Decision, Reason, Request

__all__ = ["allowed", "decide", "require"]

#: Kinds of requests in which sites exchange updates, by a carrier and a rule.
_EXCHANGES = ("round", "statistic")


def decide(agreement: Agreement, request: Request, *, now: datetime, spent: Budget | None = None) -> Decision:
    """Whether the agreement allows the request at ``now``, and if not, every reason.

    Parameters
    ----------
    agreement, request
        Values; nothing is changed by deciding.
    now
        The instant, with its zone. No clock is read.
    spent
        What was spent before of the agreement's budget, by the ledger of the dataset. An agreement with a budget allows
        nothing while that is not known.

    Raises
    ------
    AccessError
        ``now`` has no zone, or ``spent`` is no budget. What is not allowed is a decision, not an error; :func:`require`
        makes it one.
    """
    instant_text(now, "now", AccessError)
    if not isinstance(spent, Budget | None):
        raise AccessError(f"spent: {spent!r} is no cdt_core.governance.Budget; give Budget(epsilon, delta)")
    reasons = [*_period(agreement, now), *_actor(agreement, request), *_purpose(agreement, request)]
    if request.kind != "audit":
        reasons += [*_sites(agreement, request), *_group_size(agreement, request), *_cost(agreement, request, spent)]
        reasons += [*_detail(agreement, request), *_borders(agreement, request), *_exchange(agreement, request)]
    return Decision(agreement.name, agreement.digest, tuple(reasons))


def require(agreement: Agreement, request: Request, *, now: datetime, spent: Budget | None = None) -> Decision:
    """The decision when it allows the request.

    Raises
    ------
    AccessError
        It does not; the message has every reason.
    """
    return allowed(request, decide(agreement, request, now=now, spent=spent))


def allowed(request: Request, decision: Decision) -> Decision:
    """The decision when it allows the request it was made of; else ``AccessError`` with every reason."""
    if not decision.allowed:
        reasons = "; ".join(map(str, decision.reasons))
        raise AccessError(f"agreement {decision.agreement!r} does not allow this {request.kind}: {reasons}")
    return decision


def _period(agreement: Agreement, now: datetime) -> Iterator[Reason]:
    if agreement.begins is not None and now < agreement.begins:
        yield Reason("period", "begins", f"it begins at {instant_text(agreement.begins, '', AccessError)}")
    if now >= agreement.expires:
        yield Reason("expiry", "expires", f"it ended at {instant_text(agreement.expires, '', AccessError)}")


def _actor(agreement: Agreement, request: Request) -> Iterator[Reason]:
    if request.kind not in KINDS:
        yield Reason("kind", "may_ask", f"{request.kind!r} is none of {', '.join(KINDS)}")
        return
    person = agreement.person(request.actor)
    if person is None:
        yield Reason("actor", "people", f"{request.actor!r} is not among them")
    elif not any(request.kind in agreement.may_ask.get(role, ()) for role in person.roles):
        asking = [role for role, kinds in agreement.may_ask.items() if request.kind in kinds]
        path = f"people[{agreement.people.index(person)}].roles"
        yield Reason(
            "role",
            path,
            f"{person.name!r} is {' and '.join(person.roles)}, and a {request.kind} is asked by "
            f"{' or '.join(asking) or 'nobody'} (may_ask)",
        )


def _purpose(agreement: Agreement, request: Request) -> Iterator[Reason]:
    if request.purpose not in agreement.purposes:
        yield Reason(
            "purpose", "purposes", f"{request.purpose!r} is none of {', '.join(map(repr, agreement.purposes))}"
        )


def _sites(agreement: Agreement, request: Request) -> Iterator[Reason]:
    for site in request.sites:
        if agreement.party(site) is None:
            yield Reason("site", "parties", f"{site!r} is not among them")
    if not request.sites:
        yield Reason("site", "parties", "the request names no site")
    different = len(set(map(repr, request.sites)))
    if different < len(request.sites):
        yield Reason("site", "parties", "a site is named twice")
    if different < agreement.minimum_sites:
        yield Reason(
            "minimum_sites",
            "minimum_sites",
            f"{different} sites, where {agreement.minimum_sites} must take part",
        )


def _group_size(agreement: Agreement, request: Request) -> Iterator[Reason]:
    least, size = agreement.minimum_group_size, request.group_size
    if size is None or isinstance(size, bool) or not isinstance(size, int):
        if least > 1 or size is not None:
            said = "the request does not say" if size is None else f"{size!r} is no number of people"
            yield Reason("minimum_group_size", "minimum_group_size", f"{said} how many are behind each number")
    elif size < least:
        yield Reason(
            "minimum_group_size", "minimum_group_size", f"groups of {size}, where at least {least} are asked for"
        )


def _cost(agreement: Agreement, request: Request, spent: Budget | None) -> Iterator[Reason]:
    budget = agreement.budget
    if budget is None:
        return
    if request.epsilon is None or request.delta is None:
        yield Reason(
            "budget",
            "budget",
            "the request states no epsilon and delta: without differential privacy no budget covers it",
        )
        return
    for name, asked, had, most in (
        ("epsilon", request.epsilon, None if spent is None else spent.epsilon, budget.epsilon),
        ("delta", request.delta, None if spent is None else spent.delta, budget.delta),
    ):
        path = f"budget.{name}"
        if not is_number(asked) or asked < 0:
            yield Reason("budget", path, f"{asked!r} is no finite {name} of at least 0")
        elif had is None:
            yield Reason("budget", path, "what was spent before is not known; give it (spent=)")
        elif _exact(had) + _exact(asked) > _exact(most):
            yield Reason("budget", path, f"{had:g} is spent and {asked:g} asked for, of {most:g} in all")


def _exact(value: float) -> Fraction:
    """The number that people write: 0.1 and 0.2 make 0.3, not a little more."""
    return Fraction(repr(float(value)))


def _detail(agreement: Agreement, request: Request) -> Iterator[Reason]:
    if request.detail not in DETAILS:
        yield Reason("detail", "details", f"{request.detail!r} is none of {', '.join(DETAILS)}")
    elif request.detail not in agreement.details:
        yield Reason(
            "detail", "details", f"{request.detail} do not leave a site; {' and '.join(agreement.details)} may"
        )


def _borders(agreement: Agreement, request: Request) -> Iterator[Reason]:
    if request.destination is None or request.destination in ("", ANYWHERE):
        yield Reason("region", "transfers", "the request names no region that receives the result")
        return
    parties = [party for party in agreement.parties if party.name in request.sites]
    for region in sorted({party.region for party in parties}):
        path = _forbidden(agreement, region, request)
        if path is not None:
            yield Reason("region", path, f"no {request.detail} from {region} to {request.destination}")


def _forbidden(agreement: Agreement, region: str, request: Request) -> str | None:
    """The path of what forbids the crossing, or None: an exact transfer decides, else all that match, else nothing crosses."""
    there = request.destination
    matching = [
        (position, transfer)
        for position, transfer in enumerate(agreement.transfers)
        if transfer.source in (region, ANYWHERE) and transfer.destination in (there, ANYWHERE)
    ]
    exact = [(position, each) for position, each in matching if (each.source, each.destination) == (region, there)]
    if not exact and region == there:
        return None  # no border is crossed
    deciding = exact or matching
    for position, transfer in deciding:
        if request.detail not in transfer.details:
            return f"transfers[{position}].details"
    return None if deciding else "transfers"


def _exchange(agreement: Agreement, request: Request) -> Iterator[Reason]:
    if request.kind not in _EXCHANGES:
        return
    for name, asked, allowed in (
        ("carrier", request.carrier, agreement.carriers),
        ("rule", request.rule, agreement.rules),
    ):
        if allowed is not None and asked not in allowed:
            said = "the request names none" if asked is None else f"{asked!r} is not agreed"
            yield Reason(name, f"{name}s", f"{said}; {' or '.join(allowed)} may be used")
