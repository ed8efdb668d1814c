"""Annealing of Ising problems and QUBOs: the problem, what solves it, and the samples that come of it."""

from __future__ import annotations

from cdt_core.kernels.anneal.annealing import METHODS, anneal
from cdt_core.kernels.anneal.cardinality import Cardinality
from cdt_core.kernels.anneal.problem import Problem
from cdt_core.kernels.anneal.samples import Samples
from cdt_core.kernels.anneal.schedule import default_range

__all__ = ["METHODS", "Cardinality", "Problem", "Samples", "anneal", "default_range"]
