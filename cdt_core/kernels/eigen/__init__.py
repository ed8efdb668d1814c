"""Eigenpairs: the leading ones of data matrices, and the lowest ones of operators that no vector can hold."""

from __future__ import annotations

from cdt_core.kernels.eigen.leading import leading
from cdt_core.kernels.eigen.pairs import Eigenpairs

__all__ = ["Eigenpairs", "leading"]
