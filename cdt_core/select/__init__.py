"""What a scientist selects or assigns by annealing: features of a table, and batches of samples."""

from __future__ import annotations

from cdt_core.select.assignment import Assignment, Imbalance
from cdt_core.select.balancing import balance_batches
from cdt_core.select.choosing import select
from cdt_core.select.dependence import Dependence
from cdt_core.select.features import measure_features, select_features
from cdt_core.select.histograms import HistogramSummary
from cdt_core.select.moments import MomentSummary
from cdt_core.select.selection import Selection

__all__ = [
    "Assignment",
    "Dependence",
    "HistogramSummary",
    "Imbalance",
    "MomentSummary",
    "Selection",
    "balance_batches",
    "measure_features",
    "select",
    "select_features",
]
