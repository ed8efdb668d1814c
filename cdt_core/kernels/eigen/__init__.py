"""Eigenpairs: the leading ones of data matrices, and the lowest ones of operators that no vector can hold."""

from __future__ import annotations

from cdt_core.kernels.eigen.leading import leading
from cdt_core.kernels.eigen.operators import covariance_operator, pauli_sum
from cdt_core.kernels.eigen.pairs import Eigenpairs
from cdt_core.kernels.eigen.variational import EigenTrains, variational

__all__ = ["EigenTrains", "Eigenpairs", "covariance_operator", "leading", "pauli_sum", "variational"]
