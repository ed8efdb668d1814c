"""cdt beside the compressors a user would pick instead: ``python -m benchmarks.peers.compress [--json FILE]``.

Every array of ``benchmarks.peers.arrays`` at each bound: ratio, speeds (MB/s of the array per CPU second, on one thread, the
Python call and every conversion included) and the measured error over the bound. A run that breaks its bound is shown and
does not count. Peers: ``pip install -e '.[peers]'``. Pin the process to one core (``taskset -c 1``) for steady figures;
the row of two threads then needs a run of its own.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import arrays, beyond, summary
from benchmarks.peers.codecs import PEERS
from benchmarks.peers.measure import LOSSLESS, Children, Run
from benchmarks.peers.peer import Array, Cdt, Peer

PROFILES = ("fast", "balanced", "dense")
PACKAGES = ("pysz", "imagecodecs", "pcodec", "openzl", "blosc2", "zstandard", "fpzip", "numpy")


def jobs(bounds: Sequence[str], profiles: Sequence[str], peers: Sequence[Peer]) -> Iterator[tuple[Peer, str]]:
    """Each compressor with each bound that it is run at; those of one bound beside each other, so that drift hits all."""
    for bound in (*bounds, LOSSLESS):
        yield from ((Cdt(profile, bound), bound) for profile in profiles)
        yield from ((peer, bound) for peer in peers if peer.lossy == (bound != LOSSLESS))


def table(name: str, array: Array, runs: Sequence[Run]) -> str:
    lines = [f"\n{name}  {array.shape}  {array.dtype}  {array.nbytes / 1e6:.2f} MB"]
    lines.append(f"  {'bound':9} {'peer':24}{'ratio':>10}{'c MB/s':>9}{'d MB/s':>9}{'err/bound':>11}")
    for run in runs:
        if not run.note:
            figures = f"{run.ratio:10.2f}{run.c:9.0f}{run.d:9.0f}{run.err_over_bound:11.6f}"
            lines.append(f"  {run.bound:9} {run.peer:24}{figures}{'' if run.valid else '  over the bound'}")
    refused = {f"{run.peer}: {run.note}" for run in runs if run.note}
    return "\n".join([*lines, *(f"  not run: {reason}" for reason in sorted(refused))])


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    parser.add_argument(
        "--arrays", type=_listed, default=[], help="only these; leaves out the rows with arrays of their own"
    )
    parser.add_argument("--bounds", type=_listed, default=list(summary.BOUNDS), help="rel:X or abs:X, with commas")
    parser.add_argument("--profiles", type=_listed, default=list(PROFILES))
    parser.add_argument("--peers", type=_listed, default=[peer.name for peer in PEERS], help="'' for none")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cache", type=Path, help="where generated fields are kept (default: the temporary folder)")
    parser.add_argument("--large", action="store_true", help="also a field of 256 MiB, beside memcpy")
    given = parser.parse_args()
    unknown = set(given.peers) - {peer.name for peer in PEERS}
    if unknown:
        parser.error(f"no peer is called {sorted(unknown)}; there are {[peer.name for peer in PEERS]}")
    return given


def _beyond(given: argparse.Namespace) -> list[summary.Row]:
    """The rows with arrays of their own; none when the run is about some arrays only."""
    if given.arrays or not given.profiles:
        return []
    field = arrays.generated("grf192", given.cache)
    rows = [
        *beyond.small_and_missing(field, given.profiles, given.repeats),
        *beyond.threads(field, given.profiles, given.repeats),
        beyond.noise(given.profiles),
    ]
    if given.large and "fast" in given.profiles:
        rows.append(beyond.memcpy_row(arrays.generated("grf_256MiB", given.cache), given.bounds, given.repeats))
    return rows


def measured(given: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Every run of every array, printed as it is made."""
    peers = [peer for peer in PEERS if peer.name in given.peers]
    children = Children()
    found: dict[str, dict[str, Any]] = {}
    for name, array in arrays.load(given.cache, given.arrays):
        if isinstance(array, str):
            print(f"\n{name}: skipped, {array}")
            continue
        work = jobs(given.bounds, given.profiles, peers)
        runs = [children.measure(peer, array, bound, given.repeats) for peer, bound in work]
        print(table(name, array, runs), flush=True)
        found[name] = {"shape": array.shape, "dtype": str(array.dtype), "nbytes": array.nbytes, "runs": runs}
    children.close()
    return found


def main() -> None:
    given = _arguments()
    found = measured(given)
    results = summary.Results({name: entry["runs"] for name, entry in found.items()})
    rows = summary.rows(results, _beyond(given))
    print(f"\n{_machine()}, {_versions()}\n\n{summary.printed(rows)}")
    behind = summary.behind(results, {name: entry["nbytes"] for name, entry in found.items()})
    print("\ndense below 0.95 of the best valid peer, arrays of 1 MB or more:", *(behind or ["none"]), sep="\n  ")
    if given.json:
        plain = {name: {**entry, "runs": [asdict(run) for run in entry["runs"]]} for name, entry in found.items()}
        judged = [{**asdict(row), "verdict": row.verdict} for row in rows]
        whole = {"machine": _machine(), "versions": _versions(), "arrays": plain, "summary": judged, "behind": behind}
        given.json.write_text(json.dumps(whole, indent=1))


if __name__ == "__main__":
    np.seterr(all="ignore")  # a peer's conversions of NaN and of extreme values are its own affair
    main()
