"""One dataset, one privacy budget, one file: what was released so far, and what may still be."""

from __future__ import annotations

from cdt_privacy.ledger.budget import Budget, Ledger, Reservation

__all__ = ["Budget", "Ledger", "Reservation"]
