"""Tucker and CP decompositions: a small core and a matrix for each axis, or a sum of outer products."""

from __future__ import annotations

from cdt_core.kernels.tucker.decomposition import Tucker
from cdt_core.kernels.tucker.hooi import hooi
from cdt_core.kernels.tucker.hosvd import hosvd
from cdt_core.kernels.tucker.khatri_rao import mttkrp, mttkrp_all
from cdt_core.kernels.tucker.parafac import parafac

__all__ = ["Tucker", "hooi", "hosvd", "mttkrp", "mttkrp_all", "parafac"]
