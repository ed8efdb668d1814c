"""Golden tensor streams: what each released version of their format wrote, kept for ever.

``python -m tests.golden.tensor_streams`` writes the streams that do not exist yet, and never changes one that does. Those made
on two machines may differ (their eigenvectors do); what one decodes to may not.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdt_core.kernels import tensor_stream
from cdt_core.model import Bound
from tests.golden.make import digest, holes, noise, walk

FOLDER = Path(__file__).parent / "tensor"
MANIFEST = FOLDER / "manifest.json"


def chain(*shape: int) -> NDArray[Any]:
    """A train of rank 2 whose cores are small integers."""
    made = np.ones((1, 1))
    for axis, n in enumerate(shape):
        rank = 1 if axis == len(shape) - 1 else 2
        core = (noise(len(made[0]) * n * rank, axis + 1) >> np.uint64(60)).astype(np.float64) - 7.5
        made = (made @ core.reshape(made.shape[1], n * rank)).reshape(-1, rank)
    return made.reshape(shape)


#: Name -> (array, bound, missing codes).
CASES: Mapping[str, tuple[Callable[[], NDArray[Any]], str, tuple[float, ...]]] = {
    **{f"rmse-{d}": (lambda d=d: walk(d, 24, 40), "rmse:0.02", ()) for d in ("f2", "f4", "f8")},
    **{f"rmse-{d}": (lambda d=d: walk(d, 24, 40), "rmse:0.5", ()) for d in ("i2", "i4", "u1")},
    **{f"abs-{d}": (lambda d=d: chain(8, 9, 10, 7).astype(d), "abs:20", ()) for d in ("f4", "f8", "i2", "i4")},
    "one-axis": (lambda: walk("f8", 700), "rmse:0.02", ()),
    "three-axes": (lambda: walk("f8", 3, 20, 25), "rmse:0.02", ()),
    "four-axes": (lambda: walk("f4", 2, 3, 16, 20), "rmse:0.02", ()),
    "six-axes": (lambda: walk("f4", 2, 1, 3, 2, 16, 20), "rmse:0.1", ()),
    "planes-apart": (lambda: np.stack([walk("f8", 30, 40), walk("f8", 30, 40, seed=8)[::-1]]), "rmse:0.02", ()),
    "chain": (lambda: chain(12, 10, 14, 9), "rmse:5", ()),
    "holes": (lambda: np.clip(holes("f4", 24, 40), -999, 1e4), "rmse:1", (-999.0,)),
    "constant": (lambda: np.full((20, 20), 2.5), "rmse:0.1", ()),
    "plain": (lambda: walk("i8", 9, 31), "lossless", ()),
}


def main() -> None:
    """Write what does not exist yet."""
    FOLDER.mkdir(exist_ok=True)
    entries = json.loads(MANIFEST.read_text()) if MANIFEST.exists() else {}
    for name, (make, bound, missing) in CASES.items():
        if name not in entries:
            stream = tensor_stream.encode(make(), Bound.parse(bound), missing=missing).stream
            (FOLDER / f"{name}.bin").write_bytes(stream)
            values = tensor_stream.decode(stream)
            entries[name] = {
                "stream_sha256": hashlib.sha256(stream).hexdigest(),
                "dtype": values.dtype.newbyteorder("<").str,
                "shape": list(values.shape),
                "values_sha256": digest(values),
            }
            sys.stdout.write(f"{name}: {len(stream)} bytes, method {stream[5]}\n")
    MANIFEST.write_text(json.dumps(entries, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
