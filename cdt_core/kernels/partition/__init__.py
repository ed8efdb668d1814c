"""Partitions of the rows of a table of codes into classes that keep k, l and t: Mondrian cuts, and checks of any classes."""

from __future__ import annotations

from cdt_core.kernels.partition.annealing import MOST_SET_VALUES, annealed
from cdt_core.kernels.partition.checking import ClassMeasures, classes_of, measure
from cdt_core.kernels.partition.cutting import mondrian
from cdt_core.kernels.partition.demand import Demand
from cdt_core.kernels.partition.partition import Partition

__all__ = ["MOST_SET_VALUES", "ClassMeasures", "Demand", "Partition", "annealed", "classes_of", "measure", "mondrian"]
