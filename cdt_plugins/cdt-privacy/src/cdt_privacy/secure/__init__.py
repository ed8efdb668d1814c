"""Sums that show nothing of what was added: sites mask their vectors so that the masks cancel in the sum.

Bonawitz et al., "Practical Secure Aggregation for Privacy-Preserving Machine Learning", CCS 2017; with fewer neighbours Bell
et al., "Secure Single-Server Aggregation with (Poly)Logarithmic Overhead", CCS 2020.
"""

from __future__ import annotations

from cdt_privacy.secure.exchange import SecureSum
from cdt_privacy.secure.groups import GroupedSum, groups, terms_of_groups
from cdt_privacy.secure.identity import Identity, Roster
from cdt_privacy.secure.party import SecureParty
from cdt_privacy.secure.sparse import Sparse
from cdt_privacy.secure.terms import ACTIVE, SEMI_HONEST, Terms

__all__ = [
    "ACTIVE",
    "SEMI_HONEST",
    "GroupedSum",
    "Identity",
    "Roster",
    "SecureParty",
    "SecureSum",
    "Sparse",
    "Terms",
    "groups",
    "terms_of_groups",
]
