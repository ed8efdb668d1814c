"""Memory of the main job on a virtual dataset: ``python -m benchmarks.peers.virtual --gb 64``.

The values are generated block by block; nothing but the result is stored. Prints size, wall time and peak resident memory.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import cdt_core as cdt
from benchmarks.fields import waves_dataset
from benchmarks.peers.treat import peak_megabytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gb", type=float, default=64.0)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        treatment = cdt.treat(waves_dataset(given.gb), Path(folder) / "out", bound="rel:1e-3", workers=given.workers)
    seconds = time.perf_counter() - begin
    print(
        f"{treatment.raw_bytes / 1e9:.1f} GB, ratio {treatment.ratio:.2f}, {seconds:.0f} s, peak {peak_megabytes():.0f} MB"
    )


if __name__ == "__main__":
    main()
