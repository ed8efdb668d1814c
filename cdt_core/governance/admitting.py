"""Decide, write it down, and only then go on: what a round and a release begin with."""

from __future__ import annotations

from datetime import datetime

from cdt_core.governance.agreement import Agreement, Budget
from cdt_core.governance.audit import AuditLog
from cdt_core.governance.deciding import allowed, decide
from cdt_core.governance.request import Decision, Request

__all__ = ["admit"]


def admit(
    agreement: Agreement, request: Request, log: AuditLog, *, now: datetime, spent: Budget | None = None
) -> Decision:
    """The decision when it allows the request; allowed or not, it is in the log, signed and on disk, before this returns.

    Parameters are those of :func:`decide`, and the open log.

    Raises
    ------
    AccessError
        The agreement does not allow it; the message has every reason, and so has the log.
    OutputError
        The log cannot be written: then nothing is allowed.
    """
    decision = decide(agreement, request, now=now, spent=spent)
    log.record(request, decision, now=now)
    log.commit()
    return allowed(request, decision)
