"""Who may ask what of whose data, and a record of every answer that cannot be changed unseen.

An :class:`Agreement` is data. :func:`decide` is a pure function of it, a :class:`Request` and the time that the caller gives;
an :class:`AuditLog` keeps what was decided, and :func:`verify_log` finds what was done to it since. Nothing here reads a
clock, finds a key or opens a connection: signing keys and times arrive as values. What else is written down and must not be
changed unseen, without a signature, is a :class:`cdt_core.governance.linked.LinkedFile`.
"""

from __future__ import annotations

from cdt_core.governance.admitting import admit
from cdt_core.governance.agreement import DETAILS, KINDS, ROLES, Agreement, Budget, Party, Person, Transfer
from cdt_core.governance.audit import AuditLog
from cdt_core.governance.chain import Entry, Head, read_entries, read_head
from cdt_core.governance.deciding import decide, require
from cdt_core.governance.reading import read_agreement
from cdt_core.governance.request import Decision, Reason, Request
from cdt_core.governance.verifying import LogReport, Problem, verify_log
from cdt_core.governance.writing import agreement_text

__all__ = [
    "DETAILS",
    "KINDS",
    "ROLES",
    "Agreement",
    "AuditLog",
    "Budget",
    "Decision",
    "Entry",
    "Head",
    "LogReport",
    "Party",
    "Person",
    "Problem",
    "Reason",
    "Request",
    "Transfer",
    "admit",
    "agreement_text",
    "decide",
    "read_agreement",
    "read_entries",
    "read_head",
    "require",
    "verify_log",
]
