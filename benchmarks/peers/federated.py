"""Federation and privacy beside their peers: ``python -m benchmarks.peers.federated [--only WORD,...] [--json FILE]``.

All of it in one table. Each part is also one of its own benchmark, which says what is measured and how: ``robust``,
``robust_distances``, ``lattice``, ``secure`` and ``release``. Run it with ``OPENBLAS_NUM_THREADS=1 taskset -c 1``,
and with nothing else. Peers: NumPy, BLAS, pandas, and ``pip install flwr``.
"""

from __future__ import annotations

from benchmarks.peers import lattice, release, robust, robust_distances, secure
from benchmarks.peers.table import Parts, main
from cdt_core.kernels import _robust

_TABLES = {
    "robust": robust.PARTS,
    "distances": robust_distances.PARTS,
    "lattice": lattice.PARTS,
    "secure": secure.PARTS,
    "release": release.PARTS,
}
#: ``robust.medians`` is the part ``medians`` of the benchmark ``robust``.
PARTS: Parts = {f"{table}.{part}": rows for table, parts in _TABLES.items() for part, rows in parts.items()}

if __name__ == "__main__":
    main(__doc__ or "", PARTS, _robust.kernels_name)
