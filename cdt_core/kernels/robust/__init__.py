"""Rules that combine the updates of several sites into one, and hold when some of the updates are wrong.

Updates are an (n, d) array or n vectors, a row for each site: float16, float32 or float64. Sums are taken in double precision;
results are in the updates' dtype. Rules by coordinate give the same bits for every instruction set; those by distance may
differ by rounding. Every rule reads the updates in blocks of columns: the memory beside them is that of the result and about a
thousand bytes for each row.
"""

from __future__ import annotations

from cdt_core.kernels.robust.bulyan import bulyan
from cdt_core.kernels.robust.distances import distances
from cdt_core.kernels.robust.geometric import geometric_median
from cdt_core.kernels.robust.krum import krum
from cdt_core.kernels.robust.mean import mean
from cdt_core.kernels.robust.median import median, weighted_median
from cdt_core.kernels.robust.trimmed import trimmed_mean

__all__ = ["bulyan", "distances", "geometric_median", "krum", "mean", "median", "trimmed_mean", "weighted_median"]
