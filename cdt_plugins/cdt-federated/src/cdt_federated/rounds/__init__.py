"""The round engine: who is asked, what is accepted, when a stage ends, and what is left of it after a crash.

Nothing here does I/O (but the journal), reads a clock or opens a connection: bytes come in and go out. What a round
computes is an :class:`~cdt_core.model.exchange.Exchange` at the coordinator and a :class:`~cdt_core.model.exchange.Party`
at each site: plain updates here, secure and encrypted sums in ``cdt-privacy``.
"""

from __future__ import annotations

from cdt_federated.rounds.agreeing import under
from cdt_federated.rounds.coordinator import Coordinator
from cdt_federated.rounds.faults import Faults
from cdt_federated.rounds.journal import Journal
from cdt_federated.rounds.kept import KeptSite
from cdt_federated.rounds.opening import Join, OpenExchange, Opening, Outcome, Rejoin, Restorable
from cdt_federated.rounds.plain import PlainExchange, PlainParty, Rule, mean, rule_of
from cdt_federated.rounds.receipts import REFUSALS, Receipt
from cdt_federated.rounds.roster import Member, Roster
from cdt_federated.rounds.running import Deliver, InProcess, run_in_process, run_round
from cdt_federated.rounds.sampling import Terms, sampled
from cdt_federated.rounds.site import Site

__all__ = [
    "REFUSALS",
    "Coordinator",
    "Deliver",
    "Faults",
    "InProcess",
    "Join",
    "Journal",
    "KeptSite",
    "Member",
    "OpenExchange",
    "Opening",
    "Outcome",
    "PlainExchange",
    "PlainParty",
    "Receipt",
    "Rejoin",
    "Restorable",
    "Roster",
    "Rule",
    "Site",
    "Terms",
    "mean",
    "rule_of",
    "run_in_process",
    "run_round",
    "sampled",
    "under",
]
