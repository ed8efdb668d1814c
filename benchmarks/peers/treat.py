"""The main job beside what a user would pick instead: ``python -m benchmarks.peers.treat [--gb 1] [--json]``.

Rows: ``cdt treat`` (read, plan, encode, decode, check, validate, certify, report), the bare kernels on the same blocks and
threads (encode, decode, SHA-256 of block and chunk; profile balanced), ``xarray.to_zarr`` with its default
codec, and bit rounding (the fewest mantissa bits that keep the bound) + Zstandard through ``to_zarr``. Each row runs in a
process of its own, in turn, several times; medians. Imports are not in the wall time: they are what the first, small run
(``first s``) takes more.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.fields import turbulence_file, waves_file

BOUND = "rel:1e-3"
CHUNK_PLANES = 2


def _open(source: Path):
    """The field as a lazy xarray dataset over the memory map, in the chunks that every row uses."""
    import dask.array as da
    import xarray as xr

    values = np.load(source, mmap_mode="r")
    array = da.from_array(values, chunks=(CHUNK_PLANES, 1024, 1024), name=False)
    return xr.Dataset({"array": (("z", "y", "x"), array)})


def run_cdt(source: Path, out: Path, workers: int) -> None:
    import cdt_core as cdt

    cdt.treat(source, out, bound=BOUND, workers=workers)


def run_kernels(source: Path, out: Path, workers: int) -> float:
    """Encode, decode and hash every block and its stream, nothing else; streams are written so that sizes compare."""
    import hashlib
    from concurrent.futures import ThreadPoolExecutor

    from cdt_core.codecs.bounded import Bounded
    from cdt_core.model import Bound

    values = np.load(source, mmap_mode="r")
    low, high = float(values.min()), float(values.max())
    codec = Bounded({"profile": "balanced"}, Bound("abs", 1e-3 * (high - low)), ())
    out.mkdir()

    def block(start: int) -> str:
        piece = np.ascontiguousarray(values[start : start + CHUNK_PLANES])
        hashlib.sha256(piece.data)
        stream = codec.encode(piece).stream
        codec.decode(stream, piece.shape, piece.dtype)
        (out / str(start)).write_bytes(stream)
        return hashlib.sha256(stream).hexdigest()

    begin = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(block, range(0, len(values), CHUNK_PLANES)))
    return time.perf_counter() - begin


def run_xarray(source: Path, out: Path, workers: int) -> None:
    import dask

    with dask.config.set(scheduler="threads", num_workers=workers):
        _open(source).to_zarr(out, zarr_format=3, consolidated=False)


def run_bitround(source: Path, out: Path, workers: int) -> None:
    """Round to the fewest mantissa bits that keep the absolute bound, then Zstandard (level 3)."""
    import dask
    from zarr.codecs import ZstdCodec

    dataset = _open(source)
    values = dataset["array"]
    with dask.config.set(scheduler="threads", num_workers=workers):
        low, high = dask.compute(values.data.min(), values.data.max())
        bound = 1e-3 * (float(high) - float(low))
        largest = max(abs(float(low)), abs(float(high)))
        bits = int(np.clip(np.ceil(np.log2(largest / bound)) - 1, 0, 23))

        def rounded(block: np.ndarray) -> np.ndarray:
            drop = 23 - bits
            raw = block.view(np.uint32)
            half = np.uint32((1 << drop) >> 1)
            return ((raw + half) & np.uint32(0xFFFFFFFF << drop & 0xFFFFFFFF)).view(np.float32)

        dataset["array"] = values.copy(data=values.data.map_blocks(rounded, dtype=np.float32))
        encoding = {"array": {"compressors": [ZstdCodec(level=3)]}}
        dataset.to_zarr(out, zarr_format=3, consolidated=False, encoding=encoding)


FIELDS = {"waves": waves_file, "turbulence": turbulence_file}
ROWS = {"cdt treat": run_cdt, "bare kernels": run_kernels, "xarray.to_zarr": run_xarray, "bit rounding": run_bitround}


def peak_megabytes() -> float:
    """Largest resident memory of this process (``VmHWM``; ``ru_maxrss`` would count the parent's, from before ``exec``)."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) / 1024


def _child(name: str, source: Path, out: Path, workers: int) -> None:
    """One row: once on a small piece, so that imports are not timed, and then on the whole."""
    warm = out.with_name("warm")
    small = source.with_name("small.npy")
    np.save(small, np.load(source, mmap_mode="r")[:4])
    begin = time.perf_counter()
    ROWS[name](small, warm, workers)
    first = time.perf_counter() - begin
    shutil.rmtree(warm)
    cpu, begin = time.process_time(), time.perf_counter()
    seconds = ROWS[name](source, out, workers)
    wall = time.perf_counter() - begin if seconds is None else seconds
    cpu = time.process_time() - cpu
    print(json.dumps({"first": first, "wall": wall, "cpu": cpu, "peak_mb": peak_megabytes()}))


def _size(folder: Path) -> int:
    store = folder / "data.zarr" if (folder / "data.zarr").is_dir() else folder
    return sum(path.stat().st_size for path in store.rglob("*") if path.is_file())


def measure(field: str, gigabytes: float, workers: int, repeats: int) -> dict[str, dict[str, float]]:
    """Rows of median figures; the rows take turns, so that a drift of the machine hits all alike."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in ROWS}
    with tempfile.TemporaryDirectory() as folder:
        source = FIELDS[field](Path(folder) / "field.npy", gigabytes)
        raw = np.load(source, mmap_mode="r").nbytes
        for _ in range(repeats):
            for name in ROWS:
                out = Path(folder) / "out"
                command = [sys.executable, "-m", "benchmarks.peers.treat", "--row", name, "--workers", str(workers)]
                done = subprocess.run(
                    [*command, "--source", str(source), "--out", str(out)], capture_output=True, text=True, check=True
                )
                figures = json.loads(done.stdout.splitlines()[-1])
                figures["ratio"] = raw / _size(out)
                runs[name].append(figures)
                shutil.rmtree(out)
    return {
        name: {key: float(np.median([run[key] for run in found])) for key in found[0]} for name, found in runs.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gb", type=float, default=1.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--field", choices=list(FIELDS), default="waves", help="smooth waves, or turbulence-like noise")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--row", choices=list(ROWS), help=argparse.SUPPRESS)
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.row:
        _child(given.row, given.source, given.out, given.workers)
        return
    rows = measure(given.field, given.gb, given.workers, given.repeats)
    if given.json:
        print(json.dumps(rows, indent=2))
        return
    base = rows["bare kernels"]["wall"]
    print(f"{'':16}{'ratio':>8}{'wall s':>9}{'x kernels':>11}{'cpu s':>8}{'peak MB':>9}{'first s':>9}")
    for name, row in rows.items():
        figures = f"{row['ratio']:8.2f}{row['wall']:9.2f}{row['wall'] / base:11.2f}{row['cpu']:8.2f}"
        print(f"{name:16}{figures}{row['peak_mb']:9.0f}{row['first']:9.2f}")


if __name__ == "__main__":
    main()
