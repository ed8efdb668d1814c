"""Golden streams of tensor trains: what each released version of their formats wrote, kept for ever.

``python -m tests.golden.train_streams`` writes the streams that do not exist yet, and never changes one that does. Their cores
are small whole numbers, so that any order of additions makes the same array.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np

from cdt_core.kernels.tensor_train import OrderedTrain, TensorTrain
from cdt_core.kernels.tensor_train.ordering import Order
from tests.golden.make import digest, noise

FOLDER = Path(__file__).parent / "train"
MANIFEST = FOLDER / "manifest.json"

#: What streams begin with, and what reads them.
KINDS = {b"\x93CTT": TensorTrain, b"\x93CTO": OrderedTrain}


def train(dtype: str, shape: tuple[int, ...], ranks: tuple[int, ...], error: float | None = None) -> TensorTrain:
    """A train of whole numbers from -4 to 3, or such numbers of both parts."""
    kind, cores = np.dtype(dtype), []
    for k, (n, (left, right)) in enumerate(zip(shape, pairwise((1, *ranks, 1)), strict=True)):
        parts = 2 if kind.kind == "c" else 1
        whole = (noise(parts * left * n * right, k + 1) >> np.uint64(61)).astype(f"f{kind.itemsize // parts}") - 4
        cores.append(whole.view(kind).reshape(left, n, right))
    return TensorTrain(cores, error)


def ordered(
    dtype: str, shape: tuple[int, ...], digits: tuple[tuple[int, ...], ...], groups: tuple[tuple[int, ...], ...]
) -> OrderedTrain:
    """A train of ranks 2 in an order of axes."""
    order = Order(shape, digits, groups)
    return OrderedTrain(order, train(dtype, order.modes, (2,) * (len(groups) - 1), 0.001), 1000)


CASES: Mapping[str, TensorTrain | OrderedTrain] = {
    **{d: train(d, (3, 4, 5), (2, 3)) for d in ("f4", "f8", "c8", "c16")},
    "error": train("f8", (3, 4, 5), (2, 3), 0.125),
    "one-axis": train("f8", (7,), ()),
    "long-axis": train("f4", (300, 2), (2,)),
    **{f"ordered-{d}": ordered(d, (4, 3, 5), ((4,), (3,), (5,)), ((2,), (0,), (1,))) for d in ("f4", "f8", "c8", "c16")},
    "ordered-joined": ordered("f8", (4, 3, 5, 2), ((4,), (3,), (5,), (2,)), ((3, 0), (1, 2))),
    "ordered-digits": ordered("f8", (12, 1, 10), ((3, 2, 2), (), (5, 2)), ((1, 4), (0,), (3, 2))),
    "ordered-all-in-one": ordered("f4", (6, 5), ((3, 2), (5,)), ((1, 2, 0),)),
}


def main() -> None:
    """Write what does not exist yet."""
    FOLDER.mkdir(exist_ok=True)
    entries = json.loads(MANIFEST.read_text()) if MANIFEST.exists() else {}
    for name, made in CASES.items():
        if name not in entries:
            stream, values = made.to_bytes(), made.full()
            (FOLDER / f"{name}.bin").write_bytes(stream)
            entries[name] = {
                "stream_sha256": hashlib.sha256(stream).hexdigest(),
                "dtype": values.dtype.newbyteorder("<").str,
                "shape": list(values.shape),
                "values_sha256": digest(values),
            }
            sys.stdout.write(f"{name}: {len(stream)} bytes\n")
    MANIFEST.write_text(json.dumps(entries, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
