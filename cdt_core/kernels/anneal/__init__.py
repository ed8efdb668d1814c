"""Annealing of Ising problems and QUBOs: the problem, and the samples that come of it."""

from __future__ import annotations

from cdt_core.kernels.anneal.cardinality import Cardinality
from cdt_core.kernels.anneal.problem import Problem
from cdt_core.kernels.anneal.samples import Samples

__all__ = ["Cardinality", "Problem", "Samples"]
